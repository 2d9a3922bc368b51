/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <sys/resource.h>

#include "unit/repair_kit.h"

static struct ovl_op fill_op(uint64_t old_size)
{
	struct ovl_op op = { .type = OVL_OP_DATA, .saved = 3, .old_size = old_size };

	op.at = kit_place(OVL_LAYER_UPPER, "/f");
	op.to = kit_place(1, "/f");
	op.source_ino = kit_ino("lower1/f");
	op.new_size = (uint64_t)kit_stat("lower1/f").st_size;
	return op;
}

static struct ovl_op punch_op(void)
{
	struct ovl_op op = { .type = OVL_OP_DATA, .saved = 3 };

	op.at = kit_place(OVL_LAYER_UPPER, "/f");
	op.old_size = op.new_size = (uint64_t)kit_stat("upper/f").st_size;
	return op;
}

static uint64_t ino;

/* A file with a capability and a suid bit, and old; the lower one is old too. */
static void dress(void)
{
	ck_assert_int_eq(chmod("upper/f", 04751), 0);
	if (tree_has_trusted())
		kit_set_capability("upper/f");
	kit_age("upper/f", 1000);
	if (kit_is_there("lower1/f"))
		kit_age("lower1/f", 2000);
	ino = kit_ino("upper/f");
	kit_open();
}

static void check_dressed(void)
{
	ck_assert_uint_eq(kit_ino("upper/f"), ino);
	ck_assert_uint_eq(kit_stat("upper/f").st_mode & 07777, 04751);
	if (tree_has_trusted())
		kit_check_capability("upper/f");
	kit_check_age("upper/f", 1000);
	if (kit_is_there("lower1/f"))
		kit_check_age("lower1/f", 2000);
}

static bool is_hole(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOATIME);

	return lseek(fd, 0, SEEK_DATA) < 0 && errno == ENXIO;
}

START_TEST(test_fill_hole)
{
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };

	tree_hole("upper/f", 4);
	tree_file("lower1/f", "text");
	dress();
	op = fill_op(4);
	ck_assert_int_eq(kit_prepare(&op), 0);
	ck_assert_uint_eq(op.saved, 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(kit_do(&op), 0);
		kit_check_text("upper/f", "text");
		check_dressed();
	}
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(kit_undo(&op, i == 2), 0);
		ck_assert(is_hole("upper/f"));
		ck_assert_int_eq(kit_stat("upper/f").st_size, 4);
		check_dressed();
	}
	ck_assert_int_eq(rmdir(REPAIR_STORE "/stage"), 0);
	ck_assert_int_eq(rmdir(REPAIR_STORE "/saved"), 0);
}
END_TEST

START_TEST(test_fill_over_content)
{
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };

	tree_file("upper/f", "old and longer");
	tree_file("lower1/f", "text");
	dress();
	op = fill_op(14);
	ck_assert_int_eq(kit_prepare(&op), 0);
	ck_assert_uint_eq(op.saved, 3);
	kit_check_text(REPAIR_STORE "/saved/3", "old and longer");
	check_dressed();
	/* again, as after a crash before it was recorded */
	ck_assert_int_eq(kit_prepare(&op), 0);
	ck_assert_int_eq(kit_do(&op), 0);
	kit_check_text("upper/f", "text");
	check_dressed();
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(kit_undo(&op, false), 0);
		kit_check_text("upper/f", "old and longer");
		check_dressed();
	}
	ck_assert_int_eq(kit_do(&op), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(kit_undo(&op, true), 0);
		kit_check_text("upper/f", "old and longer");
		check_dressed();
	}
	/* what nobody will ask for any more is gone */
	ck_assert_int_eq(rmdir(REPAIR_STORE "/saved"), 0);
	ck_assert_int_eq(rmdir(REPAIR_STORE "/stage"), 0);
}
END_TEST

START_TEST(test_punch)
{
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };

	tree_file("upper/f", "stale");
	dress();
	op = punch_op();
	ck_assert_int_eq(kit_prepare(&op), 0);
	ck_assert_int_eq(kit_do(&op), 0);
	ck_assert(is_hole("upper/f"));
	ck_assert_int_eq(kit_stat("upper/f").st_size, 5);
	check_dressed();
	ck_assert_int_eq(kit_undo(&op, false), 0);
	kit_check_text("upper/f", "stale");
	check_dressed();
}
END_TEST

/* Killed between any two calls: the file holds anything, of any size, at any time. */
START_TEST(test_interrupted)
{
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };

	tree_hole("upper/f", 9);
	tree_file("lower1/f", "text");
	dress();
	op = fill_op(9);
	ck_assert_int_eq(kit_prepare(&op), 0);
	{
		_cleanup_close_ int fd = open("upper/f", O_WRONLY | O_TRUNC | O_CLOEXEC);

		ck_assert_int_eq(write(fd, "te", 2), 2);
		ck_assert_int_eq(fchmod(fd, 0751), 0);
	}
	ck_assert(!kit_has_xattr("upper/f", "security.capability"));
	/* what somebody else may have written is not taken back */
	ck_assert_int_eq(kit_undo(&op, false), -ESTALE);
	kit_check_text("upper/f", "te");
	ck_assert_int_eq(kit_do(&op), -ESTALE);
	/* but if undo was begun, then it was us */
	{
		_cleanup_free_ char *mark = ovl_tool_format(REPAIR_STORE "/stage/undo-0-%llu",
							    (unsigned long long)op.ino);

		tree_file(mark, "");
		ck_assert_int_eq(kit_undo(&op, false), 0);
		ck_assert(!kit_is_there(mark));
	}
	ck_assert(is_hole("upper/f"));
	ck_assert_int_eq(kit_stat("upper/f").st_size, 9);
	check_dressed();
	ck_assert_int_eq(truncate("upper/f", 2), 0);
	ck_assert_int_eq(kit_undo(&op, true), 0);
	ck_assert_int_eq(kit_stat("upper/f").st_size, 9);
	check_dressed();
}
END_TEST

/* A change of mode after the repair stays when it is taken back. */
START_TEST(test_undo_keeps_mode)
{
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };

	tree_hole("upper/f", 4);
	tree_file("lower1/f", "text");
	dress();
	op = fill_op(4);
	ck_assert_int_eq(kit_prepare(&op), 0);
	ck_assert_int_eq(kit_do(&op), 0);
	ck_assert_int_eq(chmod("upper/f", 0600), 0);
	ck_assert_int_eq(kit_undo(&op, false), 0);
	ck_assert_uint_eq(kit_stat("upper/f").st_mode & 07777, 0600);
	ck_assert(is_hole("upper/f"));
}
END_TEST

START_TEST(test_conflict)
{
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };

	tree_hole("upper/f", 4);
	tree_file("lower1/f", "text");
	dress();
	op = fill_op(5);
	ck_assert_int_eq(kit_prepare(&op), -ESTALE); /* another size */
	op.old_size = 4;
	op.new_size = 5;
	ck_assert_int_eq(kit_prepare(&op), -ESTALE); /* of the source */
	op.new_size = 4;
	op.source_ino++;
	ck_assert_int_eq(kit_prepare(&op), -ESTALE);
	op.source_ino--;
	ck_assert_int_eq(kit_prepare(&op), 0);
	tree_remove("lower1/f");
	tree_fifo("lower1/f");
	ck_assert_int_eq(kit_do(&op), -ESTALE);
	tree_remove("lower1/f");
	tree_symlink("lower1/f", "/etc/passwd");
	ck_assert_int_eq(kit_do(&op), -ESTALE);
	tree_remove("lower1/f");
	ck_assert_int_eq(kit_do(&op), -ENOENT);
	ck_assert(is_hole("upper/f"));
	check_dressed();
	/* nothing but a file is ever opened */
	tree_remove("upper/f");
	tree_fifo("upper/f");
	op.ino = 0;
	ck_assert_int_eq(kit_prepare(&op), -ESTALE);
}
END_TEST

START_TEST(test_names)
{
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };

	tree_hole("upper/f", 4);
	tree_file("lower1/f", "text");
	tree_link("upper/f", "outside");
	dress();
	op = fill_op(4);
	op.names = 1;
	ck_assert_int_eq(kit_prepare(&op), -EMLINK);
	op.names = 2;
	ck_assert_int_eq(kit_prepare(&op), 0);
	tree_link("upper/f", "outside2");
	ck_assert_int_eq(kit_do(&op), -EMLINK);
	ck_assert(is_hole("upper/f"));
	op.names = 0;
	ck_assert_int_eq(kit_do(&op), 0);
	kit_check_text("outside", "text");
}
END_TEST

START_TEST(test_saved_is_kept)
{
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };

	tree_file("upper/f", "old!");
	tree_file("lower1/f", "text");
	tree_file(REPAIR_STORE "/saved/3", "somebody's");
	tree_file(REPAIR_STORE "/stage/3", "left over");
	dress();
	op = fill_op(4);
	ck_assert_int_eq(kit_prepare(&op), -EEXIST);
	kit_check_text(REPAIR_STORE "/saved/3", "somebody's");
	op.saved = 0;
	ck_assert_int_eq(kit_prepare(&op), -EINVAL);
	kit_check_text("upper/f", "old!");
}
END_TEST

START_TEST(test_holes)
{
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };

	tree_hole("upper/f", 1 << 20);
	tree_hole("lower1/f", 1 << 20);
	{
		_cleanup_close_ int fd = open("lower1/f", O_WRONLY | O_CLOEXEC);

		ck_assert_int_eq(pwrite(fd, "end", 3, (1 << 20) - 3), 3);
	}
	dress();
	op = fill_op(1 << 20);
	ck_assert_int_eq(kit_prepare(&op), 0);
	ck_assert_int_eq(kit_do(&op), 0);
	ck_assert_int_le(kit_stat("upper/f").st_blocks, kit_stat("lower1/f").st_blocks + 8);
	ck_assert_int_eq(kit_stat("upper/f").st_size, 1 << 20);
	check_dressed();
}
END_TEST

/* No room for all of it: what was begun is taken back at once. */
START_TEST(test_failed_fill)
{
	const struct rlimit limit = { 3 << 20, 3 << 20 };
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };
	_cleanup_free_ char *data = calloc(1, 1 << 20);

	tree_hole("upper/f", 4 << 20);
	tree_file("lower1/f", "");
	{
		_cleanup_close_ int fd = open("lower1/f", O_WRONLY | O_CLOEXEC);

		for (int i = 0; i < 4; i++)
			ck_assert_int_eq(write(fd, data, 1 << 20), 1 << 20);
	}
	dress();
	op = fill_op(4 << 20);
	ck_assert_int_eq(kit_prepare(&op), 0);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(kit_do(&op), -EFBIG);
	ck_assert(is_hole("upper/f"));
	ck_assert_int_eq(kit_stat("upper/f").st_size, 4 << 20);
	check_dressed();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("repair/op_data");
	TCase *c = tcase_create("op_data");

	if (!tree_works())
		return EXIT_SUCCESS;
	if (!tree_has_trusted())
		tree_skip("capabilities", "needs root");
	tcase_add_unchecked_fixture(c, tree_start, tree_stop);
	tcase_add_checked_fixture(c, kit_setup, kit_teardown);
	tcase_add_test(c, test_fill_hole);
	tcase_add_test(c, test_fill_over_content);
	tcase_add_test(c, test_punch);
	tcase_add_test(c, test_interrupted);
	tcase_add_test(c, test_undo_keeps_mode);
	tcase_add_test(c, test_conflict);
	tcase_add_test(c, test_names);
	tcase_add_test(c, test_saved_is_kept);
	tcase_add_test(c, test_holes);
	tcase_add_test(c, test_failed_fill);
	suite_add_tcase(s, c);
	return ovl_unit_main(s);
}
