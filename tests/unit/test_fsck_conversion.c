/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is said about a conversion: golden texts.
 */
#include "unit/report_kit.h"

/* Ends a report about a conversion for Linux 4.14; @conversion: NULL if it was only checked */
static int convert(const struct ovl_conversion *conversion)
{
	static struct ovl_profile profile;
	static const struct ovl_config given_options;
	const struct ovl_results results = { 0 };
	struct ovl_summary s = { .results = &results, .seconds = 0.42, .conversion = conversion };
	int code;

	profile = (struct ovl_profile){ 0 };
	ovl_profile_for_kernel(&profile, (struct ovl_kernel){ 4, 14 }, &given_options);
	reporting.profile = &profile;
	code = ovl_conclude(&reporting, &s, false, false);
	fflush(reporting.out);
	return code;
}

START_TEST(test_report_convert_check)
{
	give("convert-metacopy", OVL_FATE_LEFT, NULL, NULL);
	give("convert-metacopy", OVL_FATE_LEFT, NULL, NULL);
	give("convert-redirect", OVL_FATE_LEFT, NULL, NULL);
	ck_assert_int_eq(convert(NULL), 4);
	ck_assert_str_eq(shown, "conversion for Linux 4.14: something is to be done\n"
				"    data was not copied up (convert-metacopy): 2 to be converted\n"
				"    renamed directory, whose lower names are found by a redirect "
				"(convert-redirect): 1 to be converted\n"
				"/m: 2 layers, 1,234 objects, 3 problems (0.4 s)\n");
}
END_TEST

#define OPTIONS_4_14                                                                 \
	"mount options for Linux 4.14: lowerdir=lower1,upperdir=upper,workdir=work," \
	"redirect_dir=off,index=off\n"

START_TEST(test_report_convert_nothing)
{
	ck_assert_int_eq(convert(NULL), 0);
	ck_assert_str_eq(shown, "conversion for Linux 4.14: nothing is to be done\n" OPTIONS_4_14
				"/m: clean, 2 layers, 1,234 objects (0.4 s)\n");
}
END_TEST

/* What is done as a matter of course is counted; what was left for a reason is told. */
START_TEST(test_report_convert_done)
{
	const struct ovl_conversion c = { .active = true, .compared = true };

	give("convert-metacopy", OVL_FATE_FIXED, "copy the data up", NULL);
	give("convert-nlink", OVL_FATE_FIXED, "take it away", NULL);
	give("convert-protattr", OVL_FATE_LEFT, NULL, NULL);
	ck_assert_int_eq(convert(&c), 1);
	ck_assert_str_eq(
		shown,
		"conversion for Linux 4.14: all is done\n"
		"    data was not copied up (convert-metacopy): 1 converted\n"
		"    link count of an indexed file (convert-nlink): 1 converted\n" OPTIONS_4_14
		"/m: 2 layers, 1,234 objects, 2 problems, 2 corrected (0.4 s)\n");
}
END_TEST

START_TEST(test_report_convert_left)
{
	const struct ovl_conversion c = { .active = true, .compared = true };

	give("convert-metacopy", OVL_FATE_FIXED, "copy the data up", NULL);
	give("convert-metacopy", OVL_FATE_LEFT, "copy the data up", "it has no data");
	ck_assert_int_eq(convert(&c), 4);
	line_of(PLACE "data was not copied up (convert-metacopy)");
	line_of("    repair: copy the data up; left: it has no data");
	line_of("conversion for Linux 4.14: something is left");
	line_of("    data was not copied up (convert-metacopy): 1 converted, 1 to be converted");
	ck_assert_ptr_null(strstr(shown, "mount options"));
}
END_TEST

START_TEST(test_report_convert_obstacle)
{
	struct ovl_conversion c = { .active = true, .obstacle = OVL_OBSTACLE_ERRORS };

	give("meta-no-lowerdata", OVL_FATE_LEFT, NULL, NULL);
	ck_assert_int_eq(convert(&c), 4);
	ck_assert_ptr_null(strstr(shown, "mount options"));
	give("convert-metacopy", OVL_FATE_LEFT, NULL, NULL);
	ck_assert_int_eq(convert(&c), 4);
	line_of("conversion for Linux 4.14: nothing was converted: errors are left, repair them first");
	line_of("    data was not copied up (convert-metacopy): 0 converted, 1 to be converted");
	give("convert-nesting", OVL_FATE_LEFT, NULL, NULL);
	c.obstacle = OVL_OBSTACLE_LOSS;
	ck_assert_int_eq(convert(&c), 4);
	line_of("conversion for Linux 4.14: nothing was converted: something has no equivalent "
		"there; -E accept-loss goes on without it");
	ck_assert_int_eq(convert(NULL), 4);
	line_of("conversion for Linux 4.14: something has no equivalent there; -E accept-loss goes "
		"on without it");
}
END_TEST

START_TEST(test_report_convert_differs)
{
	char first[] = "/a\n";
	const struct ovl_conversion c = {
		.active = true, .compared = true, .n_differ = 2, .differs = first
	};

	give("convert-metacopy", OVL_FATE_FIXED, "copy the data up", NULL);
	ck_assert_int_eq(convert(&c), 4);
	line_of("conversion for Linux 4.14: something is left");
	line_of("Linux 4.14 would show 2 directories in another way than before: /a\\012 ...");
	ck_assert_ptr_null(strstr(shown, "mount options"));
}
END_TEST

START_TEST(test_report_convert_drop)
{
	struct ovl_profile profile = { 0 };
	const struct ovl_results results = { 0 };
	struct ovl_summary s = { .results = &results };

	ovl_profile_drop(&profile, OVL_FBIT(INDEX));
	reporting.profile = &profile;
	ck_assert_int_eq(ovl_conclude(&reporting, &s, false, false), 0);
	fflush(reporting.out);
	line_of("conversion for this kernel without index, nfs_export: nothing is to be done");
	line_of("mount options for this kernel without index, nfs_export: lowerdir=");
}
END_TEST

START_TEST(test_report_convert_json)
{
	const struct ovl_conversion c = { .active = true,
					  .compared = true,
					  .estimate = { .bytes = 8192,
							.shared = 4096,
							.inodes = 2,
							.free_bytes = 1048576,
							.free_inodes = UINT64_MAX } };

	reporting.form = &ovl_report_json;
	give("convert-metacopy", OVL_FATE_FIXED, "copy the data up", NULL);
	ck_assert_int_eq(convert(&c), 1);
	ck_assert_ptr_nonnull(strstr(
		shown,
		",\n\"conversion\": {\"target\":\"Linux 4.14\",\"obstacle\":null,\"kinds\":[{\"id\":"
		"\"0x0901\",\"slug\":\"convert-metacopy\",\"converted\":1,\"left\":0}],"
		"\"space\":{\"bytes\":8192,\"shared_bytes\":4096,\"inodes\":2,\"free_bytes\":1048576,"
		"\"free_inodes\":null,\"enough\":true},\"compared\":true,"
		"\"differing\":0,\"differs\":null,\"mount_options\":\"lowerdir=lower1,upperdir=upper,"
		"workdir=work,redirect_dir=off,index=off\"},\n\"cancelled\""));
}
END_TEST

START_TEST(test_report_convert_json_left)
{
	char first[] = "/\xff";
	const struct ovl_conversion c = { .active = true,
					  .obstacle = OVL_OBSTACLE_LOSS,
					  .compared = true,
					  .n_differ = 1,
					  .differs = first };

	reporting.form = &ovl_report_json;
	give("convert-nesting", OVL_FATE_LEFT, NULL, NULL);
	ck_assert_int_eq(convert(&c), 4);
	ck_assert_ptr_nonnull(strstr(shown,
				     "\"obstacle\":\"loss\",\"kinds\":[{\"id\":\"0x090d\","
				     "\"slug\":\"convert-nesting\",\"converted\":0,"
				     "\"left\":1}],\"space\":{\"bytes\":0,"
				     "\"shared_bytes\":0,\"inodes\":0,\"free_bytes\":0,"
				     "\"free_inodes\":0,\"enough\":true},"
				     "\"compared\":true,\"differing\":1,"
				     "\"differs\":\"/\xef\xbf\xbd\",\"differs_hex\":\"2fff\","
				     "\"mount_options\":null},"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fsck/conversion");
	TCase *t = tcase_create("conversion");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_report_convert_check);
	tcase_add_test(t, test_report_convert_nothing);
	tcase_add_test(t, test_report_convert_done);
	tcase_add_test(t, test_report_convert_left);
	tcase_add_test(t, test_report_convert_obstacle);
	tcase_add_test(t, test_report_convert_differs);
	tcase_add_test(t, test_report_convert_drop);
	tcase_add_test(t, test_report_convert_json);
	tcase_add_test(t, test_report_convert_json_left);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
