/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/repair_kit.h"

#define STAGED REPAIR_STORE "/stage/5"

static struct ovl_op make_op(enum ovl_make make, const char *source)
{
	struct ovl_op op = { .type = OVL_OP_MOVE, .make = make };

	op.at = kit_place(OVL_TREE_STORE, "/stage/5");
	op.to = kit_place(OVL_LAYER_UPPER, "/new");
	if (source) {
		_cleanup_free_ char *real = ovl_tool_format("lower1%s", source);

		op.source = kit_place(1, source);
		op.source_ino = kit_ino(real);
	}
	return op;
}

/* Makes, publishes, takes back, removes. @source as a path of ours; NULL: a whiteout. */
static void check_make(struct ovl_op *op)
{
	kit_age("upper", 500);
	ck_assert_int_eq(ovl_stage_make(&kit_trees, op), 0);
	ck_assert_uint_eq(op->ino, kit_ino(STAGED));
	ck_assert_uint_eq(op->mode, kit_stat(STAGED).st_mode);
	ck_assert_int_eq(kit_prepare(op), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(kit_do(op), 0);
		ck_assert_uint_eq(kit_ino("upper/new"), op->ino);
		ck_assert(!kit_is_there(STAGED));
		kit_check_age("upper", 500);
	}
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(kit_undo(op, false), 0);
		ck_assert(!kit_is_there("upper/new"));
		kit_check_age("upper", 500);
	}
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ovl_stage_remove(&kit_trees, op), 0);
		ck_assert(!kit_is_there(STAGED));
		/* nothing was published, or it is taken back: nothing to do */
		ck_assert_int_eq(kit_undo(op, i), 0);
	}
}

START_TEST(test_whiteout)
{
	_cleanup_(ovl_op_done) struct ovl_op op = make_op(OVL_MAKE_WHITEOUT, NULL);
	struct stat st;

	tree_file(STAGED, "left by an earlier run");
	kit_open();
	ck_assert_int_eq(ovl_stage_make(&kit_trees, &op), 0);
	st = kit_stat(STAGED);
	ck_assert_uint_eq(st.st_mode, S_IFCHR);
	ck_assert_uint_eq(st.st_rdev, 0);
	check_make(&op);
}
END_TEST

START_TEST(test_undo_unpublished)
{
	_cleanup_(ovl_op_done) struct ovl_op op = make_op(OVL_MAKE_WHITEOUT, NULL);

	kit_open();
	ck_assert_int_eq(ovl_stage_make(&kit_trees, &op), 0);
	ck_assert_int_eq(kit_prepare(&op), 0);
	ck_assert_int_eq(ovl_stage_remove(&kit_trees, &op), 0);
	tree_file("upper/new", "another");
	/* after a crash: never published; else: changed by others */
	ck_assert_int_eq(kit_undo(&op, true), 0);
	ck_assert_int_eq(kit_undo(&op, false), -ESTALE);
	ck_assert_int_eq(kit_do(&op), -ESTALE);
	kit_check_text("upper/new", "another");
	/* what was moved aside is not ours to remove */
	op.make = OVL_MAKE_NONE;
	ck_assert_int_eq(ovl_stage_remove(&kit_trees, &op), -EINVAL);
	ck_assert_int_eq(ovl_stage_make(&kit_trees, &op), -EINVAL);
}
END_TEST

static void check_same(const char *source, mode_t mode)
{
	struct stat a = kit_stat(source), b = kit_stat(STAGED);

	ck_assert_uint_eq(b.st_mode, mode);
	ck_assert_uint_eq(a.st_mode, b.st_mode);
	ck_assert_uint_eq(a.st_uid, b.st_uid);
	ck_assert_uint_eq(a.st_gid, b.st_gid);
	ck_assert_uint_eq(a.st_rdev, b.st_rdev);
	kit_check_age(STAGED, 1000);
	kit_check_age(source, 1000);
}

static void copy(const char *source)
{
	_cleanup_(ovl_op_done) struct ovl_op op = make_op(OVL_MAKE_COPY, source);
	_cleanup_free_ char *real = ovl_tool_format("lower1%s", source);
	mode_t mode = kit_stat(real).st_mode;

	kit_age(real, 1000);
	ck_assert_int_eq(ovl_stage_make(&kit_trees, &op), 0);
	check_same(real, mode);
	check_make(&op);
	ck_assert_int_eq(ovl_stage_make(&kit_trees, &op), 0);
}

START_TEST(test_copy_file)
{
	tree_file("lower1/d/f", "text");
	ck_assert_int_eq(chown("lower1/d/f", 7, 8), 0);
	ck_assert_int_eq(chmod("lower1/d/f", 06751), 0);
	kit_set_capability("lower1/d/f");
	ck_assert_int_eq(setxattr("lower1/d/f", "user.x", "1", 1, 0), 0);
	tree_mark("lower1/d/f", "origin", "");
	tree_mark("lower1/d/f", "unknown", "");
	tree_mark("lower1/d/f", "overlay.opaque", "y");
	ck_assert_int_eq(setxattr("lower1/d/f", "user.overlay.opaque", "y", 1, 0), 0);
	kit_open();
	copy("/d/f");
	kit_check_text(STAGED, "text");
	kit_check_capability(STAGED);
	kit_check_xattr(STAGED, "user.x", "1");
	kit_check_xattr(STAGED, "trusted.overlay.overlay.opaque", "y");
	kit_check_xattr(STAGED, "user.overlay.opaque", "y");
	ck_assert(!kit_has_xattr(STAGED, "trusted.overlay.origin"));
	ck_assert(!kit_has_xattr(STAGED, "trusted.overlay.unknown"));
	ck_assert_uint_eq(kit_stat("lower1/d/f").st_nlink, 1);
}
END_TEST

START_TEST(test_copy_holes)
{
	struct stat st;

	tree_hole("lower1/f", (off_t)1 << 40);
	kit_open();
	copy("/f");
	st = kit_stat(STAGED);
	ck_assert_int_eq(st.st_size, (off_t)1 << 40);
	ck_assert_int_le(st.st_blocks, 16);
}
END_TEST

START_TEST(test_copy_others)
{
	tree_dir("lower1/d/sub");
	ck_assert_int_eq(chmod("lower1/d", 01770), 0);
	ck_assert_int_eq(chown("lower1/d", 7, 8), 0);
	tree_symlink("lower1/link", "/nowhere/at all");
	ck_assert_int_eq(lchown("lower1/link", 7, 8), 0);
	ck_assert_int_eq(setxattr("lower1/d", "trusted.x", "1", 1, 0), 0);
	ck_assert_int_eq(lsetxattr("lower1/link", "trusted.x", "1", 1, 0), 0);
	tree_fifo("lower1/fifo");
	ck_assert_int_eq(mknod("lower1/sock", S_IFSOCK | 0640, 0), 0);
	ck_assert_int_eq(mknod("lower1/chr", S_IFCHR | 0602, makedev(1, 3)), 0);
	ck_assert_int_eq(mknod("lower1/blk", S_IFBLK | 0600, makedev(7, 200)), 0);
	kit_open();
	copy("/link");
	ck_assert_int_eq(readlink(STAGED, (char[64]){ 0 }, 64), 15);
	kit_check_xattr(STAGED, "trusted.x", "1");
	copy("/d");
	ck_assert(!kit_is_there(STAGED "/sub"));
	kit_check_xattr(STAGED, "trusted.x", "1");
	copy("/fifo");
	copy("/sock");
	copy("/chr");
	copy("/blk");
}
END_TEST

START_TEST(test_copy_changed)
{
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };

	tree_file("lower1/f", "text");
	tree_symlink("lower1/way", "../upper");
	kit_open();
	op = make_op(OVL_MAKE_COPY, "/f");
	op.source_ino++;
	ck_assert_int_eq(ovl_stage_make(&kit_trees, &op), -ESTALE);
	tree_remove("lower1/f");
	ck_assert_int_eq(ovl_stage_make(&kit_trees, &op), -ENOENT);
	ovl_place_done(&op.source);
	op.source = kit_place(1, "/way/f");
	ck_assert_int_eq(ovl_stage_make(&kit_trees, &op), -ELOOP);
	/* the data of a metacopy is elsewhere */
	tree_hole("lower1/f", 4);
	tree_mark("lower1/f", "metacopy", "");
	ovl_op_done(&op);
	op = make_op(OVL_MAKE_COPY, "/f");
	ck_assert_int_eq(ovl_stage_make(&kit_trees, &op), -EOPNOTSUPP);
	ck_assert(!kit_is_there(STAGED));
}
END_TEST

/* A default ACL above the store: user 7 may do everything. */
START_TEST(test_no_acl_comes_along)
{
	static const unsigned char acl[] = {
		2,    0, 0, 0,                         /* version */
		1,    0, 7, 0, 0xff, 0xff, 0xff, 0xff, /* user::rwx */
		2,    0, 7, 0, 7,    0,    0,    0,    /* user:7:rwx */
		4,    0, 7, 0, 0xff, 0xff, 0xff, 0xff, /* group::rwx */
		0x10, 0, 7, 0, 0xff, 0xff, 0xff, 0xff, /* mask::rwx */
		0x20, 0, 7, 0, 0xff, 0xff, 0xff, 0xff, /* other::rwx */
	};

	tree_file("lower1/f", "text");
	tree_dir("lower1/d");
	if (setxattr(REPAIR_STORE "/stage", "system.posix_acl_default", acl, sizeof(acl), 0) < 0) {
		tree_skip("default ACLs", "the file system has none");
		return;
	}
	kit_open();
	copy("/f");
	ck_assert(!kit_has_xattr(STAGED, "system.posix_acl_access"));
	copy("/d");
	ck_assert(!kit_has_xattr(STAGED, "system.posix_acl_default"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("repair/stage");
	TCase *c = tcase_create("stage");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(c, tree_start, tree_stop);
	tcase_add_checked_fixture(c, kit_setup, kit_teardown);
	tcase_add_test(c, test_whiteout);
	tcase_add_test(c, test_undo_unpublished);
	tcase_add_test(c, test_copy_holes);
	if (tree_has_trusted()) {
		tcase_add_test(c, test_copy_file);
		tcase_add_test(c, test_copy_others);
		tcase_add_test(c, test_copy_changed);
		tcase_add_test(c, test_no_acl_comes_along);
	} else {
		tree_skip("copies of all types", "needs root");
	}
	suite_add_tcase(s, c);
	return ovl_unit_main(s);
}
