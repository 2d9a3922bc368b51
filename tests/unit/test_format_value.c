/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/value.h"
#include "tools/tool.h"
#include "unit/unit.h"

/* A value in memory of exactly its size, so that reading beyond it is seen. */
static struct ovl_bytes exact(const char *data, size_t len)
{
	unsigned char *copy = malloc(len > 0 ? len : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, data, len);
	return (struct ovl_bytes){ copy, len };
}

static void release(struct ovl_bytes v)
{
	free((void *)v.data);
}

static const struct {
	const char *value;
	size_t len;
	int r;
	enum ovl_opaque opaque;
} opaques[] = {
	{ "y", 1, 0, OVL_OPAQUE_YES },        { "x", 1, 0, OVL_OPAQUE_XWHITE },
	{ "", 0, -EINVAL, OVL_OPAQUE_NO },    { "Y", 1, -EINVAL, OVL_OPAQUE_NO },
	{ "X", 1, -EINVAL, OVL_OPAQUE_NO },   { "n", 1, -EINVAL, OVL_OPAQUE_NO },
	{ "0", 1, -EINVAL, OVL_OPAQUE_NO },   { "\0", 1, -EINVAL, OVL_OPAQUE_NO },
	{ "y\0", 2, -EINVAL, OVL_OPAQUE_NO }, { "yes", 3, -EINVAL, OVL_OPAQUE_NO },
	{ "xy", 2, -EINVAL, OVL_OPAQUE_NO },
};

START_TEST(test_value_opaque)
{
	struct ovl_bytes v = exact(opaques[_i].value, opaques[_i].len);
	enum ovl_opaque got = OVL_OPAQUE_YES;

	ck_assert_int_eq(ovl_value_opaque(v, &got), opaques[_i].r);
	ck_assert_int_eq(got, opaques[_i].opaque);
	ck_assert(ovl_value_is_y(v) == (opaques[_i].opaque == OVL_OPAQUE_YES));
	release(v);
}
END_TEST

#define S(text) text, sizeof(text) - 1

static const struct {
	const char *value;
	size_t len;
	int r;
	enum ovl_nlink_base base;
	int diff;
} nlinks[] = {
	{ S("U+1"), 0, OVL_NLINK_UPPER, 1 },
	{ S("U+0"), 0, OVL_NLINK_UPPER, 0 },
	{ S("U-0"), 0, OVL_NLINK_UPPER, 0 },
	{ S("U-1"), 0, OVL_NLINK_UPPER, -1 },
	{ S("L+5"), 0, OVL_NLINK_LOWER, 5 },
	{ S("L-12345"), 0, OVL_NLINK_LOWER, -12345 },
	{ S("U+005"), 0, OVL_NLINK_UPPER, 5 },
	{ S("U+0000000005"), 0, OVL_NLINK_UPPER, 5 },
	{ S("U+2147483647"), 0, OVL_NLINK_UPPER, INT_MAX },
	{ S("U-2147483648"), 0, OVL_NLINK_UPPER, INT_MIN },
	{ S("U+5\n"), 0, OVL_NLINK_UPPER, 5 },
	{ S("U+5\0"), 0, OVL_NLINK_UPPER, 5 },
	{ S("U+5\0ff"), 0, OVL_NLINK_UPPER, 5 },
	{ S("U+5\n\0x"), 0, OVL_NLINK_UPPER, 5 },
	{ S("U+5\0\0\0\0\0\0\0\0\0"), 0, OVL_NLINK_UPPER, 5 },
	{ S(""), -EINVAL, 0, 0 },
	{ S("U"), -EINVAL, 0, 0 },
	{ S("U+"), -EINVAL, 0, 0 },
	{ S("U+\n"), -EINVAL, 0, 0 },
	{ S("U+\0005"), -EINVAL, 0, 0 },
	{ S("\0U+5"), -EINVAL, 0, 0 },
	{ S("\n\n\n"), -EINVAL, 0, 0 },
	{ S("U5"), -EINVAL, 0, 0 },
	{ S("U55"), -EINVAL, 0, 0 },
	{ S("+55"), -EINVAL, 0, 0 },
	{ S("u+5"), -EINVAL, 0, 0 },
	{ S("l+5"), -EINVAL, 0, 0 },
	{ S("X+5"), -EINVAL, 0, 0 },
	{ S(" U+5"), -EINVAL, 0, 0 },
	{ S("U+ 5"), -EINVAL, 0, 0 },
	{ S("U+5 "), -EINVAL, 0, 0 },
	{ S("U+5x"), -EINVAL, 0, 0 },
	{ S("U+5\n\n"), -EINVAL, 0, 0 },
	{ S("U++5"), -EINVAL, 0, 0 },
	{ S("U+-5"), -EINVAL, 0, 0 },
	{ S("U-+1"), -EINVAL, 0, 0 },
	{ S("U+0x5"), -EINVAL, 0, 0 },
	{ S("U+2147483648"), -EINVAL, 0, 0 },
	{ S("U-2147483649"), -EINVAL, 0, 0 },
	{ S("U+9999999999"), -EINVAL, 0, 0 },
	{ S("U+00000000005"), -EINVAL, 0, 0 }, /* 13 bytes */
	{ S("U+5\0\0\0\0\0\0\0\0\0\0"), -EINVAL, 0, 0 },
};

START_TEST(test_value_nlink)
{
	struct ovl_bytes v = exact(nlinks[_i].value, nlinks[_i].len);
	enum ovl_nlink_base base = (enum ovl_nlink_base)77;
	int diff = 777;

	ck_assert_int_eq(ovl_value_nlink(v, &base, &diff), nlinks[_i].r);
	ck_assert_int_eq(base, nlinks[_i].r < 0 ? 77 : (int)nlinks[_i].base);
	ck_assert_int_eq(diff, nlinks[_i].r < 0 ? 777 : nlinks[_i].diff);
	release(v);
}
END_TEST

/* As the kernel writes it: a letter and %+i. */
START_TEST(test_value_nlink_round_trip)
{
	struct ovl_rng rng = { 2 };
	enum ovl_nlink_base base = OVL_NLINK_UPPER;
	int i, want, diff = 0;
	bool lower;
	char text[20];
	int len;

	for (i = 0; i < 5000; i++) {
		want = (int)(ovl_tool_random(&rng, UINT32_MAX) >> ovl_tool_random(&rng, 32));
		lower = ovl_tool_random(&rng, 2);
		len = snprintf(text, sizeof(text), "%c%+i", lower ? 'L' : 'U', want);
		ck_assert_int_eq(
			ovl_value_nlink((struct ovl_bytes){ (unsigned char *)text, (size_t)len },
					&base, &diff),
			0);
		ck_assert_int_eq(diff, want);
		ck_assert_int_eq(base, lower ? OVL_NLINK_LOWER : OVL_NLINK_UPPER);
	}
}
END_TEST

static const struct {
	const char *value;
	size_t len;
	int r;
	unsigned flags;
} protattrs[] = {
	{ S("i"), 0, 1 },
	{ S("a"), 0, 2 },
	{ S("ia"), 0, 3 },
	{ S("ai"), 0, 3 },
	{ S("aaii"), 0, 3 },
	{ S("iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii"), 0, 1 },
	{ S("iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii"), -EINVAL, 0 }, /* 33 */
	{ S(""), -EINVAL, 0 },
	{ S("I"), -EINVAL, 0 },
	{ S("ix"), -EINVAL, 0 },
	{ S("xi"), -EINVAL, 0 },
	{ S("i\0"), -EINVAL, 0 },
	{ S("i\n"), -EINVAL, 0 },
	{ S(" "), -EINVAL, 0 },
};

START_TEST(test_value_protattr)
{
	struct ovl_bytes v = exact(protattrs[_i].value, protattrs[_i].len);
	unsigned flags = 77;

	ck_assert_int_eq(ovl_value_protattr(v, &flags), protattrs[_i].r);
	ck_assert_uint_eq(flags, protattrs[_i].r < 0 ? 77 : protattrs[_i].flags);
	release(v);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("format/value");
	TCase *t = tcase_create("value");

	tcase_add_loop_test(t, test_value_opaque, 0, ARRAY_LEN(opaques));
	tcase_add_loop_test(t, test_value_nlink, 0, ARRAY_LEN(nlinks));
	tcase_add_test(t, test_value_nlink_round_trip);
	tcase_add_loop_test(t, test_value_protattr, 0, ARRAY_LEN(protattrs));
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
