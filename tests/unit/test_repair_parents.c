/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repair/parents.h"

#include "unit/way_kit.h"

static struct ovl_parents parents;

static int want(const char *text)
{
	struct ovl_path *path = way_path(text);
	int r = ovl_parents_want(&parents, kit_stack.stack, path);

	ovl_path_unref(path);
	return r;
}

static void open_for(int layer)
{
	way_open(3);
	ovl_parents_init(&parents, layer);
}

static void teardown(void)
{
	ovl_parents_done(&parents);
	way_teardown();
}

/* Emits a step and carries it out. */
static void make(size_t step)
{
	ovl_way_forget(&way_way);
	ck_assert_int_eq(ovl_parents_emit(&parents, &way_fx, step), 0);
	way_do();
}

START_TEST(test_there)
{
	tree_dir("upper/a/b");
	open_for(OVL_LAYER_UPPER);
	ck_assert_int_eq(want("/"), 1);
	ck_assert_int_eq(want("/a/b"), 1);
	ck_assert_int_eq(want("/a"), 1);
	ck_assert_uint_eq(ovl_parents_len(&parents), 0);
}
END_TEST

START_TEST(test_none)
{
	tree_whiteout("upper/gone");
	tree_dir("lower1/gone/x");
	tree_file("lower1/f", "");
	open_for(OVL_LAYER_UPPER);
	ck_assert_int_eq(want("/gone/x"), 0);
	ck_assert_int_eq(want("/f"), 0);
	ck_assert_int_eq(want("/f/x"), 0);
	ck_assert_int_eq(want("/nothing"), 0);
	ck_assert_uint_eq(ovl_parents_len(&parents), 0);
}
END_TEST

START_TEST(test_make)
{
	tree_dir("upper/a");
	tree_dir("lower2/a/b/c/d");
	tree_file("lower2/a/b/f", "");
	tree_dir("lower1/a/b");
	ck_assert_int_eq(chmod("lower1/a/b", 01751), 0);
	ck_assert_int_eq(chown("lower1/a/b", 3, 4), 0);
	tree_dir("lower2/a/b/e");
	tree_mark("lower2/a/b/e", "origin", "");
	tree_dir("lower3/z");
	kit_age("lower1/a/b", 1000);
	kit_age("lower2/a/b/c/d", 2000);
	kit_age("upper/a", 3000);
	open_for(OVL_LAYER_UPPER);
	ck_assert_int_eq(want("/a/b/c/d"), 1);
	ck_assert_int_eq(want("/a/b/e"), 1);
	ck_assert_int_eq(want("/a/b"), 1);
	ck_assert_int_eq(want("/z"), 1);
	ck_assert_uint_eq(ovl_parents_len(&parents), 2);
	ck_assert_str_eq(ovl_parents_path(&parents, 0)->name, "b");
	make(0);
	ck_assert_uint_eq(way_way.ops.len,
			  5); /* four directories, and the mark on the one they are in */
	ck_assert(!kit_is_there("upper/z"));
	ck_assert_uint_eq(kit_stat("upper/a/b").st_mode, S_IFDIR | 01751);
	ck_assert_uint_eq(kit_stat("upper/a/b").st_uid, 3);
	kit_check_age("upper/a/b", 1000);
	kit_check_age("upper/a/b/c/d", 2000);
	kit_check_age("upper/a", 3000);
	ck_assert(kit_is_there("upper/a/b/e"));
	ck_assert(!kit_is_there("upper/a/b/f"));
	if (tree_has_trusted())
		/* a handle of the lower directory, as if the kernel had copied it up; not what that has */
		ck_assert(!tree_has_handles() ||
			  lgetxattr("upper/a/b/e", "trusted.overlay.origin", NULL, 0) > 0);
	ck_assert_int_eq(way_undo(false), 0);
	ck_assert_int_eq(way_undo(false), 0);
	ck_assert(!kit_is_there("upper/a/b"));
	kit_check_age("upper/a", 3000);
	make(1);
	ck_assert(kit_is_there("upper/z"));
}
END_TEST

START_TEST(test_redirected)
{
	if (!tree_has_trusted()) {
		tree_skip("test_redirected", "trusted xattrs need root");
		return;
	}
	tree_dir("lower1/new");
	tree_mark("lower1/new", "redirect", "/old");
	tree_dir("lower2/old/in");
	ck_assert_int_eq(chmod("lower2/old/in", 0711), 0);
	open_for(OVL_LAYER_UPPER);
	ck_assert_int_eq(want("/new/in"), 1);
	make(0);
	ck_assert_uint_eq(kit_stat("upper/new/in").st_mode, S_IFDIR | 0711);
	ck_assert(!kit_has_xattr("upper/new", "trusted.overlay.redirect"));
}
END_TEST

START_TEST(test_lower)
{
	tree_dir("upper/a/b");
	tree_dir("lower1/a");
	tree_dir("lower2/a/b/c");
	ck_assert_int_eq(chmod("lower2/a/b", 0710), 0);
	open_for(1);
	ck_assert_int_eq(want("/a/b/c"), 1);
	make(0);
	ck_assert_uint_eq(kit_stat("lower1/a/b").st_mode, S_IFDIR | 0710);
	ck_assert(kit_is_there("lower1/a/b/c"));
	ck_assert(!kit_is_there("upper/a/b/c"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("repair/parents");
	TCase *tc = tcase_create("parents");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(tc, tree_start, tree_stop);
	tcase_add_checked_fixture(tc, way_setup, teardown);
	tcase_add_test(tc, test_there);
	tcase_add_test(tc, test_none);
	tcase_add_test(tc, test_make);
	tcase_add_test(tc, test_redirected);
	tcase_add_test(tc, test_lower);
	suite_add_tcase(s, tc);
	return ovl_unit_main(s);
}
