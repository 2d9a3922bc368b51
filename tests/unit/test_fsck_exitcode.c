/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "unit/unit.h"

#include "../../fsck/exitcode.c"

static const struct {
	struct ovl_outcome outcome;
	int code;
} outcomes[] = {
	/* corrected, left, unreadable, cancelled, failed */
	{ { 0, 0, 0, false, false }, 0 },
	{ { 0, 1, 0, false, false }, 4 },
	{ { 0, UINT64_MAX, 0, false, false }, 4 },
	{ { 0, 0, 1, false, false }, 4 }, /* what could not be read is never clean */
	{ { 0, 3, 2, false, false }, 4 },
	{ { 1, 0, 0, false, false }, 1 },
	{ { UINT64_MAX, 0, 0, false, false }, 1 },
	{ { 1, 1, 0, false, false }, 4 }, /* never both */
	{ { 1, 0, 1, false, false }, 4 },
	{ { 0, 0, 0, true, false }, 32 },
	{ { 0, 1, 0, true, false }, 32 | 4 },
	{ { 1, 1, 0, true, false }, 32 | 4 },
	{ { 1, 0, 0, true, false }, 32 }, /* who did not see all cannot say that all is well */
	{ { 0, 0, 0, false, true }, 8 },
	{ { 0, 1, 0, false, true }, 8 | 4 },
	{ { 1, 0, 0, false, true }, 8 },
	{ { 1, 1, 1, true, true }, 32 | 8 | 4 },
};

START_TEST(test_exitcode_outcome)
{
	ck_assert_int_eq(ovl_exitcode(&outcomes[_i].outcome), outcomes[_i].code);
}
END_TEST

START_TEST(test_exitcode_error)
{
	ck_assert_int_eq(ovl_exitcode_of_error(-EINVAL), 16);
	ck_assert_int_eq(ovl_exitcode_of_error(-ENOTUNIQ), 16);
	ck_assert_int_eq(ovl_exitcode_of_error(-ECANCELED), 32);
	ck_assert_int_eq(ovl_exitcode_of_error(-EPERM), 8);
	ck_assert_int_eq(ovl_exitcode_of_error(-ENOENT), 8);
	ck_assert_int_eq(ovl_exitcode_of_error(-ENOTDIR), 8);
	ck_assert_int_eq(ovl_exitcode_of_error(-ENOMEM), 8);
	ck_assert_int_eq(ovl_exitcode_of_error(-EIO), 8);
}
END_TEST

START_TEST(test_exitcode_join)
{
	ck_assert_int_eq(ovl_exitcode_join(0, 0), 0);
	ck_assert_int_eq(ovl_exitcode_join(0, 1), 1);
	ck_assert_int_eq(ovl_exitcode_join(1, 1), 1);
	ck_assert_int_eq(ovl_exitcode_join(1, 4), 4); /* never both */
	ck_assert_int_eq(ovl_exitcode_join(4, 1), 4);
	ck_assert_int_eq(ovl_exitcode_join(1, 8), 9);
	ck_assert_int_eq(ovl_exitcode_join(9, 4), 12);
	ck_assert_int_eq(ovl_exitcode_join(4 | 32, 8 | 1), 4 | 8 | 32);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fsck/exitcode");
	TCase *t = tcase_create("exitcode");

	tcase_add_loop_test(t, test_exitcode_outcome, 0,
			    (int)(sizeof(outcomes) / sizeof(outcomes[0])));
	tcase_add_test(t, test_exitcode_error);
	tcase_add_test(t, test_exitcode_join);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
