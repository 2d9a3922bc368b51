/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "format/stamp.h"
#include "unit/unit.h"

static const struct ovl_stamp stamp = {
	.time = 0x1122334455667788,
	.work = { .ino = 0xfedcba9876543210, .sec = -1, .nsec = 999999999 },
	.ended = { .ino = 5, .sec = 6, .nsec = 7 },
	.overlay = { (const unsigned char *)"over\0lay", 8 },
};

static int get(const void *data, size_t len, struct ovl_stamp *ret)
{
	/* Memory of just that size, for valgrind and the sanitizers. */
	unsigned char *exact = malloc(len > 0 ? len : 1);
	int r;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, data, len);
	r = ovl_stamp_get((struct ovl_bytes){ exact, len }, ret);
	free(exact);
	return r;
}

/* The sum is right again after something was changed. */
static void seal(struct ovl_buf *b)
{
	uint32_t crc = (uint32_t)crc32_z(0, (const unsigned char *)b->data, b->len - 4);

	for (size_t i = 0; i < 4; i++)
		b->data[b->len - 4 + i] = (char)(crc >> (8 * i));
}

START_TEST(test_stamp_round_trip)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	struct ovl_stamp got;

	ck_assert_int_eq(ovl_buf_adds(&b, "x"), 0);
	ck_assert_int_eq(ovl_stamp_put(&b, &stamp), 0);
	ck_assert_int_eq(ovl_stamp_get((struct ovl_bytes){ (unsigned char *)b.data + 1, b.len - 1 },
				       &got),
			 0);
	ck_assert_uint_eq(got.time, stamp.time);
	ck_assert_uint_eq(got.work.ino, stamp.work.ino);
	ck_assert_int_eq(got.work.sec, stamp.work.sec);
	ck_assert_uint_eq(got.work.nsec, stamp.work.nsec);
	ck_assert_uint_eq(got.ended.ino, 5);
	ck_assert_int_eq(got.ended.sec, 6);
	ck_assert_uint_eq(got.ended.nsec, 7);
	ck_assert_uint_eq(got.overlay.len, stamp.overlay.len);
	ck_assert_mem_eq(got.overlay.data, stamp.overlay.data, stamp.overlay.len);
}
END_TEST

/* The bytes are for ever: another program of tomorrow reads them. */
START_TEST(test_stamp_bytes)
{
	static const unsigned char expected[] = "OVLSTMP1"
						"\x54\0\0\0"
						"\x01\0\0\0"
						"\0\0\0\0"
						"\x88\x77\x66\x55\x44\x33\x22\x11"
						"\x10\x32\x54\x76\x98\xba\xdc\xfe"
						"\xff\xff\xff\xff\xff\xff\xff\xff"
						"\xff\xc9\x9a\x3b"
						"\x05\0\0\0\0\0\0\0"
						"\x06\0\0\0\0\0\0\0"
						"\x07\0\0\0"
						"\x08\0\0\0"
						"over\0lay";
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };

	ck_assert_int_eq(ovl_stamp_put(&b, &stamp), 0);
	ck_assert_uint_eq(b.len, sizeof(expected) - 1 + 4);
	ck_assert_uint_eq(b.len, 0x54);
	ck_assert_mem_eq(b.data, expected, sizeof(expected) - 1);
}
END_TEST

START_TEST(test_stamp_cut)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	struct ovl_stamp got = { .time = 7 };

	ck_assert_int_eq(ovl_stamp_put(&b, &stamp), 0);
	for (size_t len = 0; len < b.len; len++)
		ck_assert_int_eq(get(b.data, len, &got), -EINVAL);
	ck_assert_int_eq(ovl_buf_addc(&b, '\0'), 0);
	ck_assert_int_eq(get(b.data, b.len, &got), -EINVAL);
	ck_assert_uint_eq(got.time, 7);
}
END_TEST

START_TEST(test_stamp_flipped)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	struct ovl_stamp got;

	ck_assert_int_eq(ovl_stamp_put(&b, &stamp), 0);
	for (size_t bit = 0; bit < 8 * b.len; bit++) {
		b.data[bit / 8] ^= (char)(1 << bit % 8);
		ck_assert_int_eq(get(b.data, b.len, &got), -EINVAL);
		b.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	ck_assert_int_eq(get(b.data, b.len, &got), 0);
}
END_TEST

/* Whole, but not of this version, or not what it says to be. */
START_TEST(test_stamp_strange)
{
	static const struct {
		size_t at;
		char byte;
		int r;
	} cases[] = {
		{ 12, 2, -EPROTO },   /* version */
		{ 16, 1, -EPROTO },   /* a feature that we do not know */
		{ 8, 0x55, -EINVAL }, /* length */
		{ 68, 7, -EINVAL },   /* bytes are left */
		{ 68, 9, -EINVAL },   /* bytes are missing */
		{ 71, -1, -EINVAL },  /* very many */
		{ 20, 0, 0 },         /* another time */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
		struct ovl_stamp got;

		ck_assert_int_eq(ovl_stamp_put(&b, &stamp), 0);
		b.data[cases[i].at] = cases[i].byte;
		seal(&b);
		ck_assert_msg(get(b.data, b.len, &got) == cases[i].r, "case %zu", i);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("format/stamp");
	TCase *t = tcase_create("stamp");

	tcase_add_test(t, test_stamp_round_trip);
	tcase_add_test(t, test_stamp_bytes);
	tcase_add_test(t, test_stamp_cut);
	tcase_add_test(t, test_stamp_flipped);
	tcase_add_test(t, test_stamp_strange);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
