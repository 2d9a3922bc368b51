/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repair/expand.h"

#include "unit/way_kit.h"

static int expand(int layer, const char *text)
{
	struct ovl_path *path = way_path(text);
	int r = ovl_expand_dir(&way_fx, (struct ovl_loc){ layer, path });

	ovl_path_unref(path);
	return r;
}

static bool needs_trusted(void)
{
	if (!tree_has_trusted())
		tree_skip("ovl_expand_dir", "redirects need trusted xattrs");
	return tree_has_trusted();
}

/* A lower layer gets what it shows from below; the upper is not asked. */
START_TEST(test_lower)
{
	if (!needs_trusted())
		return;
	tree_file("upper/new/mine", "upper");
	tree_file("lower1/new/own", "own");
	tree_mark("lower1/new", "redirect", "/old");
	tree_whiteout("lower1/new/gone");
	tree_dir("lower1/new/both");
	tree_file("lower2/old/f", "2");
	tree_file("lower2/old/gone", "2");
	tree_file("lower2/old/own", "2");
	tree_file("lower3/old/f", "3");
	tree_file("lower3/old/both/deep/g", "3");
	tree_file("lower3/old/sub/h", "3");
	tree_link("lower3/old/sub/h", "lower3/old/both/h");
	tree_metacopy("lower2/old/sub/h2", "lower3/old/sub/h");
	tree_mark("lower2/old/sub/h2", "redirect", "h");
	kit_age("lower3/old/sub", 1000);
	kit_age("lower2/old/sub", 2000);
	kit_age("lower1/new", 3000);
	way_open(3);
	ck_assert_int_eq(expand(1, "/new"), 1);
	way_do();
	kit_check_text("lower1/new/f", "2");
	kit_check_text("lower1/new/own", "own");
	ck_assert(kit_is_there("lower1/new/gone"));
	kit_check_text("lower1/new/both/deep/g", "3");
	kit_check_text("lower1/new/sub/h", "3");
	kit_check_text("lower1/new/sub/h2", "3");
	ck_assert_uint_eq(kit_ino("lower1/new/sub/h"), kit_ino("lower1/new/both/h"));
	kit_check_age("lower1/new/sub", 2000);
	kit_check_age("lower1/new", 3000);
	ck_assert(!kit_is_there("lower1/new/mine"));
	kit_check_xattr("lower1/new", "trusted.overlay.opaque", "y");
	ck_assert(!kit_has_xattr("lower1/new", "trusted.overlay.redirect"));
	ck_assert(!kit_is_there("upper/new/f"));
	ck_assert_int_eq(way_undo(false), 0);
	ck_assert_int_eq(way_undo(false), 0);
	ck_assert(!kit_is_there("lower1/new/f"));
	ck_assert(!kit_is_there("lower1/new/sub"));
	ck_assert(!kit_is_there("lower1/new/both/deep"));
	kit_check_xattr("lower1/new", "trusted.overlay.redirect", "/old");
	kit_check_age("lower1/new", 3000);
}
END_TEST

/* The power was cut while it was taken back: btrfs may show a file under both names of a rename then. */
START_TEST(test_both_names)
{
	const struct ovl_op *spread = NULL;
	char *kept;

	if (!needs_trusted())
		return;
	tree_dir("lower1/new");
	tree_mark("lower1/new", "redirect", "/old");
	tree_file("lower2/old/f", "2");
	way_open(2);
	ck_assert_int_eq(expand(1, "/new"), 1);
	way_do();
	ck_assert_int_eq(way_undo(false), 0);
	for (size_t i = 0; i < way_way.ops.len; i++)
		if (way_way.ops.data[i].type == OVL_OP_SPREAD)
			spread = &way_way.ops.data[i];
	ck_assert_ptr_nonnull(spread);
	kept = ovl_tool_format(REPAIR_STORE "%s/f", spread->at.path);
	kit_check_text(kept, "2");
	ck_assert_int_eq(link(kept, "lower1/new/f"), 0);
	ck_assert_int_eq(way_undo(false), 0);
	ck_assert(!kit_is_there("lower1/new/f"));
	kit_check_text(kept, "2");
	free(kept);
}
END_TEST

/* No redirect of its own: one of a lower layer is followed. */
START_TEST(test_visible_lower)
{
	if (!needs_trusted())
		return;
	tree_file("upper/new/mine", "upper");
	tree_dir("upper/new/sub");
	tree_mark("upper/new/sub", "redirect", "other");
	tree_file("lower1/new/f", "1");
	tree_mark("lower1/new", "redirect", "/old");
	tree_file("lower2/old/g", "2");
	tree_file("lower2/old/other/h", "2");
	way_open(3);
	ck_assert_int_eq(expand(OVL_LAYER_UPPER, "/new"), 1);
	way_do();
	kit_check_text("upper/new/f", "1");
	kit_check_text("upper/new/g", "2");
	kit_check_text("upper/new/mine", "upper");
	kit_check_text("upper/new/sub/h", "2");
	ck_assert(!kit_has_xattr("upper/new/sub", "trusted.overlay.redirect"));
	kit_check_xattr("upper/new", "trusted.overlay.opaque", "y");
	ck_assert(!kit_is_there("lower1/new/g"));
}
END_TEST

/* A metacopy file with a name elsewhere is not written to. */
START_TEST(test_foreign)
{
	if (!needs_trusted())
		return;
	tree_dir("upper/new");
	tree_mark("upper/new", "redirect", "/old");
	tree_file("lower3/old/f", "content");
	tree_metacopy("upper/new/f", "lower3/old/f");
	tree_link("upper/new/f", "foreign");
	way_open(3);
	ck_assert_int_eq(expand(OVL_LAYER_UPPER, "/new"), 1);
	way_do();
	kit_check_text("upper/new/f", "content");
	ck_assert(kit_has_xattr("foreign", "trusted.overlay.metacopy"));
	ck_assert_uint_eq(kit_stat("foreign").st_nlink, 2); /* and in saved/ */
	ck_assert_int_eq(way_undo(false), 0);
	ck_assert_uint_eq(kit_ino("upper/new/f"), kit_ino("foreign"));
}
END_TEST

START_TEST(test_refused)
{
	if (!needs_trusted())
		return;
	tree_dir("lower1/new");
	tree_mark("lower1/new", "redirect", "/old");
	tree_mark("lower1/new", "opaque", "x");
	tree_dir("lower2/old");
	way_open(3);
	ck_assert_int_eq(expand(1, "/new"), 0);
	ck_assert_ptr_nonnull(way_fx.why);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("repair/expand");
	TCase *tc = tcase_create("expand");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(tc, tree_start, tree_stop);
	tcase_add_checked_fixture(tc, way_setup, way_teardown);
	tcase_add_test(tc, test_lower);
	tcase_add_test(tc, test_both_names);
	tcase_add_test(tc, test_visible_lower);
	tcase_add_test(tc, test_foreign);
	tcase_add_test(tc, test_refused);
	suite_add_tcase(s, tc);
	return ovl_unit_main(s);
}
