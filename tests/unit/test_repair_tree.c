/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repair/expand.h"
#include "repair/tree.h"

#include "repair/op_record.h"
#include "repair/store_folder.h"
#include "unit/way_kit.h"

/* Plans the expansion of /d of the upper. */
static void plan(void)
{
	struct ovl_path *path = way_path("/d");

	ck_assert_int_eq(ovl_expand_dir(&way_fx, (struct ovl_loc){ OVL_LAYER_UPPER, path }), 1);
	ovl_path_unref(path);
}

/* The same after the journal was read: what is not recorded is gone. */
static void forget(void)
{
	for (size_t i = 0; i < way_way.ops.len; i++) {
		_cleanup_(ovl_buf_done) struct ovl_buf record = { 0 };
		struct ovl_op *op = &way_way.ops.data[i], read;

		ck_assert_int_eq(ovl_op_encode(&record, op), 0);
		ck_assert_int_eq(ovl_op_decode(ovl_buf_bytes(&record), &read), 0);
		ovl_op_done(op);
		*op = read;
	}
}

static void finish_run(void)
{
	ck_assert_int_eq(ovl_store_clear_stage(kit_trees.store), 0);
	forget();
}

static void make_layers(void)
{
	tree_file("upper/d/mine", "upper");
	tree_file("lower1/d/f", "1");
	tree_file("lower1/d/sub/deep/g", "1");
	tree_file("lower1/d/sub/h", "1");
	tree_symlink("lower1/d/sub/link", "/etc/passwd");
	tree_fifo("lower1/d/fifo");
	tree_file("lower2/d/sub/deep/below", "2");
	tree_whiteout("lower1/d/sub/gone");
	tree_file("lower2/d/sub/gone", "2");
	tree_link("lower1/d/sub/h", "lower1/d/h");
	tree_link("lower1/d/sub/h", "lower1/d/sub/deep/h");
	kit_age("lower1/d/sub/deep", 100);
	kit_age("lower1/d/sub", 200);
	kit_age("upper/d", 300);
}

static void check_made(void)
{
	kit_check_text("upper/d/f", "1");
	kit_check_text("upper/d/sub/deep/g", "1");
	kit_check_text("upper/d/sub/deep/below", "2");
	ck_assert(!kit_is_there("upper/d/sub/gone"));
	ck_assert(S_ISLNK(kit_stat("upper/d/sub/link").st_mode));
	ck_assert(S_ISFIFO(kit_stat("upper/d/fifo").st_mode));
	ck_assert_uint_eq(kit_stat("upper/d/h").st_nlink, 3);
	ck_assert_uint_eq(kit_ino("upper/d/h"), kit_ino("upper/d/sub/deep/h"));
	kit_check_age("upper/d/sub/deep", 100);
	kit_check_age("upper/d/sub", 200);
	kit_check_age("upper/d", 300);
}

static void check_unmade(void)
{
	ck_assert(!kit_is_there("upper/d/f"));
	ck_assert(!kit_is_there("upper/d/sub"));
	ck_assert(!kit_is_there("upper/d/fifo"));
	kit_check_text("upper/d/mine", "upper");
	kit_check_age("upper/d", 300);
	ck_assert(!kit_has_xattr("upper/d", "trusted.overlay.opaque"));
}

static bool is_stage_empty(void)
{
	ck_assert_int_eq(ovl_store_clear_stage(kit_trees.store), 0);
	return kit_stat(REPAIR_STORE "/stage").st_nlink <= 2;
}

/* With one thread, and with several. */
START_TEST(test_there_and_back)
{
	make_layers();
	way_open(3);
	kit_trees.threads = (unsigned)_i;
	plan();
	ck_assert_uint_eq(way_way.ops.len, 2);
	way_do();
	check_made();
	for (size_t i = 0; i < way_way.ops.len; i++)
		ck_assert_int_eq(kit_do(&way_way.ops.data[i]), 0);
	check_made();
	finish_run();
	for (size_t i = 0; i < way_way.ops.len; i++)
		ck_assert_int_eq(ovl_op_look(&kit_trees, &way_way.ops.data[i]), 0);
	check_made();
	ck_assert_int_eq(way_undo(false), 0);
	check_unmade();
	ck_assert_int_eq(way_undo(false), 0);
	ck_assert(is_stage_empty());
	ck_assert_int_eq(way_undo(false), 0);
	check_unmade();
}
END_TEST

/* Whatever a user does to it afterwards keeps it where it is. */
static void add_deep(void)
{
	tree_file("upper/d/sub/deep/new", "of a user");
}

static void write_deep(void)
{
	tree_file("upper/d/sub/deep/g", "of a user");
}

static void remove_deep(void)
{
	tree_remove("upper/d/sub/deep/g");
}

static void rename_deep(void)
{
	ck_assert_int_eq(rename("upper/d/sub/deep/g", "upper/d/sub/deep/g2"), 0);
}

static void change_mode(void)
{
	ck_assert_int_eq(chmod("upper/d/sub/deep", 0711), 0);
}

static void write_top(void)
{
	tree_file("upper/d/f", "of a user");
}

static void replace_top(void)
{
	tree_remove("upper/d/f");
	tree_file("other", "of a user");
	ck_assert_int_eq(rename("other", "upper/d/f"), 0);
}

static void (*const changes[])(void) = { add_deep,    write_deep, remove_deep, rename_deep,
					 change_mode, write_top,  replace_top };

START_TEST(test_used)
{
	make_layers();
	way_open(3);
	plan();
	way_do();
	finish_run();
	changes[_i]();
	ck_assert_int_eq(ovl_op_look(&kit_trees, &way_way.ops.data[0]), -ESTALE);
	ck_assert_int_eq(kit_undo(&way_way.ops.data[0], false), -ESTALE);
	ck_assert(kit_is_there("upper/d/sub/h"));
	ck_assert(kit_is_there("upper/d/fifo"));
	ck_assert(is_stage_empty());
}
END_TEST

/* After a crash: what is ours is taken back, but nothing that was added. */
START_TEST(test_crashed)
{
	make_layers();
	way_open(3);
	plan();
	way_do();
	forget();
	add_deep();
	ck_assert_int_eq(way_undo(true), -ESTALE);
	ck_assert(is_stage_empty());
	kit_check_text("upper/d/sub/deep/new", "of a user");
	ck_assert(!kit_is_there("upper/d/f"));
	tree_remove("upper/d/sub/deep/new");
	ck_assert_int_eq(way_undo(true), 0);
	check_unmade();
}
END_TEST

/* A name is taken in the meantime: nothing has changed then. */
START_TEST(test_in_the_way)
{
	make_layers();
	way_open(3);
	plan();
	ck_assert_int_eq(way_prepare(), 0);
	tree_file("upper/d/sub", "in the way");
	kit_age("upper/d", 300);
	ck_assert_int_lt(kit_do(&way_way.ops.data[0]), 0);
	tree_remove("upper/d/sub");
	kit_age("upper/d", 300);
	check_unmade();
	ck_assert_int_eq(ovl_stage_remove(&kit_trees, &way_way.ops.data[0]), 0);
	ck_assert(is_stage_empty());
}
END_TEST

/* Where the layer has none, it gets one. */
START_TEST(test_new)
{
	make_layers();
	tree_remove("upper/d");
	ck_assert_int_eq(chmod("lower1/d", 0750), 0);
	way_open(3);
	plan();
	way_do();
	kit_check_text("upper/d/sub/deep/below", "2");
	ck_assert_uint_eq(kit_stat("upper/d").st_mode, S_IFDIR | 0750);
	if (tree_has_trusted())
		kit_check_xattr("upper/d", "trusted.overlay.opaque", "y");
	finish_run();
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(way_undo(false), 0);
		ck_assert(!kit_is_there("upper/d"));
		if (i == 1)
			ck_assert(is_stage_empty());
	}
}
END_TEST

START_TEST(test_deep)
{
	_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 };

	tree_dir("upper/d");
	ck_assert_int_eq(ovl_buf_adds(&path, "lower1/d"), 0);
	for (int i = 0; i < 1500; i++)
		ck_assert_int_eq(ovl_buf_adds(&path, "/down"), 0);
	tree_deep_dir(path.data);
	way_open(3);
	kit_trees.threads = 2;
	plan();
	way_do();
	ck_assert(kit_is_there("upper/d/down/down/down"));
	finish_run();
	ck_assert_int_eq(way_undo(false), 0);
	ck_assert(is_stage_empty());
}
END_TEST

/* More directories at once than are kept open. */
START_TEST(test_wide)
{
	tree_dir("upper/d");
	for (int i = 0; i < 1200; i++) {
		_cleanup_free_ char *path = ovl_tool_format("lower1/d/%d/in", i);

		tree_file(path, "x");
	}
	way_open(3);
	kit_trees.threads = 3;
	plan();
	ck_assert_int_eq(ovl_tree_count(kit_stack.stack, &way_way.ops.data[0]), 0);
	ck_assert_uint_eq(way_way.ops.data[0].inodes, 2400);
	way_do();
	ck_assert_uint_eq(way_way.ops.data[0].inodes, 2400);
	for (int i = 0; i < 1200; i++) {
		_cleanup_free_ char *path = ovl_tool_format("upper/d/%d/in", i);

		kit_check_text(path, "x");
	}
	ck_assert_int_eq(way_undo(false), 0);
	ck_assert(is_stage_empty());
}
END_TEST

static bool always(void *ctx)
{
	(void)ctx;
	return true;
}

/* Given up half way: nothing is left. */
START_TEST(test_cancelled)
{
	make_layers();
	way_open(3);
	plan();
	kit_trees.cancelled = always;
	ck_assert_int_eq(way_prepare(), -ECANCELED);
	ck_assert(!kit_is_there("upper/d/f"));
	ck_assert(is_stage_empty());
}
END_TEST

/* What nobody can look up is named. */
START_TEST(test_why)
{
	if (!tree_has_trusted()) {
		tree_skip("test_why", "redirects need trusted xattrs");
		return;
	}
	make_layers();
	tree_dir("lower2/d/sub/bad");
	tree_mark("lower2/d/sub/bad", "redirect", "a/../b");
	way_open(3);
	plan();
	ck_assert_int_lt(way_prepare(), 0);
	ck_assert_str_eq(kit_trees.why, "/sub/bad cannot be looked up: put it right first");
	ck_assert(is_stage_empty());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("repair/tree");
	TCase *tc = tcase_create("tree");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(tc, tree_start, tree_stop);
	tcase_add_checked_fixture(tc, way_setup, way_teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_there_and_back, 0, 4);
	tcase_add_loop_test(tc, test_used, 0, (int)ARRAY_LEN(changes));
	tcase_add_test(tc, test_crashed);
	tcase_add_test(tc, test_in_the_way);
	tcase_add_test(tc, test_new);
	tcase_add_test(tc, test_deep);
	tcase_add_test(tc, test_wide);
	tcase_add_test(tc, test_cancelled);
	tcase_add_test(tc, test_why);
	suite_add_tcase(s, tc);
	return ovl_unit_main(s);
}
