/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "repair/op_record.h"
#include "stack/stack.h"
#include "unit/unit.h"

#define VALUE(s)                                      \
	{                                             \
		(char *)(s), sizeof(s) - 1, sizeof(s) \
	}

/* Operations whose strings are not owned: never ovl_op_done() these. */
static const struct ovl_op ops[] = {
	{ .type = OVL_OP_XATTR,
	  .at = { 0, (char *)"/a/b" },
	  .ino = UINT64_MAX,
	  .mode = 040755,
	  .xattr = (char *)"trusted.overlay.opaque",
	  .has_old = true,
	  .has_new = true,
	  .old_value = VALUE("y"),
	  .new_value = VALUE("\0x\0") },
	{ .type = OVL_OP_XATTR,
	  .at = { 500, (char *)"/" },
	  .xattr = (char *)"user.overlay.redirect",
	  .has_old = true },
	{ .type = OVL_OP_XATTR,
	  .at = { OVL_LAYER_INDEX, (char *)"/\xff\n\x1b" },
	  .xattr = (char *)"user.overlay.redirect",
	  .has_new = true,
	  .new_value = VALUE("new") },
	{ .type = OVL_OP_MOVE,
	  .at = { OVL_LAYER_WORK, (char *)"/work/..." },
	  .to = { OVL_TREE_STORE, (char *)"/saved/7" },
	  .ino = 5,
	  .times = { { { -1, 0 }, { 2, 999999999 } }, { { 3, 4 }, { INT64_MAX, 6 } } } },
	{ .type = OVL_OP_MOVE,
	  .at = { OVL_TREE_STORE, (char *)"/stage/8" },
	  .to = { 0, (char *)"/.a" },
	  .make = OVL_MAKE_WHITEOUT },
	{ .type = OVL_OP_LINK, .at = { 0, (char *)"/..a" }, .to = { -2, (char *)"/00fb" } },
	{ .type = OVL_OP_DATA,
	  .at = { 0, (char *)"/f" },
	  .to = { 3, (char *)"/g" },
	  .old_size = 1,
	  .new_size = 2,
	  .source_ino = 3,
	  .names = 5,
	  .saved = 4 },
	{ .type = OVL_OP_DATA, .at = { 0, (char *)"/f" }, .old_size = 1 },
};

static void check_string(const char *a, const char *b)
{
	if (a && b)
		ck_assert_str_eq(a, b);
	else
		ck_assert_ptr_eq(a, b);
}

static void check_value(const struct ovl_buf *a, const struct ovl_buf *b)
{
	ck_assert_uint_eq(a->len, b->len);
	if (a->len)
		ck_assert_mem_eq(a->data, b->data, a->len);
}

static void check_place(const struct ovl_place *a, const struct ovl_place *b)
{
	check_string(a->path, b->path);
	if (b->path)
		ck_assert_int_eq(a->tree, b->tree);
}

static void check_same(const struct ovl_op *a, const struct ovl_op *b)
{
	ck_assert_int_eq(a->type, b->type);
	check_place(&a->at, &b->at);
	check_place(&a->to, &b->to);
	ck_assert_uint_eq(a->ino, b->ino);
	ck_assert_uint_eq(a->mode, b->mode);
	check_string(a->xattr, b->xattr);
	ck_assert_int_eq(a->has_old, b->has_old);
	ck_assert_int_eq(a->has_new, b->has_new);
	check_value(&a->old_value, &b->old_value);
	check_value(&a->new_value, &b->new_value);
	ck_assert_int_eq(a->make, b->make);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(a->times[i].access.tv_sec, b->times[i].access.tv_sec);
		ck_assert_int_eq(a->times[i].access.tv_nsec, b->times[i].access.tv_nsec);
		ck_assert_int_eq(a->times[i].modify.tv_sec, b->times[i].modify.tv_sec);
		ck_assert_int_eq(a->times[i].modify.tv_nsec, b->times[i].modify.tv_nsec);
	}
	ck_assert_uint_eq(a->old_size, b->old_size);
	ck_assert_uint_eq(a->new_size, b->new_size);
	ck_assert_uint_eq(a->source_ino, b->source_ino);
	ck_assert_uint_eq(a->saved, b->saved);
}

START_TEST(test_op_record_round_trip)
{
	struct ovl_buf b = { 0 };
	struct ovl_op op;

	ck_assert_int_eq(ovl_op_encode(&b, &ops[_i]), 0);
	ck_assert_int_eq(ovl_op_decode(ovl_buf_bytes(&b), &op), 0);
	check_same(&op, &ops[_i]);
	ck_assert_ptr_null(op.source.path);
	ovl_op_done(&op);
	ovl_buf_done(&b);
}
END_TEST

START_TEST(test_op_record_cut)
{
	struct ovl_buf b = { 0 };
	struct ovl_op op, untouched;

	memset(&untouched, 0x5a, sizeof(untouched));
	memcpy(&op, &untouched, sizeof(op));
	ck_assert_int_eq(ovl_op_encode(&b, &ops[_i]), 0);
	for (size_t len = 0; len < b.len; len++)
		ck_assert_int_eq(ovl_op_decode((struct ovl_bytes){ (unsigned char *)b.data, len },
					       &op),
				 -EINVAL);
	ck_assert_int_eq(ovl_buf_addc(&b, 0), 0);
	ck_assert_int_eq(ovl_op_decode(ovl_buf_bytes(&b), &op), -EINVAL);
	ck_assert_mem_eq(&op, &untouched, sizeof(op));
	ovl_buf_done(&b);
}
END_TEST

static int decode(const struct ovl_op *op)
{
	struct ovl_buf b = { 0 };
	struct ovl_op got;
	int r;

	ck_assert_int_eq(ovl_op_encode(&b, op), 0);
	r = ovl_op_decode(ovl_buf_bytes(&b), &got);
	if (r == 0)
		ovl_op_done(&got);
	ovl_buf_done(&b);
	return r;
}

static const char *const bad_paths[] = {
	"a",   "a/b",   "//",      "/a/",  "/a//b", "//a",  "/.",
	"/..", "/a/..", "/../etc", "/./a", "/a/./", "/a/.", "../a",
};

START_TEST(test_op_record_hostile_path)
{
	struct ovl_op op = ops[0], move = ops[3];

	op.at.path = (char *)bad_paths[_i];
	ck_assert_int_eq(decode(&op), -EINVAL);
	move.to.path = (char *)bad_paths[_i];
	ck_assert_int_eq(decode(&move), -EINVAL);
	move = ops[3];
	move.at.path = (char *)bad_paths[_i];
	ck_assert_int_eq(decode(&move), -EINVAL);
}
END_TEST

START_TEST(test_op_record_nul)
{
	struct ovl_buf b = { 0 };
	struct ovl_op op;

	ck_assert_int_eq(ovl_op_encode(&b, &ops[0]), 0);
	ck_assert_mem_eq(b.data + 12, "/a/b", 4);
	b.data[13] = '\0';
	ck_assert_int_eq(ovl_op_decode(ovl_buf_bytes(&b), &op), -EINVAL);
	ovl_buf_done(&b);
}
END_TEST

START_TEST(test_op_record_refused)
{
	static const int trees[] = { OVL_LAYER_NONE, -5, OVL_MAX_LAYERS + 1, 1 << 30, INT32_MIN };
	struct ovl_op op;

	for (size_t i = 0; i < ARRAY_LEN(trees); i++) {
		op = ops[0];
		op.at.tree = trees[i];
		ck_assert_int_eq(decode(&op), -EINVAL);
	}
#define REFUSED(N, CHANGE) \
	op = ops[N];       \
	CHANGE;            \
	ck_assert_int_eq(decode(&op), -EINVAL)
	REFUSED(0, op.type = (enum ovl_op_type)0);
	REFUSED(0, op.type = OVL_OP__MAX);
	REFUSED(0, op.at.path = NULL);
	REFUSED(0, op.xattr = NULL);
	REFUSED(0, op.xattr = (char *)"");
	REFUSED(0, op.xattr = (char *)"security.capability");
	REFUSED(0, op.xattr = (char *)"trusted.overlay.overlay.opaque");
	REFUSED(3, op.to.path = NULL);
	REFUSED(3, op.xattr = (char *)"user.x");
	REFUSED(3, op.has_old = true);
	REFUSED(3, op.make = OVL_MAKE__MAX);
	REFUSED(3, op.times[0].access.tv_nsec = 1000000000);
	REFUSED(3, op.times[1].modify.tv_nsec = -1);
	REFUSED(5, op.to.path = NULL);
#undef REFUSED
}
END_TEST

int main(void)
{
	Suite *s = suite_create("repair/op_record");
	TCase *t = tcase_create("op_record");

	tcase_add_loop_test(t, test_op_record_round_trip, 0, ARRAY_LEN(ops));
	tcase_add_loop_test(t, test_op_record_cut, 0, ARRAY_LEN(ops));
	tcase_add_loop_test(t, test_op_record_hostile_path, 0, ARRAY_LEN(bad_paths));
	tcase_add_test(t, test_op_record_nul);
	tcase_add_test(t, test_op_record_refused);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
