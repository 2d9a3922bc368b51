/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "unit/unit.h"

#include "../../fsck/boot_choice.c"

#define DAY UINT64_C(86400)
#define NOW (CLOCK + 100 * DAY)
#define CLOCK UINT64_C(1767225600)

static const struct {
	struct ovl_boot_case c;
	enum ovl_extent extent;
	enum ovl_boot_why why;
} cases[] = {
	/* The command line decides. */
	{ { OVL_BOOT_SKIP, true, OVL_STAMP_NONE, 0, NOW, 30 },
	  OVL_EXTENT_NONE,
	  OVL_BOOT_WHY_SKIPPED },
	{ { OVL_BOOT_FORCE, true, OVL_STAMP_CLEAN, NOW, NOW, 30 },
	  OVL_EXTENT_WHOLE,
	  OVL_BOOT_WHY_FORCED },
	{ { OVL_BOOT_FORCE, false, OVL_STAMP_NO_PLACE, 0, NOW, 0 },
	  OVL_EXTENT_WHOLE,
	  OVL_BOOT_WHY_FORCED },
	/* Nothing is known. */
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_NONE, 0, NOW, 30 },
	  OVL_EXTENT_WHOLE,
	  OVL_BOOT_WHY_FIRST },
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_NONE, 0, NOW, 0 }, OVL_EXTENT_QUICK, OVL_BOOT_WHY_USUAL },
	{ { OVL_BOOT_AUTO, false, OVL_STAMP_NONE, 0, NOW, 30 },
	  OVL_EXTENT_QUICK,
	  OVL_BOOT_WHY_USUAL },
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_NO_PLACE, 0, NOW, 30 },
	  OVL_EXTENT_QUICK,
	  OVL_BOOT_WHY_USUAL },
	/* Mounted since. */
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_OLD, NOW - DAY, NOW, 30 },
	  OVL_EXTENT_QUICK,
	  OVL_BOOT_WHY_USUAL },
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_OLD, NOW - 30 * DAY, NOW, 30 },
	  OVL_EXTENT_QUICK,
	  OVL_BOOT_WHY_USUAL },
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_OLD, NOW - 30 * DAY - 1, NOW, 30 },
	  OVL_EXTENT_WHOLE,
	  OVL_BOOT_WHY_OVERDUE },
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_OLD, NOW - 2 * DAY, NOW, 1 },
	  OVL_EXTENT_WHOLE,
	  OVL_BOOT_WHY_OVERDUE },
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_OLD, 0, NOW, 0 }, OVL_EXTENT_QUICK, OVL_BOOT_WHY_USUAL },
	{ { OVL_BOOT_AUTO, false, OVL_STAMP_OLD, 0, NOW, 30 },
	  OVL_EXTENT_QUICK,
	  OVL_BOOT_WHY_USUAL },
	/* And not unmounted. */
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_UNCLEAN, NOW, NOW, 30 },
	  OVL_EXTENT_WHOLE,
	  OVL_BOOT_WHY_UNCLEAN },
	{ { OVL_BOOT_AUTO, false, OVL_STAMP_UNCLEAN, NOW, NOW, 0 },
	  OVL_EXTENT_WHOLE,
	  OVL_BOOT_WHY_UNCLEAN },
	{ { OVL_BOOT_SKIP, true, OVL_STAMP_UNCLEAN, NOW, NOW, 0 },
	  OVL_EXTENT_NONE,
	  OVL_BOOT_WHY_SKIPPED },
	/* Not mounted since. */
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_CLEAN, NOW - DAY, NOW, 30 },
	  OVL_EXTENT_NONE,
	  OVL_BOOT_WHY_CLEAN },
	{ { OVL_BOOT_AUTO, false, OVL_STAMP_CLEAN, 0, NOW, 30 },
	  OVL_EXTENT_NONE,
	  OVL_BOOT_WHY_CLEAN },
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_CLEAN, NOW - 31 * DAY, NOW, 30 },
	  OVL_EXTENT_WHOLE,
	  OVL_BOOT_WHY_OVERDUE },
	/* Clocks: a stamp of the future, one of a far one, a clock that is not set, the end of time. */
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_OLD, NOW + 30 * DAY, NOW, 30 },
	  OVL_EXTENT_QUICK,
	  OVL_BOOT_WHY_USUAL },
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_OLD, NOW + 31 * DAY, NOW, 30 },
	  OVL_EXTENT_WHOLE,
	  OVL_BOOT_WHY_OVERDUE },
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_CLEAN, NOW + 31 * DAY, NOW, 30 },
	  OVL_EXTENT_WHOLE,
	  OVL_BOOT_WHY_OVERDUE },
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_OLD, NOW, 1, 30 }, OVL_EXTENT_QUICK, OVL_BOOT_WHY_USUAL },
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_OLD, NOW, CLOCK - 1, 30 },
	  OVL_EXTENT_QUICK,
	  OVL_BOOT_WHY_USUAL },
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_CLEAN, NOW, 1, 30 },
	  OVL_EXTENT_NONE,
	  OVL_BOOT_WHY_CLEAN },
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_OLD, UINT64_MAX, NOW, 36500 },
	  OVL_EXTENT_WHOLE,
	  OVL_BOOT_WHY_OVERDUE },
	{ { OVL_BOOT_AUTO, true, OVL_STAMP_OLD, 0, UINT64_MAX, 36500 },
	  OVL_EXTENT_WHOLE,
	  OVL_BOOT_WHY_OVERDUE },
};

START_TEST(test_boot_choice)
{
	const struct ovl_boot_choice got = ovl_boot_choice(&cases[_i].c);

	ck_assert_int_eq(got.extent, cases[_i].extent);
	ck_assert_int_eq(got.why, cases[_i].why);
}
END_TEST

START_TEST(test_boot_choice_words)
{
	for (unsigned why = OVL_BOOT_WHY_USUAL; why <= OVL_BOOT_WHY_FOUND; why++) {
		const char *word = ovl_boot_choice_word((enum ovl_boot_why)why);

		ck_assert_uint_gt(strlen(word), 0);
		ck_assert_uint_eq(strspn(word, "abcdefghijklmnopqrstuvwxyz"), strlen(word));
		for (unsigned other = 0; other < why; other++)
			ck_assert_str_ne(word, ovl_boot_choice_word((enum ovl_boot_why)other));
		ck_assert_ptr_nonnull(ovl_boot_choice_text((enum ovl_boot_why)why));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fsck/boot_choice");
	TCase *t = tcase_create("boot_choice");

	tcase_add_loop_test(t, test_boot_choice, 0, (int)(sizeof(cases) / sizeof(*cases)));
	tcase_add_test(t, test_boot_choice_words);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
