/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/unit.h"

#include "../../fsck/results.c"
#include "../../fsck/tally.c"

static const struct {
	enum ovl_grade grade;
	enum ovl_severity found;
	bool shown;
	enum ovl_severity severity;
} grades[] = {
	{ OVL_GRADE_ROW, OVL_SEV_ERROR, true, OVL_SEV_ERROR },
	{ OVL_GRADE_ROW, OVL_SEV_WARNING, true, OVL_SEV_WARNING },
	{ OVL_GRADE_ROW, OVL_SEV_INFO, true, OVL_SEV_INFO },
	{ OVL_GRADE_IGNORE, OVL_SEV_ERROR, false, OVL_SEV__MAX },
	{ OVL_GRADE_IGNORE, OVL_SEV_INFO, false, OVL_SEV__MAX },
	{ OVL_GRADE_INFO, OVL_SEV_ERROR, true, OVL_SEV_INFO },
	{ OVL_GRADE_WARNING, OVL_SEV_ERROR, true, OVL_SEV_WARNING },
	{ OVL_GRADE_WARNING, OVL_SEV_INFO, true, OVL_SEV_WARNING },
	{ OVL_GRADE_ERROR, OVL_SEV_WARNING, true, OVL_SEV_ERROR },
};

START_TEST(test_tally_grade)
{
	struct ovl_finding f = { .problem = 1, .severity = grades[_i].found };
	enum ovl_severity severity = OVL_SEV__MAX;
	struct ovl_options o = { 0 };

	o.grade[0] = OVL_GRADE_IGNORE; /* of another problem */
	o.grade[1] = grades[_i].grade;
	ck_assert_int_eq(ovl_tally_grade(&o, &f, &severity), grades[_i].shown);
	ck_assert_int_eq(severity, grades[_i].severity);
}
END_TEST

/* Information does not count, but if it was corrected, something was. */
static const struct {
	enum ovl_fate fate;
	unsigned problems, corrected;
} fates[] = {
	{ OVL_FATE_LEFT, 6, 0 },
	{ OVL_FATE_DECLINED, 6, 0 },
	{ OVL_FATE_FAILED, 6, 0 },
	{ OVL_FATE_FIXED, 9, 9 },
};

START_TEST(test_tally_count)
{
	struct ovl_options o = { 0 };
	struct ovl_tally tally = { 0 };
	unsigned i;

	o.grade[3] = OVL_GRADE_IGNORE;
	for (i = 0; i < 12; i++) {
		struct ovl_result result = {
			.finding = { .problem = (enum ovl_problem_id)(i % 4),
				     .severity = (enum ovl_severity)(i % 3) },
			.fate = fates[_i].fate,
		};

		add(&tally, &o, &result);
	}
	/* Each of the twelve pairs once; the three of problem 3 are ignored. */
	ck_assert_uint_eq(tally.by_severity[OVL_SEV_INFO], 3);
	ck_assert_uint_eq(tally.by_severity[OVL_SEV_WARNING], 3);
	ck_assert_uint_eq(tally.by_severity[OVL_SEV_ERROR], 3);
	ck_assert_uint_eq(tally.problems, fates[_i].problems);
	ck_assert_uint_eq(tally.corrected, fates[_i].corrected);
	ck_assert_uint_eq(tally.left, fates[_i].problems - fates[_i].corrected);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fsck/tally");
	TCase *t = tcase_create("tally");

	tcase_add_loop_test(t, test_tally_grade, 0, (int)(sizeof(grades) / sizeof(grades[0])));
	tcase_add_loop_test(t, test_tally_count, 0, (int)(sizeof(fates) / sizeof(fates[0])));
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
