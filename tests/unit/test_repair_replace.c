/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/way_kit.h"

/* /d/f of a layer is a metacopy file of three names, of which one is elsewhere: "foreign". */
static void make_file(const char *layer)
{
	_cleanup_free_ char *file = ovl_tool_format("%s/d/f", layer);
	_cleanup_free_ char *other = ovl_tool_format("%s/other", layer);

	tree_file("lower3/d/f", "content");
	tree_metacopy(file, "lower3/d/f");
	ck_assert_int_eq(chown(file, 5, 6), 0);
	ck_assert_int_eq(chmod(file, 04711), 0);
	kit_set_capability(file);
	tree_mark(file, "nlink", "U+0");
	tree_link(file, other);
	tree_link(file, "foreign");
	kit_age(file, 1000);
}

static int complete(int layer)
{
	struct ovl_path *path = way_path("/d/f");
	int r = ovl_way_complete(&way_fx, (struct ovl_loc){ layer, path },
				 (struct ovl_loc){ 3, path });

	ovl_path_unref(path);
	return r;
}

static void check_old(const char *name, uint64_t ino)
{
	ck_assert_uint_eq(kit_ino(name), ino);
	ck_assert(kit_has_xattr(name, "trusted.overlay.metacopy"));
	kit_check_age(name, 1000);
	kit_check_capability(name);
	ck_assert_uint_eq(kit_stat(name).st_blocks, 0);
}

static void check_new(const char *name)
{
	kit_check_text(name, "content");
	ck_assert(!kit_has_xattr(name, "trusted.overlay.metacopy"));
	ck_assert(kit_has_xattr(name, "trusted.overlay.origin"));
	kit_check_xattr(name, "trusted.overlay.nlink", "U+0");
	kit_check_capability(name);
	ck_assert_uint_eq(kit_stat(name).st_mode, S_IFREG | 04711);
	ck_assert_uint_eq(kit_stat(name).st_uid, 5);
	ck_assert_int_eq(kit_stat(name).st_mtim.tv_sec, 1001);
}

static bool needs_trusted(void)
{
	if (!tree_has_trusted())
		tree_skip("ovl_way_replace", "metacopy needs trusted xattrs");
	return tree_has_trusted();
}

START_TEST(test_upper)
{
	const char *names[] = { "upper/d/f", "upper/other", "work/index/entry" };
	uint64_t ino;

	if (!needs_trusted())
		return;
	make_file("upper");
	tree_dir("work/index");
	tree_link("upper/d/f", "work/index/entry");
	ino = kit_ino("foreign");
	way_open(3);
	ck_assert_int_eq(complete(OVL_LAYER_UPPER), 1);
	way_do();
	for (int i = 0; i < 3; i++) {
		check_new(names[i]);
		ck_assert_uint_eq(kit_ino(names[i]), kit_ino(names[0]));
	}
	ck_assert_uint_eq(kit_stat(names[0]).st_nlink, 3);
	check_old("foreign", ino);
	ck_assert_int_eq(way_undo(false), 0);
	ck_assert_int_eq(way_undo(false), 0);
	for (int i = 0; i < 3; i++)
		check_old(names[i], ino);
}
END_TEST

START_TEST(test_undo_changed)
{
	if (!needs_trusted())
		return;
	make_file("upper");
	way_open(3);
	ck_assert_int_eq(complete(OVL_LAYER_UPPER), 1);
	way_do();
	tree_file("upper/d/f", "written to since");
	ck_assert_int_eq(way_undo(false), -ESTALE);
	kit_check_text("upper/d/f", "written to since");
}
END_TEST

/* Another inode would not be what the index knows. */
START_TEST(test_lower)
{
	struct stat st;
	uint64_t ino, *value;

	if (!needs_trusted())
		return;
	make_file("lower1");
	ino = kit_ino("foreign");
	way_open(3);
	st = kit_stat("foreign");
	way_facts.index_judged = true;
	ck_assert_int_eq(ovl_map_put(&way_facts.index_lower,
				     (struct ovl_key){ st.st_dev, st.st_ino }, 1, &value),
			 1);
	ck_assert_int_eq(complete(1), 0);
	ck_assert_ptr_nonnull(way_fx.why);
	check_old("foreign", ino);
	check_old("lower1/other", ino);
}
END_TEST

START_TEST(test_lower_in_place)
{
	uint64_t ino;

	if (!needs_trusted())
		return;
	make_file("lower1");
	tree_remove("foreign");
	ino = kit_ino("lower1/d/f");
	way_open(3);
	ck_assert_int_eq(complete(1), 1);
	way_do();
	ck_assert_uint_eq(kit_ino("lower1/d/f"), ino);
	ck_assert_uint_eq(kit_ino("lower1/other"), ino);
}
END_TEST

/* Nobody else has it: the same inode. */
START_TEST(test_in_place)
{
	uint64_t ino;

	if (!needs_trusted())
		return;
	make_file("upper");
	tree_remove("upper/other");
	tree_remove("foreign");
	ino = kit_ino("upper/d/f");
	way_open(3);
	ck_assert_int_eq(complete(OVL_LAYER_UPPER), 1);
	way_do();
	check_new("upper/d/f");
	ck_assert_uint_eq(kit_ino("upper/d/f"), ino);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("repair/replace");
	TCase *tc = tcase_create("replace");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(tc, tree_start, tree_stop);
	tcase_add_checked_fixture(tc, way_setup, way_teardown);
	tcase_add_test(tc, test_upper);
	tcase_add_test(tc, test_undo_changed);
	tcase_add_test(tc, test_lower);
	tcase_add_test(tc, test_lower_in_place);
	tcase_add_test(tc, test_in_place);
	suite_add_tcase(s, tc);
	return ovl_unit_main(s);
}
