/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "format/metacopy.h"
#include "unit/unit.h"

/* Four bytes of header, then zeros up to @size. */
static const struct {
	size_t size;
	unsigned char header[4]; /* version, len, flags, algo */
	enum ovl_metacopy_state state;
	size_t digest;
} values[] = {
	{ 0, { 0 }, OVL_METACOPY_GOOD, 0 },
	{ 4, { 0, 4, 0, 0 }, OVL_METACOPY_GOOD, 0 },
	{ 36, { 0, 36, 0, 1 }, OVL_METACOPY_GOOD, 32 },
	{ 68, { 0, 68, 0, 2 }, OVL_METACOPY_GOOD, 64 },
	{ 1, { 0, 0, 0, 0 }, OVL_METACOPY_TOO_SMALL, 0 },
	{ 2, { 0, 4, 0, 0 }, OVL_METACOPY_TOO_SMALL, 0 },
	{ 3, { 0, 4, 0, 0 }, OVL_METACOPY_TOO_SMALL, 0 },
	{ 4, { 1, 4, 0, 0 }, OVL_METACOPY_BAD, 0 },
	{ 4, { 255, 4, 0, 0 }, OVL_METACOPY_BAD, 0 },
	{ 4, { 0, 3, 0, 0 }, OVL_METACOPY_BAD, 0 },
	{ 4, { 0, 5, 0, 0 }, OVL_METACOPY_BAD, 0 },
	{ 4, { 0, 0, 0, 0 }, OVL_METACOPY_BAD, 0 },
	{ 4, { 0, 4, 1, 0 }, OVL_METACOPY_BAD, 0 },
	{ 4, { 0, 4, 0, 1 }, OVL_METACOPY_BAD, 0 },
	{ 4, { 0, 4, 0, 3 }, OVL_METACOPY_BAD, 0 },
	{ 5, { 0, 5, 0, 0 }, OVL_METACOPY_BAD, 0 },
	{ 36, { 0, 36, 0, 0 }, OVL_METACOPY_BAD, 0 },
	{ 36, { 0, 36, 0, 2 }, OVL_METACOPY_BAD, 0 },
	{ 36, { 0, 36, 0, 3 }, OVL_METACOPY_BAD, 0 },
	{ 36, { 0, 36, 1, 1 }, OVL_METACOPY_BAD, 0 },
	{ 36, { 0, 68, 0, 2 }, OVL_METACOPY_BAD, 0 },
	{ 37, { 0, 36, 0, 1 }, OVL_METACOPY_BAD, 0 },
	{ 68, { 0, 68, 0, 1 }, OVL_METACOPY_BAD, 0 },
	{ 72, { 0, 72, 0, 2 }, OVL_METACOPY_BAD, 0 },
	{ 4 + 256, { 0, 4, 0, 0 }, OVL_METACOPY_BAD, 0 }, /* the length fits, cut to a byte */
	{ 36 + 256, { 0, 36, 0, 1 }, OVL_METACOPY_BAD, 0 },
};

START_TEST(test_metacopy_parse)
{
	size_t size = values[_i].size;
	unsigned char *v = calloc(size > 0 ? size : 1, 1);
	struct ovl_metacopy got, untouched;

	ck_assert_ptr_nonnull(v);
	memcpy(v, values[_i].header, size < 4 ? size : 4);
	memset(&untouched, 0x5a, sizeof(untouched));
	memcpy(&got, &untouched, sizeof(got));
	ck_assert_int_eq(ovl_metacopy_parse((struct ovl_bytes){ v, size }, &got), values[_i].state);
	if (values[_i].state != OVL_METACOPY_GOOD) {
		ck_assert_mem_eq(&got, &untouched, sizeof(got));
	} else {
		ck_assert_uint_eq(got.algo, size ? values[_i].header[3] : 0);
		ck_assert_uint_eq(got.digest.len, values[_i].digest);
		if (values[_i].digest)
			ck_assert_ptr_eq(got.digest.data, v + 4);
	}
	free(v);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("format/metacopy");
	TCase *t = tcase_create("metacopy");

	tcase_add_loop_test(t, test_metacopy_parse, 0, ARRAY_LEN(values));
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
