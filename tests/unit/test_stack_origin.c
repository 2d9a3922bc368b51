/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "stack/origin.h"
#include "unit/reader_fault.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

static struct tree_stack tree;
static struct reader_fault fault;
static unsigned char raw[OVL_FH_MAX_LEN + 8];
static size_t len; /* of the handle of lower1/file */

static void setup(void)
{
	tree_clear();
	tree_layers(3);
	tree_file("lower1/file", "");
	tree_symlink("lower1/link", "file");
	reader_fault_init(&fault, ovl_reader_linux());
	ck_assert_int_eq(tree_open(&tree, 3, "", &fault.reader), 0);
	len = tree_fh("lower1/file", 0, raw);
}

static void teardown(void)
{
	tree_close(&tree);
	ck_assert_int_eq(fault.n_open, 0);
}

static struct ovl_origin decode(bool compare)
{
	struct ovl_origin o;

	ovl_origin_decode(tree.stack, (struct ovl_bytes){ raw, len }, 1, 3, compare, &o);
	return o;
}

START_TEST(test_origin_found)
{
	struct ovl_origin o = decode(true);
	struct stat st;

	ck_assert_int_eq(stat("lower1/file", &st), 0);
	ck_assert_int_eq(o.state, OVL_ORIGIN_FOUND);
	ck_assert_int_eq(o.layer, 1);
	ck_assert_int_eq(o.kind, OVL_KIND_REG);
	ck_assert_uint_eq(o.stat.ino, st.st_ino);
	ck_assert(o.same_bytes);
	/* all layers are on one file system: it is asked once */
	ck_assert_uint_eq(fault.n_call[READER_DECODE], 1);
	/* who does not want to compare does not pay for it */
	reader_fault_rearm(&fault, 0, 0);
	o = decode(false);
	ck_assert_int_eq(o.state, OVL_ORIGIN_FOUND);
	ck_assert_uint_eq(fault.n_call[READER_ENCODE], 0);
	/* the inode may lie in no layer at all */
	tree_file("elsewhere", "");
	len = tree_fh("elsewhere", 0, raw);
	o = decode(true);
	ck_assert_int_eq(o.state, OVL_ORIGIN_FOUND);
	/* and be of any kind */
	len = tree_fh("lower1/link", 0, raw);
	o = decode(true);
	ck_assert_int_eq(o.kind, OVL_KIND_SYMLINK);
	len = tree_fh("lower1", 0, raw);
	o = decode(true);
	ck_assert_int_eq(o.kind, OVL_KIND_DIR);
}
END_TEST

/* The layers to try are counted from and to. */
START_TEST(test_origin_range)
{
	struct ovl_origin o;

	len = tree_fh("upper", OVL_FH_FLAG_PATH_UPPER, raw);
	ovl_origin_decode(tree.stack, (struct ovl_bytes){ raw, len }, 0, 0, false, &o);
	ck_assert_int_eq(o.state, OVL_ORIGIN_FOUND);
	ck_assert_int_eq(o.layer, 0);
	ovl_origin_decode(tree.stack, (struct ovl_bytes){ raw, len }, 2, 3, false, &o);
	ck_assert_int_eq(o.layer, 2);
	ovl_origin_decode(tree.stack, (struct ovl_bytes){ raw, len }, 3, 2, false, &o);
	ck_assert_int_eq(o.state, OVL_ORIGIN_NO_LAYER);
}
END_TEST

static void change_flag(void)
{
	raw[3] |= 0x80; /* nobody knows that flag */
}

static void change_magic(void)
{
	raw[1] ^= 1;
}

static void change_version(void)
{
	raw[0] = 1;
}

static void change_uuid(void)
{
	memset(raw + 5, 0x5a, 16);
}

static void change_inode(void)
{
	memset(raw + 21, 0xee, len - 21);
}

static void cut(void)
{
	len = 20;
}

static void empty(void)
{
	len = 0;
}

static void remove_file(void)
{
	if (unlink("lower1/file") < 0)
		ck_abort();
}

static void trail(void)
{
	len += 8;
}

START_TEST(test_origin_states)
{
	static const struct {
		void (*change)(void);
		enum ovl_origin_state state;
	} cases[] = {
		{ empty, OVL_ORIGIN_EMPTY },
		{ cut, OVL_ORIGIN_MALFORMED },
		{ change_magic, OVL_ORIGIN_MALFORMED },
		{ change_flag, OVL_ORIGIN_FOREIGN },
		{ change_version, OVL_ORIGIN_FOREIGN },
		{ change_uuid, OVL_ORIGIN_NO_LAYER },
		{ change_inode, OVL_ORIGIN_STALE },
		{ remove_file, OVL_ORIGIN_STALE },
		{ trail, OVL_ORIGIN_FOUND },
	};
	struct ovl_origin o;

	cases[_i].change();
	o = decode(true);
	ck_assert_int_eq(o.state, cases[_i].state);
}
END_TEST

/* What could not be asked is not known; only "there is no such inode" says that it is stale. */
START_TEST(test_origin_failures)
{
	static const struct {
		int err;
		enum ovl_origin_state state;
	} cases[] = {
		{ -EIO, OVL_ORIGIN_UNKNOWN },      { -EPERM, OVL_ORIGIN_UNKNOWN },
		{ -EMFILE, OVL_ORIGIN_UNKNOWN },   { -ESTALE, OVL_ORIGIN_STALE },
		{ -EOPNOTSUPP, OVL_ORIGIN_STALE },
	};
	struct ovl_origin o;

	fault.calls = READER_BIT(DECODE);
	reader_fault_rearm(&fault, 0, cases[_i].err);
	o = decode(true);
	ck_assert_int_eq(o.state, cases[_i].state);
	if (o.state == OVL_ORIGIN_UNKNOWN)
		ck_assert_int_eq(o.err, cases[_i].err);
}
END_TEST

/* A handle that cannot be made again is not taken for another one. */
START_TEST(test_origin_not_compared)
{
	struct ovl_origin o;

	fault.calls = READER_BIT(ENCODE);
	reader_fault_rearm(&fault, 0, -EIO);
	o = decode(true);
	ck_assert_int_eq(o.state, OVL_ORIGIN_UNKNOWN);
	ck_assert_int_eq(o.err, -EIO);
	/* a file system that makes none cannot have made the same */
	reader_fault_rearm(&fault, 0, -EOPNOTSUPP);
	o = decode(true);
	ck_assert_int_eq(o.state, OVL_ORIGIN_FOUND);
	ck_assert(!o.same_bytes);
}
END_TEST

/* A layer whose uuid another file system has too is not asked. */
START_TEST(test_origin_bad_uuid)
{
	static const unsigned char none[16];
	struct ovl_origin o;

	if (memcmp(raw + 5, none, 16) == 0) {
		tree_skip("a uuid that two file systems have", "there is none here at all");
		return;
	}
	for (int i = 1; i <= 3; i++)
		tree.stack->layer[i].bad_uuid = true;
	o = decode(false);
	ck_assert_int_eq(o.state, OVL_ORIGIN_NO_LAYER);
	ck_assert_uint_eq(fault.n_call[READER_DECODE], 0);
}
END_TEST

START_TEST(test_origin_of_root)
{
	unsigned char root[OVL_FH_MAX_LEN], expected[OVL_FH_MAX_LEN];
	size_t n = tree_fh("lower2", 0, expected);

	ck_assert_int_eq(ovl_origin_of_root(tree.stack, 2, 0, root), (int)n);
	ck_assert_mem_eq(root, expected, n);
	n = tree_fh("upper", OVL_FH_FLAG_PATH_UPPER, expected);
	ck_assert_int_eq(ovl_origin_of_root(tree.stack, 0, OVL_FH_FLAG_PATH_UPPER, root), (int)n);
	ck_assert_mem_eq(root, expected, n);
	reader_fault_rearm(&fault, 0, -EOPNOTSUPP);
	ck_assert_int_eq(ovl_origin_of_root(tree.stack, 2, 0, root), -EOPNOTSUPP);
	ck_assert_mem_eq(root, expected, n);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stack/origin");
	TCase *t = tcase_create("origin");

	if (!tree_works())
		return EXIT_SUCCESS;
	if (!tree_has_handles()) {
		printf("1..0 # SKIP needs file handles, and the right to follow them\n");
		return EXIT_SUCCESS;
	}
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_origin_found);
	tcase_add_test(t, test_origin_range);
	tcase_add_loop_test(t, test_origin_states, 0, 9);
	tcase_add_loop_test(t, test_origin_failures, 0, 5);
	tcase_add_test(t, test_origin_not_compared);
	tcase_add_test(t, test_origin_bad_uuid);
	tcase_add_test(t, test_origin_of_root);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
