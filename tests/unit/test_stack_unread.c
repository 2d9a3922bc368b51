/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lookups could not read, and that it is remembered.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit/hit_text.h"
#include "unit/reader_fault.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

static struct tree_stack tree;
static struct reader_fault fault;

static void setup(void)
{
	tree_clear();
	tree_layers(3);
	tree_dir("upper/abs");
	tree_mark("upper/abs", "redirect", "/x/y");
	tree_dir("lower1/x/y");
	tree_dir("lower2/x/y");
	tree_dir("lower1/mid");
	tree_mark("lower1/mid", "redirect", "/z");
	tree_dir("lower2/z");
	tree_dir("lower3/z");
	tree_file("upper/plain", "");
	tree_hole("upper/meta", 100);
	tree_mark("upper/meta", "metacopy", "");
	tree_file("lower2/meta", "data");
	reader_fault_init(&fault, ovl_reader_linux());
	ck_assert_int_eq(tree_open(&tree, 3, "", &fault.reader), 0);
}

static void teardown(void)
{
	tree_close(&tree);
	ck_assert_int_eq(fault.n_open, 0);
}

static const struct {
	const char *name;
	unsigned calls;
	const char *path, *expected;
} failures[] = {
	{ "y", READER_BIT(STAT), "abs", "Input/output error, unreadable at lower1:/x/y" },
	{ "x", READER_BIT(OPEN_DIR), "abs", "Input/output error, unreadable at lower1:/x" },
	{ "abs", READER_BIT(LIST_XATTRS), "abs", "Input/output error, unreadable at upper:/abs" },
	{ "abs", READER_BIT(GET_XATTR), "abs", "Input/output error, unreadable at upper:/abs" },
	{ "mid", READER_BIT(GET_XATTR), "mid", "Input/output error, unreadable at lower1:/mid" },
	{ "meta", READER_BIT(GET_XATTR), "meta", "Input/output error, unreadable at upper:/meta" },
	/* in lower2, that is: the last layer is not asked for xattrs */
	{ "z", READER_BIT(LIST_XATTRS), "mid", "Input/output error, unreadable at lower2:/z" },
	/* not on the way */
	{ "plain", READER_BIT(STAT), "abs",
	  "directory upper:/abs lower1:/x/y lower2:/x/y redirect /x/y" },
	{ "plain", READER_BIT(GET_XATTR), "plain", "regular file upper:/plain data upper:/plain" },
};

START_TEST(test_unread_failures)
{
	_cleanup_free_ char *found = NULL, *again = NULL;
	struct ovl_unread_list *unread = &tree.stack->unread;

	fault.name = failures[_i].name;
	fault.calls = failures[_i].calls;
	reader_fault_rearm(&fault, 0, -EIO);
	found = hit_text_of(tree.stack, OVL_LAYER_UPPER, failures[_i].path);
	ck_assert_str_eq(found, failures[_i].expected);
	/* the stack remembers the place, once */
	again = hit_text_of(tree.stack, OVL_LAYER_UPPER, failures[_i].path);
	ck_assert_str_eq(again, found);
	ck_assert_uint_eq(unread->item.len, strstr(found, "unreadable") != NULL);
	if (unread->item.len > 0) {
		_cleanup_free_ char *place = ovl_stack_place(tree.stack, unread->item.data[0].loc);

		ck_assert_ptr_nonnull(strstr(found, place));
		ck_assert_int_eq(unread->item.data[0].err, -EIO);
	}
}
END_TEST

/* Gone between two looks at it: that is no answer, whatever it was. */
START_TEST(test_unread_vanished)
{
	_cleanup_free_ char *found = NULL;

	fault.name = "abs";
	fault.calls = READER_BIT(LIST_XATTRS);
	reader_fault_rearm(&fault, 0, -ENOENT);
	found = hit_text_of(tree.stack, OVL_LAYER_UPPER, "abs");
	ck_assert_str_eq(found, "No such file or directory, unreadable at upper:/abs");
	ck_assert_uint_eq(tree.stack->unread.item.len, 1);
	ck_assert_int_eq(tree.stack->unread.item.data[0].err, -ENOENT);
}
END_TEST

/* Of what is not there nothing is remembered, nor of what is there and bad. */
START_TEST(test_unread_answers)
{
	_cleanup_free_ char *gone = hit_text_of(tree.stack, OVL_LAYER_UPPER, "gone"), *bad = NULL;

	tree_dir("upper/bad");
	tree_mark("upper/bad", "redirect", "a/b");
	bad = hit_text_of(tree.stack, OVL_LAYER_UPPER, "bad");
	ck_assert_str_eq(gone, "No such file or directory, absent");
	ck_assert_str_eq(bad, "Invalid argument, bad redirect at upper:/bad");
	ck_assert_uint_eq(tree.stack->unread.item.len, 0);
}
END_TEST

static struct ovl_loc at(int layer, const char *path)
{
	struct ovl_path *p = NULL;

	ck_assert_int_eq(ovl_path_parse(path, &p), 0);
	return (struct ovl_loc){ layer, p };
}

static void note(struct ovl_unread_list *list, int layer, const char *path)
{
	struct ovl_loc loc = at(layer, path);

	ck_assert_int_eq(ovl_unread_note(list, loc, -EIO), 0);
	ovl_path_unref((struct ovl_path *)loc.path);
}

/* Places are told apart by layer and names, not by the nodes of their paths. */
START_TEST(test_unread_list)
{
	struct ovl_unread_list list;

	ck_assert_int_eq(ovl_unread_init(&list), 0);
	note(&list, 1, "/a/b");
	note(&list, 1, "/a/b");
	note(&list, 2, "/a/b");
	note(&list, 1, "/a");
	note(&list, 1, "/");
	note(&list, 1, "/");
	note(&list, OVL_LAYER_INDEX, "/");
	ck_assert_uint_eq(list.item.len, 5);
	/* it has its own reference */
	ck_assert_str_eq(list.item.data[0].loc.path->name, "b");
	ck_assert_uint_eq(list.item.data[0].loc.path->refs, 1);
	ovl_unread_clear(&list);
	ck_assert_uint_eq(list.item.len, 0);
	note(&list, 1, "/a/b");
	ck_assert_uint_eq(list.item.len, 1);
	ovl_unread_done(&list);
}
END_TEST

START_TEST(test_unread_key)
{
	static const struct {
		int layer;
		const char *path;
	} all[] = { { 0, "/" }, { 1, "/" }, { -1, "/" }, { 0, "/a" }, { 0, "/a/b" }, { 0, "/b/a" } };
	struct ovl_key key[ARRAY_LEN(all)], again;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct ovl_loc loc = at(all[i].layer, all[i].path);

		ck_assert_int_eq(ovl_unread_key(loc, &key[i]), 0);
		ck_assert_int_eq(ovl_unread_key(loc, &again), 0);
		ck_assert_mem_eq(&key[i], &again, sizeof(again));
		for (size_t k = 0; k < i; k++)
			ck_assert_mem_ne(&key[i], &key[k], sizeof(again));
		ovl_path_unref((struct ovl_path *)loc.path);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stack/unread");
	TCase *t = tcase_create("unread");

	if (!tree_works())
		return EXIT_SUCCESS;
	if (!tree_has_trusted()) {
		printf("1..0 # SKIP needs root\n");
		return EXIT_SUCCESS;
	}
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_unread_failures, 0, ARRAY_LEN(failures));
	tcase_add_test(t, test_unread_vanished);
	tcase_add_test(t, test_unread_answers);
	tcase_add_test(t, test_unread_list);
	tcase_add_test(t, test_unread_key);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
