/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is said about results: golden texts.
 */
#include "unit/report_kit.h"

START_TEST(test_report_corrected)
{
	give("meta-no-lowerdata", OVL_FATE_FIXED, "redirect to lower1:/b", NULL);
	ck_assert_int_eq(conclude(false, false, "12ab"), 1);
	ck_assert_str_eq(shown,
			 NO_DATA ". Redirect to lower1:/b? yes\n"
				 "to take it back: fsck.overlay --undo=12ab -o lowerdir=/l\n"
				 "/m: 2 layers, 1,234 objects, 1 problem, 1 corrected (0.4 s)\n");
}
END_TEST

START_TEST(test_report_information)
{
	give("whiteout-useless", OVL_FATE_FIXED, "remove it", NULL);
	give("whiteout-useless", OVL_FATE_LEFT, "remove it", "the layer is read-only");
	ck_assert_int_eq(conclude(false, false, "12ab"), 1);
	ck_assert_str_eq(shown,
			 USELESS ". Remove it? yes\n"
				 "to take it back: fsck.overlay --undo=12ab -o lowerdir=/l\n"
				 "/m: 2 layers, 1,234 objects, 1 problem, 1 corrected (0.4 s)\n");
}
END_TEST

START_TEST(test_report_left)
{
	const char *symptom;

	give("meta-no-lowerdata", OVL_FATE_LEFT, NULL, NULL);
	symptom = ovl_problem_get(given[0].finding.problem)->symptom;
	give("meta-no-lowerdata", OVL_FATE_LEFT, NULL, "nobody knows");
	give("meta-no-lowerdata", OVL_FATE_LEFT, "remove it", "-p leaves it");
	ck_assert_int_eq(conclude(false, false, NULL), 4);
	ck_assert_str_eq(line_of("    effect: ") + strlen("    effect: "), symptom);
	*strstr(shown, "    effect: ") = '\0';
	ck_assert_str_eq(shown, NO_DATA "\n    found: nothing; expected: a file\n");
	ck_assert_str_eq(shown + strlen(shown) + strlen("    effect: ") + strlen(symptom),
			 "\n" NO_DATA "\n    found: nothing; expected: a file\n"
			 "    left: nobody knows\n" NO_DATA
			 "\n    found: nothing; expected: a file\n"
			 "    repair: remove it; left: -p leaves it\n"
			 "/m: 2 layers, 1,234 objects, 3 problems (0.4 s)\n");
}
END_TEST

START_TEST(test_report_failed)
{
	give("whiteout-useless", OVL_FATE_FAILED, "remove it", "Input/output error");
	give("whiteout-useless", OVL_FATE_DECLINED, "remove it", NULL);
	options.grade[given[0].finding.problem] = OVL_GRADE_ERROR;
	ck_assert_int_eq(conclude(false, false, NULL), 4);
	line_of(USELESS ". Remove it? failed: Input/output error");
	line_of(USELESS ". Remove it? no");
	line_of("/m: 2 layers, 1,234 objects, 2 problems (0.4 s)");
}
END_TEST

/* Who was asked has seen it. */
START_TEST(test_report_asked)
{
	give("meta-no-lowerdata", OVL_FATE_FIXED, "remove it", NULL);
	give("meta-no-lowerdata", OVL_FATE_DECLINED, "remove it", NULL);
	give("meta-no-lowerdata", OVL_FATE_FAILED, "remove it", "Input/output error");
	ck_assert_int_eq(conclude(true, true, "12ab"), 32 | 4);
	ck_assert_ptr_null(strstr(shown, "? yes"));
	ck_assert_ptr_null(strstr(shown, "? no"));
	line_of(NO_DATA ". Remove it? failed: Input/output error");
	line_of("/m: cancelled, 2 layers, 1,234 objects, 3 problems, 1 corrected (0.4 s)");
}
END_TEST

START_TEST(test_report_ignored)
{
	give("meta-no-lowerdata", OVL_FATE_LEFT, NULL, NULL);
	options.grade[given[0].finding.problem] = OVL_GRADE_IGNORE;
	ck_assert_int_eq(conclude(false, false, NULL), 0);
	ck_assert_str_eq(shown, "/m: clean, 2 layers, 1,234 objects (0.4 s)\n");
}
END_TEST

START_TEST(test_report_json)
{
	reporting.form = &ovl_report_json;
	give("whiteout-useless", OVL_FATE_FIXED, "remove it", NULL);
	give("meta-no-lowerdata", OVL_FATE_LEFT, NULL, "nobody knows");
	given[1].finding.severity = OVL_SEV_WARNING;
	ck_assert_int_eq(conclude(false, false, "12ab"), 4);
	ck_assert_ptr_nonnull(strstr(
		shown, "\"action\":\"remove it\",\"result\":\"corrected\",\"reason\":null},\n{"));
	ck_assert_ptr_nonnull(strstr(
		shown, "\"action\":null,\"result\":\"left\",\"reason\":\"nobody knows\"}\n],\n"));
	ck_assert_str_eq(
		strstr(shown, "\"journal\""),
		"\"journal\": \"12ab\",\n\"counts\": {\"layers\":2,\"objects\":1234,\"directories\":0,"
		"\"whiteouts\":0,\"redirects\":0,\"metacopy\":0,\"metacopy_bytes\":0,\"indexed\":0,"
		"\"unreadable\":0,\"errors\":0,\"warnings\":1,\"information\":1,\"corrected\":1,"
		"\"left\":1,\"recovered\":0,\"unrecovered\":0},\n\"cancelled\": false,\n\"exit_code\": 4\n}\n");
}
END_TEST

static const struct ovl_undo_step steps[] = {
	{ "whiteout-useless", "upper:/a", "remove it", 0, NULL },
	{ "whiteout-useless", "upper:/b", "remove it", -ESTALE, NULL },
};
static const struct ovl_undo_entry entry = { "12ab", 1790000000, "finished", 1, true };

static void tell_undo(unsigned mode)
{
	const struct ovl_undo_summary s = { .taken_back = 1, .left = 1, .exit_code = 4 };
	const struct ovl_reporter *form = reporting.form;

	options.modes = mode;
	ck_assert_int_eq(form->begin(&reporting, OVL_LIST_STEPS), 0);
	ck_assert_int_eq(form->step(&reporting, &steps[0]), 0);
	ck_assert_int_eq(form->step(&reporting, &steps[1]), 0);
	ck_assert_int_eq(form->steps_end(&reporting, &s), 0);
	fflush(reporting.out);
}

START_TEST(test_report_undo)
{
	tell_undo(0);
	ck_assert_str_eq(shown,
			 "upper:/a: remove it (whiteout-useless): taken back\n"
			 "upper:/b: remove it (whiteout-useless): left: it has changed since\n"
			 "/m: 1 step taken back, 1 left\n");
}
END_TEST

START_TEST(test_report_undo_dry)
{
	tell_undo(OVL_MODE_CHECK);
	line_of("upper:/a: remove it (whiteout-useless): would be taken back");
	line_of("/m: 1 step would be taken back, 1 left");
}
END_TEST

START_TEST(test_report_undo_json)
{
	reporting.form = &ovl_report_json;
	tell_undo(OVL_MODE_CHECK);
	ck_assert_str_eq(
		strstr(shown, "\"steps\""),
		"\"steps\": [\n{\"slug\":\"whiteout-useless\",\"place\":\"upper:/a\","
		"\"action\":\"remove it\",\"result\":\"taken back\",\"reason\":null},\n"
		"{\"slug\":\"whiteout-useless\",\"place\":\"upper:/b\",\"action\":\"remove it\","
		"\"result\":\"left\",\"reason\":\"it has changed since\"}\n],\n\"dry_run\": true,\n"
		"\"counts\": {\"taken_back\":1,\"left\":1},\n\"cancelled\": false,\n"
		"\"exit_code\": 4\n}\n");
}
END_TEST

START_TEST(test_report_journals)
{
	const struct ovl_undo_entry unknown = { "34cd", 0, "unreadable", 0, false };

	ck_assert_int_eq(text_journal(&reporting, &entry), 0);
	ck_assert_int_eq(text_journal(&reporting, &unknown), 0);
	fflush(reporting.out);
	ck_assert_str_eq(shown,
			 "12ab  2026-09-21 14:13:20 UTC  finished  1 step, with objects that "
			 "were set aside\n34cd  unknown time  unreadable  0 steps\n");
}
END_TEST

START_TEST(test_report_journals_json)
{
	const struct ovl_reporter *form = &ovl_report_json;

	ck_assert_int_eq(form->begin(&reporting, OVL_LIST_JOURNALS), 0);
	ck_assert_int_eq(form->journal(&reporting, &entry), 0);
	ck_assert_int_eq(form->journals_end(&reporting), 0);
	fflush(reporting.out);
	ck_assert_str_eq(strstr(shown, "\"journals\""),
			 "\"journals\": [\n{\"id\":\"12ab\",\"time\":1790000000,"
			 "\"state\":\"finished\",\"steps\":1,\"saved\":true}\n],\n"
			 "\"exit_code\": 0\n}\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fsck/report");
	TCase *t = tcase_create("report");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_report_corrected);
	tcase_add_test(t, test_report_information);
	tcase_add_test(t, test_report_left);
	tcase_add_test(t, test_report_failed);
	tcase_add_test(t, test_report_asked);
	tcase_add_test(t, test_report_ignored);
	tcase_add_test(t, test_report_json);
	tcase_add_test(t, test_report_undo);
	tcase_add_test(t, test_report_undo_dry);
	tcase_add_test(t, test_report_undo_json);
	tcase_add_test(t, test_report_journals);
	tcase_add_test(t, test_report_journals_json);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
