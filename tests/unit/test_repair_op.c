/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/repair_kit.h"

/* ---- XATTR ---- */

static struct ovl_op xattr_op(const char *path, const char *old, const char *new)
{
	struct ovl_op op = { .type = OVL_OP_XATTR };

	op.at = kit_place(OVL_LAYER_UPPER, path);
	op.xattr = strdup(ovl_xattr_name(OVL_X_OPAQUE, !tree_has_trusted()));
	op.has_old = old;
	op.has_new = new;
	if (old)
		ck_assert_int_eq(ovl_buf_adds(&op.old_value, old), 0);
	if (new)
		ck_assert_int_eq(ovl_buf_adds(&op.new_value, new), 0);
	return op;
}

/* There and back, each twice; the times stay. */
static void check_xattr(const char *path, const char *old, const char *new)
{
	_cleanup_(ovl_op_done) struct ovl_op op = xattr_op(path, old, new);
	_cleanup_free_ char *real = ovl_tool_format("upper%s", path);

	kit_age(real, 1000);
	ck_assert_int_eq(kit_prepare(&op), 0);
	ck_assert_uint_eq(op.ino, kit_ino(real));
	ck_assert_uint_eq(op.mode, kit_stat(real).st_mode);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(kit_do(&op), 0);
		ck_assert_int_eq(kit_has_xattr(real, op.xattr), new != NULL);
		if (new)
			kit_check_xattr(real, op.xattr, new);
		kit_check_age(real, 1000);
	}
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(kit_undo(&op, i), 0);
		ck_assert_int_eq(kit_has_xattr(real, op.xattr), old != NULL);
		if (old)
			kit_check_xattr(real, op.xattr, old);
	}
}

START_TEST(test_xattr)
{
	tree_dir("upper/a/d");
	tree_file("upper/a/f", "");
	kit_open();
	check_xattr("/a/d", NULL, "y");
	check_xattr("/a/d", NULL, "");
	tree_mark("upper/a/f", "opaque", "x");
	check_xattr("/a/f", "x", "yy");
	check_xattr("/a/f", "x", NULL);
	check_xattr("/", NULL, "y");
}
END_TEST

START_TEST(test_xattr_types)
{
	static const char *const path[] = { "/link", "/fifo", "/whiteout" };

	tree_symlink("upper/link", "/etc/passwd");
	tree_fifo("upper/fifo");
	tree_whiteout("upper/whiteout");
	kit_open();
	for (size_t i = 0; i < ARRAY_LEN(path); i++)
		check_xattr(path[i], NULL, "y");
}
END_TEST

START_TEST(test_xattr_conflict)
{
	_cleanup_(ovl_op_done) struct ovl_op op = xattr_op("/d", NULL, "y");

	tree_dir("upper/d");
	kit_open();
	tree_mark("upper/d", "opaque", "other");
	ck_assert_int_eq(kit_prepare(&op), -ESTALE);
	ck_assert_int_eq(kit_do(&op), -ESTALE);
	ck_assert_int_eq(kit_undo(&op, true), -ESTALE);
	kit_check_xattr("upper/d", op.xattr, "other");
	tree_unmark("upper/d", "opaque");
	ck_assert_int_eq(kit_prepare(&op), 0);
	/* another object has the name by now */
	ck_assert_int_eq(rename("upper/d", "upper/e"), 0);
	tree_dir("upper/d");
	ck_assert_int_eq(kit_do(&op), -ESTALE);
	tree_remove("upper/d");
	ck_assert_int_eq(kit_do(&op), -ENOENT);
	tree_symlink("upper/d", "e");
	ck_assert_int_eq(kit_do(&op), -ESTALE);
	ck_assert(!kit_has_xattr("upper/e", op.xattr));
}
END_TEST

START_TEST(test_xattr_symlink_in_the_way)
{
	_cleanup_(ovl_op_done) struct ovl_op op = xattr_op("/way/d", NULL, "y");

	tree_dir("elsewhere/d");
	tree_symlink("upper/way", "../elsewhere");
	kit_open();
	ck_assert_int_eq(kit_prepare(&op), -ELOOP);
	ck_assert_int_eq(kit_do(&op), -ELOOP);
	ck_assert(!kit_has_xattr("elsewhere/d", op.xattr));
}
END_TEST

/* ---- MOVE ---- */

static struct ovl_op name_op(enum ovl_op_type type, struct ovl_place at, struct ovl_place to)
{
	return (struct ovl_op){ .type = type, .at = at, .to = to };
}

static void check_move(struct ovl_op *op, const char *from, const char *to)
{
	_cleanup_free_ char *from_dir = strndup(from, (size_t)(strrchr(from, '/') - from));
	_cleanup_free_ char *to_dir = strndup(to, (size_t)(strrchr(to, '/') - to));
	uint64_t ino = kit_ino(from);

	kit_age(from_dir, 1000);
	kit_age(to_dir, 2000);
	ck_assert_int_eq(kit_prepare(op), 0);
	ck_assert_uint_eq(op->ino, ino);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(kit_do(op), 0);
		ck_assert(!kit_is_there(from));
		ck_assert_uint_eq(kit_ino(to), ino);
	}
	kit_check_age(from_dir, 1000);
	if (op->to.tree != OVL_TREE_STORE)
		kit_check_age(to_dir, 2000);
	/* a change in the meantime stays, unless it was ours */
	kit_age(from_dir, 3000);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(kit_undo(op, false), 0);
		ck_assert_uint_eq(kit_ino(from), ino);
		ck_assert(!kit_is_there(to));
		kit_check_age(from_dir, 3000);
	}
	ck_assert_int_eq(kit_do(op), 0);
	kit_age(from_dir, 3000);
	ck_assert_int_eq(kit_undo(op, true), 0);
	kit_check_age(from_dir, 1000);
}

START_TEST(test_move_aside)
{
	_cleanup_(ovl_op_done) struct ovl_op op = name_op(OVL_OP_MOVE,
							  kit_place(OVL_LAYER_UPPER, "/a/b"),
							  kit_place(OVL_TREE_STORE, "/saved/7"));

	tree_file("upper/a/b/c", "text");
	kit_open();
	check_move(&op, "upper/a/b", REPAIR_STORE "/saved/7");
	kit_check_text("upper/a/b/c", "text");
}
END_TEST

START_TEST(test_move_within)
{
	_cleanup_(ovl_op_done) struct ovl_op op = name_op(OVL_OP_MOVE,
							  kit_place(OVL_LAYER_UPPER, "/a/f"),
							  kit_place(OVL_LAYER_UPPER, "/b/g"));

	tree_file("upper/a/f", "text");
	tree_dir("upper/b");
	kit_open();
	check_move(&op, "upper/a/f", "upper/b/g");
}
END_TEST

START_TEST(test_move_index)
{
	_cleanup_(ovl_op_done) struct ovl_op op = name_op(OVL_OP_MOVE,
							  kit_place(OVL_LAYER_INDEX, "/e"),
							  kit_place(OVL_TREE_STORE, "/saved/1"));

	kit_open();
	ck_assert_int_eq(kit_prepare(&op), -ENOENT);
	/* made when the stack was open already, and made anew */
	tree_file("work/index/e", "");
	check_move(&op, "work/index/e", REPAIR_STORE "/saved/1");
	ck_assert_int_eq(rename("work/index", "work/old"), 0);
	tree_dir("work/index");
	ck_assert_int_eq(kit_do(&op), -ESTALE);
	ck_assert(kit_is_there("work/old/e"));
}
END_TEST

START_TEST(test_move_conflict)
{
	_cleanup_(ovl_op_done) struct ovl_op op = name_op(
		OVL_OP_MOVE, kit_place(OVL_LAYER_UPPER, "/f"), kit_place(OVL_LAYER_UPPER, "/g"));

	tree_file("upper/f", "f");
	kit_open();
	ck_assert_int_eq(kit_prepare(&op), 0);
	tree_file("upper/g", "g");
	ck_assert_int_eq(kit_do(&op), -EEXIST);
	kit_check_text("upper/g", "g");
	/* never done: what is there is not ours */
	ck_assert_int_eq(kit_undo(&op, false), 0);
	kit_check_text("upper/g", "g");
	tree_remove("upper/g");
	ck_assert_int_eq(kit_do(&op), 0);
	tree_file("upper/f", "new");
	ck_assert_int_eq(kit_undo(&op, false), -ESTALE);
	kit_check_text("upper/f", "new");
	kit_check_text("upper/g", "f");
	tree_remove("upper/f");
	ck_assert_int_eq(rename("upper/g", "upper/h"), 0);
	ck_assert_int_eq(kit_undo(&op, true), -ESTALE);
	/* a swapped name */
	tree_fifo("upper/f");
	ck_assert_int_eq(kit_do(&op), -ESTALE);
	ck_assert(kit_is_there("upper/f"));
}
END_TEST

/* ---- LINK ---- */

static struct ovl_op link_op(void)
{
	return name_op(OVL_OP_LINK, kit_place(OVL_LAYER_UPPER, "/a/f"),
		       kit_place(OVL_LAYER_INDEX, "/e"));
}

static void make_link(void)
{
	tree_file("upper/a/f", "text");
	tree_dir("work/index");
	kit_age("upper/a", 1000);
	kit_age("work/index", 2000);
	kit_open();
}

START_TEST(test_link)
{
	_cleanup_(ovl_op_done) struct ovl_op op = link_op();

	make_link();
	ck_assert_int_eq(kit_prepare(&op), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(kit_do(&op), 0);
		ck_assert_uint_eq(kit_ino("work/index/e"), kit_ino("upper/a/f"));
		ck_assert_uint_eq(kit_stat("upper/a/f").st_nlink, 2);
		kit_check_age("work/index", 2000);
	}
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(kit_undo(&op, i == 2), 0);
		ck_assert(!kit_is_there("work/index/e"));
		ck_assert_uint_eq(kit_stat("upper/a/f").st_nlink, 1);
		kit_check_age("work/index", 2000);
	}
	kit_check_age("upper/a", 1000);
	/* nothing is left in the stage */
	ck_assert_int_eq(rmdir(REPAIR_STORE "/stage"), 0);
}
END_TEST

START_TEST(test_link_conflict)
{
	_cleanup_(ovl_op_done) struct ovl_op op = link_op();

	make_link();
	ck_assert_int_eq(kit_prepare(&op), 0);
	tree_file("work/index/e", "other");
	ck_assert_int_eq(kit_do(&op), -EEXIST);
	ck_assert_int_eq(kit_undo(&op, true), 0);
	ck_assert_int_eq(kit_undo(&op, false), -ESTALE);
	kit_check_text("work/index/e", "other");
	tree_remove("work/index/e");
	ck_assert_int_eq(kit_do(&op), 0);
	/* the last name is never removed */
	tree_remove("upper/a/f");
	ck_assert_int_eq(kit_undo(&op, false), -ESTALE);
	kit_check_text("work/index/e", "text");
	ck_assert_int_eq(kit_do(&op), -ENOENT);
	tree_file("upper/a/f", "new");
	ck_assert_int_eq(kit_do(&op), -ESTALE);
}
END_TEST

START_TEST(test_link_other_store)
{
	_cleanup_(ovl_op_done) struct ovl_op op = link_op();

	make_link();
	ck_assert_int_eq(kit_prepare(&op), 0);
	ck_assert_int_eq(kit_do(&op), 0);
	close(kit_trees.store);
	/* a store on another file system */
	kit_trees.store = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(kit_undo(&op, false), -ENOENT);
	ck_assert(kit_is_there("work/index/e"));
	close(kit_trees.store);
	kit_trees.store = -1;
	ck_assert_int_eq(kit_undo(&op, false), 0);
	ck_assert(!kit_is_there("work/index/e"));
}
END_TEST

/* The name in the index of a file that keeps one in the upper. */
static struct ovl_op unlink_op(void)
{
	struct ovl_op op = link_op();

	op.type = OVL_OP_UNLINK;
	op.ino = kit_ino("upper/a/f");
	op.mode = kit_stat("upper/a/f").st_mode;
	return op;
}

static void make_unlink(void)
{
	make_link();
	ck_assert_int_eq(link("upper/a/f", "work/index/e"), 0);
	kit_age("work/index", 2000);
}

START_TEST(test_unlink)
{
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };

	make_unlink();
	op = unlink_op();
	ck_assert_int_eq(kit_prepare(&op), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(kit_do(&op), 0);
		ck_assert(!kit_is_there("work/index/e"));
		ck_assert_uint_eq(kit_stat("upper/a/f").st_nlink, 1);
		kit_check_age("work/index", 2000);
	}
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(kit_undo(&op, i == 2), 0);
		ck_assert_uint_eq(kit_ino("work/index/e"), kit_ino("upper/a/f"));
		ck_assert_uint_eq(kit_stat("upper/a/f").st_nlink, 2);
		kit_check_age("work/index", 2000);
	}
	kit_check_age("upper/a", 1000);
	/* nothing is left in the stage */
	ck_assert_int_eq(rmdir(REPAIR_STORE "/stage"), 0);
}
END_TEST

/* Not the last name of a file, nor one of another file. */
START_TEST(test_unlink_conflict)
{
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };

	make_unlink();
	op = unlink_op();
	ck_assert_int_eq(kit_prepare(&op), 0);
	tree_remove("work/index/e");
	ck_assert_int_eq(kit_prepare(&op), -ESTALE);
	tree_file("work/index/e", "other");
	ck_assert_int_eq(kit_prepare(&op), -ESTALE);
	ck_assert_int_eq(kit_do(&op), -ESTALE);
	kit_check_text("work/index/e", "other");
	ck_assert_int_eq(kit_undo(&op, true), -ESTALE);
	kit_check_text("work/index/e", "other");
	tree_remove("work/index/e");
	ck_assert_int_eq(rename("upper/a/f", "work/index/e"), 0);
	ck_assert_int_eq(kit_do(&op), -ENOENT);
	kit_check_text("work/index/e", "text");
	tree_file("upper/a/f", "new");
	ck_assert_int_eq(kit_do(&op), -ESTALE);
	kit_check_text("work/index/e", "text");
}
END_TEST

/* Undo finds the kept name gone, or another file under it. */
START_TEST(test_unlink_undo_conflict)
{
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };

	make_unlink();
	op = unlink_op();
	ck_assert_int_eq(kit_prepare(&op), 0);
	ck_assert_int_eq(kit_do(&op), 0);
	ck_assert_int_eq(rename("upper/a/f", "upper/a/moved"), 0);
	ck_assert_int_eq(kit_undo(&op, false), -ENOENT);
	tree_file("upper/a/f", "new");
	ck_assert_int_eq(kit_undo(&op, false), -ESTALE);
	ck_assert(!kit_is_there("work/index/e"));
	ck_assert_int_eq(rename("upper/a/moved", "upper/a/f"), 0);
	ck_assert_int_eq(kit_undo(&op, false), 0);
	kit_check_text("work/index/e", "text");
}
END_TEST

START_TEST(test_unlink_other_store)
{
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };

	make_unlink();
	op = unlink_op();
	ck_assert_int_eq(kit_prepare(&op), 0);
	close(kit_trees.store);
	kit_trees.store = -1;
	ck_assert_int_eq(kit_do(&op), 0);
	ck_assert(!kit_is_there("work/index/e"));
	ck_assert_int_eq(kit_undo(&op, false), 0);
	kit_check_text("work/index/e", "text");
}
END_TEST

START_TEST(test_no_tree)
{
	_cleanup_(ovl_op_done) struct ovl_op op = xattr_op("/d", NULL, "y");

	kit_open();
	op.at.tree = 7;
	ck_assert_int_eq(kit_prepare(&op), -ENOENT);
	op.at.tree = OVL_LAYER_NONE;
	ck_assert_int_eq(kit_prepare(&op), -ENOENT);
	op.type = OVL_OP__MAX;
	ck_assert_int_eq(kit_prepare(&op), -EINVAL);
	ck_assert_int_eq(kit_do(&op), -EINVAL);
	ck_assert_int_eq(kit_undo(&op, true), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("repair/op");
	TCase *c = tcase_create("op");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(c, tree_start, tree_stop);
	tcase_add_checked_fixture(c, kit_setup, kit_teardown);
	tcase_add_test(c, test_xattr);
	if (tree_has_trusted())
		tcase_add_test(c, test_xattr_types);
	else
		tree_skip("xattrs of symlinks", "needs trusted xattrs");
	tcase_add_test(c, test_xattr_conflict);
	tcase_add_test(c, test_xattr_symlink_in_the_way);
	tcase_add_test(c, test_move_aside);
	tcase_add_test(c, test_move_within);
	tcase_add_test(c, test_move_index);
	tcase_add_test(c, test_move_conflict);
	tcase_add_test(c, test_link);
	tcase_add_test(c, test_link_conflict);
	tcase_add_test(c, test_link_other_store);
	tcase_add_test(c, test_unlink);
	tcase_add_test(c, test_unlink_conflict);
	tcase_add_test(c, test_unlink_undo_conflict);
	tcase_add_test(c, test_unlink_other_store);
	tcase_add_test(c, test_no_tree);
	suite_add_tcase(s, c);
	return ovl_unit_main(s);
}
