/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What cannot be made on every machine: layers that fold case, as the target of a conversion sees them.
 */
#include "overlayfs/check.h"
#include "stack/stack.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

static struct tree_stack tree;

static void setup(void)
{
	tree_layers(2);
	ck_assert_int_eq(tree_open(&tree, 2, "", NULL), 0);
	tree.stack->layer[2].root.folds_case = true;
}

static void teardown(void)
{
	tree_close(&tree);
	tree_clear();
}

static struct ovl_profile target(unsigned major, unsigned minor)
{
	static const struct ovl_config given;
	struct ovl_profile p = { 0 };

	ovl_profile_for_kernel(&p, (struct ovl_kernel){ major, minor }, &given);
	return p;
}

/* Checks for a target; the findings are in the report. */
static struct ovl_report *check(const struct ovl_profile *profile)
{
	const struct ovl_check_options options = { .profile = profile, .threads = 1 };
	struct ovl_report *report = NULL;

	ck_assert_int_eq(ovl_check(tree.stack, &options, &report, NULL), 0);
	return report;
}

START_TEST(test_convert_casefold)
{
	struct ovl_profile p = target(6, 17);
	struct ovl_report *report = check(&p);
	struct ovl_finding f;

	ck_assert_uint_eq(ovl_report_len(report), 1);
	f = ovl_report_get(report, 0);
	ck_assert_int_eq(f.problem, OVL_P_CONVERT_CASEFOLD);
	ck_assert_int_eq(f.severity, OVL_SEV_ERROR);
	ck_assert_int_eq(f.loc.layer, 2);
	ck_assert_ptr_null(f.loc.path);
	ovl_report_free(report);

	p.accept_loss = true;
	report = check(&p);
	ck_assert_int_eq(ovl_report_get(report, 0).severity, OVL_SEV_INFO);
	ovl_report_free(report);
}
END_TEST

START_TEST(test_convert_casefold_known)
{
	struct ovl_profile p = target(6, 18);
	struct ovl_report *report = check(&p);

	ck_assert_uint_eq(ovl_report_len(report), 0);
	ovl_report_free(report);
	report = check(NULL);
	ck_assert_uint_eq(ovl_report_len(report), 0);
	ovl_report_free(report);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check/convert");
	TCase *t = tcase_create("convert");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_convert_casefold);
	tcase_add_test(t, test_convert_casefold_known);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
