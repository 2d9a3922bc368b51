/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/chain.h"
#include "unit/reader_fault.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

static struct tree_stack tree;
static struct reader_fault fault;
static struct ovl_scan_dir *root[4];
static struct ovl_view_shared shared;

static void meta(const char *path, const char *redirect)
{
	tree_hole(path, 100);
	tree_mark(path, "metacopy", "");
	if (redirect)
		tree_mark(path, "redirect", redirect);
}

/* A digest of 32 bytes, the first of them @byte. */
static void mark_digest(const char *path, unsigned char byte)
{
	unsigned char value[36] = { 0, 36, 0, 1, byte };

	tree_mark_bytes(path, "metacopy", value, sizeof(value));
}

static void setup(void)
{
	tree_clear();
	tree_layers(3);
	meta("upper/whole", NULL);
	meta("lower1/whole", NULL);
	mark_digest("lower1/whole", 0xab);
	meta("lower2/whole", "/end");
	tree_file("lower3/end", "data");
	meta("upper/direct", "/sub/dir/end");
	tree_file("lower2/sub/dir/end", "data");
	meta("upper/nothing", NULL);
	meta("upper/white", NULL);
	tree_whiteout("lower2/white");
	tree_file("lower3/white", "covered");
	meta("upper/dir", NULL);
	meta("lower1/dir", NULL);
	tree_dir("lower2/dir");
	meta("upper/cut", "/sub/file/end");
	tree_file("lower2/sub/file", "in the way");
	tree_file("lower3/sub/file/end", "covered");
	meta("lower1/low", NULL);
	tree_file("lower2/low", "data");
	meta("upper/low", NULL);
	tree_file("upper/plain", "");
	reader_fault_init(&fault, ovl_reader_linux());
	ck_assert_int_eq(tree_open(&tree, 3, "", &fault.reader), 0);
	for (int i = 0; i < 4; i++)
		root[i] = ovl_scan_new(NULL, ovl_dir_ref(tree.stack->root_dir[i]));
}

static void teardown(void)
{
	ovl_view_shared_done(&shared);
	for (int i = 0; i < 4; i++)
		ovl_scan_unref(root[i]);
	tree_close(&tree);
	ck_assert_int_eq(fault.n_open, 0);
}

/* The view of a file in the root of a layer. */
static struct ovl_view view_of(int layer, const char *name, struct ovl_path **ret_path)
{
	*ret_path = ovl_path_new(NULL, name, strlen(name));
	return (struct ovl_view){ .stack = tree.stack,
				  .loc = { layer, *ret_path },
				  .role = layer == 0 ? OVL_ROLE_UPPER : OVL_ROLE_LOWER,
				  .dir = root[layer],
				  .dirfd = tree.stack->layer[layer].root.fd,
				  .name = name,
				  .shared = &shared };
}

static const char *flags_of(const struct ovl_link *link)
{
	return !link->used ? " in the way" : link->metacopy ? " metacopy" : "";
}

/* "lower1:/a metacopy, lower2:/b" */
static char *tell(const struct ovl_chain *chain)
{
	struct ovl_buf b = { 0 };

	ck_assert_int_eq(ovl_buf_adds(&b, ""), 0);
	for (size_t i = 0; i < chain->link.len; i++) {
		const struct ovl_link *link = &chain->link.data[i];
		_cleanup_free_ char *place = ovl_stack_place(tree.stack, link->loc);

		ck_assert_int_eq(ovl_buf_addf(&b, "%s%s%s", i ? ", " : "", place, flags_of(link)),
				 0);
	}
	return ovl_buf_take(&b);
}

static const struct {
	int layer;
	const char *name, *links;
	int result;
	const char *next, *obstacle; /* paths; NULL: none */
} cases[] = {
	{ 0, "whole", "lower1:/whole metacopy, lower2:/whole metacopy, lower3:/end", 0, "whole",
	  NULL },
	/* of a longer path only what is met at its end, or where it ends */
	{ 0, "direct", "lower2:/sub/dir/end", 0, "end", NULL },
	{ 0, "nothing", "", -EIO, NULL, NULL },
	{ 0, "white", "lower2:/white in the way", -EIO, NULL, "white" },
	{ 0, "dir", "lower1:/dir metacopy, lower2:/dir in the way", -EIO, "dir", "dir" },
	{ 0, "cut", "lower2:/sub/file in the way", -EIO, NULL, "file" },
	{ 0, "low", "lower1:/low metacopy, lower2:/low", 0, "low", NULL },
	/* from its own layer down */
	{ 1, "low", "lower2:/low", 0, "low", NULL },
	{ 1, "whole", "lower2:/whole metacopy, lower3:/end", 0, "whole", NULL },
};

START_TEST(test_chain_links)
{
	struct ovl_path *path;
	struct ovl_view v = view_of(cases[_i].layer, cases[_i].name, &path);
	_cleanup_free_ char *links = NULL;
	const struct ovl_chain *chain = NULL;
	const struct ovl_link *link;

	ck_assert_int_eq(ovl_chain_of(&v, &chain), 0);
	links = tell(chain);
	ck_assert_str_eq(links, cases[_i].links);
	ck_assert_int_eq(chain->hit.result, cases[_i].result);
	link = ovl_chain_next(chain);
	ck_assert_int_eq(link != NULL, cases[_i].next != NULL);
	if (link)
		ck_assert_str_eq(link->loc.path->name, cases[_i].next);
	link = ovl_chain_obstacle(chain);
	ck_assert_int_eq(link != NULL, cases[_i].obstacle != NULL);
	if (link)
		ck_assert_str_eq(link->loc.path->name, cases[_i].obstacle);
	ovl_path_unref(path);
}
END_TEST

START_TEST(test_chain_digest)
{
	struct ovl_path *path;
	struct ovl_view v = view_of(0, "whole", &path);
	const struct ovl_chain *chain;

	ck_assert_int_eq(ovl_chain_of(&v, &chain), 0);
	ck_assert(chain->link.data[0].has_digest);
	ck_assert_uint_eq(chain->link.data[0].digest_len, 32);
	ck_assert_uint_eq(chain->link.data[0].digest[0], 0xab);
	ck_assert(!chain->link.data[1].has_digest);
	ck_assert(!chain->link.data[2].has_digest);
	ck_assert_uint_eq(chain->link.data[2].stat.size, 4);
	ovl_path_unref(path);
}
END_TEST

/* Looked up once, until the view is of another object. */
START_TEST(test_chain_shared)
{
	struct ovl_path *path;
	struct ovl_view v = view_of(0, "whole", &path);
	const struct ovl_chain *chain, *again;

	ck_assert_int_eq(ovl_chain_of(&v, &chain), 0);
	reader_fault_rearm(&fault, 0, -EIO);
	ck_assert_int_eq(ovl_chain_of(&v, &again), 0);
	ck_assert_ptr_eq(chain, again);
	ck_assert_uint_eq(fault.n_matching, 0);
	ovl_view_forget(&shared);
	ck_assert_ptr_null(shared.chain);
	ck_assert_int_eq(ovl_chain_of(&v, &again), 0);
	ck_assert_int_eq(again->hit.result, -EIO);
	ck_assert_int_eq(again->hit.why, OVL_WHY_UNREADABLE);
	ovl_path_unref(path);
}
END_TEST

/* A layer root has no name, and where no lookup comes there is no chain. */
START_TEST(test_chain_none)
{
	struct ovl_path *path;
	struct ovl_view v = view_of(0, "whole", &path);
	const struct ovl_chain *chain = (const struct ovl_chain *)&tree, *before = chain;

	v.dir = NULL;
	ck_assert_int_eq(ovl_chain_of(&v, &chain), -ENOENT);
	ck_assert_ptr_eq(chain, before);
	v.dir = root[0];
	ovl_scan_drop_entry(root[0]);
	ck_assert_int_eq(ovl_chain_of(&v, &chain), -ENOENT);
	ck_assert_ptr_eq(chain, before);
	ck_assert_ptr_null(shared.chain);
	ovl_chain_free(NULL);
	ovl_path_unref(path);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check/chain");
	TCase *t = tcase_create("chain");

	if (!tree_works())
		return EXIT_SUCCESS;
	if (!tree_has_trusted()) {
		printf("1..0 # SKIP needs root\n");
		return EXIT_SUCCESS;
	}
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_chain_links, 0, ARRAY_LEN(cases));
	tcase_add_test(t, test_chain_digest);
	tcase_add_test(t, test_chain_shared);
	tcase_add_test(t, test_chain_none);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
