/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries, the directories of the overlay, and lookups from one of them to the next.
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

/* Directories merged by name and by redirect, in the upper and in the middle. */
static void setup(void)
{
	tree_clear();
	tree_layers(3);
	tree_dir("upper/dir/sub");
	tree_dir("lower1/dir");
	tree_dir("lower2/dir/sub");
	tree_dir("lower3/other/sub");
	tree_file("lower3/other/file", "data");
	if (tree_has_trusted())
		tree_mark("lower2/dir", "redirect", "/other");
	tree_whiteout("upper/other");
	tree_file("upper/file", "");
	reader_fault_init(&fault, ovl_reader_linux());
	ck_assert_int_eq(tree_open(&tree, 3, "", &fault.reader), 0);
}

static void teardown(void)
{
	tree_close(&tree);
	ck_assert_int_eq(fault.n_open, 0);
}

static struct ovl_path *path_of(const char *text)
{
	struct ovl_path *p = NULL;

	ck_assert_int_eq(ovl_path_parse(text, &p), 0);
	return p;
}

static struct ovl_entry *entry_of(const char *text)
{
	struct ovl_path *p = path_of(text);
	struct ovl_entry *e = NULL;
	struct ovl_hit hit;

	ck_assert_int_eq(ovl_lookup_path(tree.stack, OVL_LAYER_UPPER, p, &hit, &e), 0);
	ck_assert_int_eq(hit.result, 0);
	ck_assert_ptr_nonnull(e);
	ovl_hit_done(&hit);
	ovl_path_unref(p);
	return e;
}

static void check_dir(const struct ovl_dir *d, int layer, const char *path)
{
	_cleanup_free_ char *text = ovl_stack_path((struct ovl_loc){ d->layer, d->path });

	ck_assert_int_eq(d->layer, layer);
	ck_assert_str_eq(text, path);
}

START_TEST(test_entry_merged)
{
	struct ovl_entry *e = entry_of("dir/sub");

	ck_assert_int_eq(e->first, OVL_LAYER_UPPER);
	check_dir(e->upper, 0, "/dir/sub");
	if (tree_has_trusted()) {
		ck_assert_uint_eq(e->n_lower, 2);
		check_dir(e->lower[1], 3, "/other/sub");
	} else {
		ck_assert_uint_eq(e->n_lower, 1);
	}
	check_dir(e->lower[0], 2, "/dir/sub");
	ovl_entry_unref(e);
}
END_TEST

START_TEST(test_entry_refs)
{
	struct ovl_entry *e = entry_of("dir");
	struct ovl_dir *lower = ovl_dir_ref(e->lower[0]);

	ck_assert_uint_eq(lower->refs, 2);
	ck_assert_ptr_eq(ovl_entry_ref(e), e);
	ck_assert_ptr_null(ovl_entry_unref(e));
	ck_assert_uint_eq(lower->refs, 2);
	ck_assert_ptr_null(ovl_entry_unref(e));
	ck_assert_uint_eq(lower->refs, 1);
	ovl_dir_unref(lower);
	ck_assert_ptr_null(ovl_entry_unref(NULL));
}
END_TEST

/* A middle layer was an upper once: seen from there, what is above does not count. */
START_TEST(test_entry_parts)
{
	static const struct {
		int first;
		const char *path, *expected;
	} cases[] = {
		{ 0, "other", "No such file or directory, whiteout at upper:/other" },
		{ 1, "other", "directory lower3:/other" },
		{ 1, "dir", "directory lower1:/dir lower2:/dir lower3:/other redirect /other" },
		{ 2, "dir", "directory lower2:/dir lower3:/other redirect /other" },
		{ 3, "dir", "No such file or directory, absent" },
		{ 3, "other/file", "regular file lower3:/other/file data lower3:/other/file" },
		{ 0, "dir/file", "regular file lower3:/other/file data lower3:/other/file" },
	};

	if (!tree_has_trusted()) {
		tree_skip("parts of the stack", "needs root");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *text = hit_text_of(tree.stack, cases[i].first, cases[i].path);

		ck_assert_str_eq(text, cases[i].expected);
	}
}
END_TEST

/* What is found below a directory of the overlay is looked up again from what it is made of. */
START_TEST(test_entry_step_by_step)
{
	struct ovl_entry *root = ovl_lookup_root(tree.stack, OVL_LAYER_UPPER), *dir = NULL;
	struct ovl_hit hit;

	ck_assert_int_eq(ovl_lookup(tree.stack, root, "dir", NULL, NULL, &hit), 0);
	ck_assert_int_eq(ovl_lookup_entry(tree.stack, root, &hit, &dir), 0);
	ovl_hit_done(&hit);
	ck_assert_int_eq(ovl_lookup(tree.stack, dir, "sub", NULL, NULL, &hit), 0);
	ck_assert(hit.has_upper && hit.is_dir);
	/* layers share the nodes of paths where they agree */
	ck_assert_ptr_eq(hit.upper.path->parent, dir->upper->path);
	ovl_hit_done(&hit);
	ovl_entry_unref(dir);
	ovl_entry_unref(root);
}
END_TEST

/* Parents that are no directories, or not there. */
START_TEST(test_entry_no_parent)
{
	static const struct {
		const char *path;
		int result;
	} cases[] = { { "file/x", -ENOTDIR }, { "gone/x", -ENOENT }, { "other/x/y", -ENOENT } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ovl_path *p = path_of(cases[i].path);
		struct ovl_entry *e = (struct ovl_entry *)&tree, *before = e;
		struct ovl_hit hit;

		ck_assert_int_eq(ovl_lookup_path(tree.stack, OVL_LAYER_UPPER, p, &hit, &e), 0);
		ck_assert_int_eq(hit.result, cases[i].result);
		ck_assert_ptr_eq(e, before);
		ovl_hit_done(&hit);
		ovl_path_unref(p);
	}
}
END_TEST

/* The root is found without a look at anything. */
START_TEST(test_entry_root)
{
	struct ovl_entry *e = NULL;
	struct ovl_hit hit = { .result = 77 };

	reader_fault_rearm(&fault, 0, -EIO);
	ck_assert_int_eq(ovl_lookup_path(tree.stack, OVL_LAYER_UPPER, NULL, &hit, &e), 0);
	ck_assert_int_eq(hit.result, 0);
	ck_assert(hit.is_dir && !hit.has_upper && hit.n_lower == 0);
	check_dir(e->upper, 0, "/");
	ck_assert_uint_eq(e->n_lower, 3);
	ck_assert_uint_eq(fault.n_failed, 0);
	ovl_hit_done(&hit);
	ovl_entry_unref(e);
}
END_TEST

/* Deep down directories are opened when their entry is made: where that fails, that is the answer. */
START_TEST(test_entry_unreadable)
{
	struct ovl_path *p = NULL, *next;
	_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 };
	_cleanup_free_ char *place = NULL;
	struct ovl_entry *e = (struct ovl_entry *)&tree, *before = e;
	struct ovl_hit hit;

	ck_assert_int_eq(ovl_buf_adds(&path, "lower1"), 0);
	for (unsigned i = 0; i < 40; i++) {
		ck_assert_int_eq(ovl_buf_adds(&path, i < 39 ? "/d" : "/last"), 0);
		next = ovl_path_new(p, i < 39 ? "d" : "last", i < 39 ? 1 : 4);
		ovl_path_unref(p);
		p = next;
	}
	tree_dir(path.data);
	fault.name = "last";
	fault.calls = READER_BIT(OPEN_DIR);
	reader_fault_rearm(&fault, 0, -EACCES);
	ck_assert_int_eq(ovl_lookup_path(tree.stack, OVL_LAYER_UPPER, p, &hit, &e), 0);
	ck_assert_int_eq(hit.result, -EACCES);
	ck_assert_int_eq(hit.why, OVL_WHY_UNREADABLE);
	ck_assert_ptr_eq(e, before);
	ck_assert_uint_eq(tree.stack->unread.item.len, 1);
	place = ovl_stack_path(tree.stack->unread.item.data[0].loc);
	ck_assert_str_eq(place, path.data + strlen("lower1"));
	ovl_hit_done(&hit);
	/* nobody who only wants to know what it is opens it */
	ck_assert_int_eq(ovl_lookup_path(tree.stack, OVL_LAYER_UPPER, p, &hit, NULL), 0);
	ck_assert_int_eq(hit.result, 0);
	ovl_hit_done(&hit);
	ovl_path_unref(p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stack/entry");
	TCase *t = tcase_create("entry");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_entry_merged);
	tcase_add_test(t, test_entry_refs);
	tcase_add_test(t, test_entry_parts);
	tcase_add_test(t, test_entry_step_by_step);
	tcase_add_test(t, test_entry_no_parent);
	tcase_add_test(t, test_entry_root);
	tcase_add_test(t, test_entry_unreadable);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
