/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "overlayfs/error.h"
#include "unit/oom.h"
#include "unit/unit.h"

START_TEST(test_error_fail)
{
	struct ovl_error e = OVL_ERROR_INIT;

	ck_assert_int_eq(ovl_fail(&e, -ENOENT, "cannot open '%s' (%d)", "x", 3), -ENOENT);
	ck_assert_int_eq(e.code, -ENOENT);
	ck_assert_str_eq(e.text, "cannot open 'x' (3): No such file or directory");
	ovl_error_done(&e);
	ck_assert_int_eq(e.code, 0);
	ck_assert_ptr_null(e.text);
}
END_TEST

START_TEST(test_error_plain)
{
	struct ovl_error e = OVL_ERROR_INIT;

	ck_assert_int_eq(ovl_fail_plain(&e, -EINVAL, "option %s", "index"), -EINVAL);
	ck_assert_int_eq(e.code, -EINVAL);
	ck_assert_str_eq(e.text, "option index");
	ovl_error_done(&e);
}
END_TEST

/* The leaf knows best. */
START_TEST(test_error_first_wins)
{
	struct ovl_error e = OVL_ERROR_INIT;

	ck_assert_int_eq(ovl_fail_plain(&e, -EIO, "first"), -EIO);
	ck_assert_int_eq(ovl_fail(&e, -ENOENT, "second"), -ENOENT);
	ck_assert_int_eq(ovl_fail_plain(&e, -EINVAL, "third"), -EINVAL);
	ck_assert_int_eq(e.code, -EIO);
	ck_assert_str_eq(e.text, "first");
	ovl_error_done(&e);
}
END_TEST

START_TEST(test_error_nowhere)
{
	ck_assert_int_eq(ovl_fail(NULL, -EIO, "x"), -EIO);
	ck_assert_int_eq(ovl_fail_plain(NULL, -EIO, "x"), -EIO);
	ovl_error_done(NULL);
}
END_TEST

START_TEST(test_error_long)
{
	struct ovl_error e = OVL_ERROR_INIT;
	char path[9000];

	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(ovl_fail(&e, -ENAMETOOLONG, "%s", path), -ENAMETOOLONG);
	ck_assert_uint_eq(strlen(e.text), sizeof(path) - 1 + strlen(": File name too long"));
	ck_assert_str_eq(e.text + sizeof(path) - 1, ": File name too long");
	ovl_error_done(&e);
}
END_TEST

#if OVL_OOM
START_TEST(test_error_oom)
{
	struct ovl_error e = OVL_ERROR_INIT;
	int r;

	ovl_oom_arm(1);
	r = ovl_fail(&e, -EIO, "x");
	ck_assert(ovl_oom_disarm());
	ck_assert_int_eq(r, -EIO);
	ck_assert_int_eq(e.code, -EIO);
	ck_assert_ptr_null(e.text);
	ovl_error_done(&e);
}
END_TEST
#endif

int main(void)
{
	Suite *s = suite_create("base/error");
	TCase *t = tcase_create("error");

	tcase_add_test(t, test_error_fail);
	tcase_add_test(t, test_error_plain);
	tcase_add_test(t, test_error_first_wins);
	tcase_add_test(t, test_error_nowhere);
	tcase_add_test(t, test_error_long);
#if OVL_OOM
	if (ovl_oom_works())
		tcase_add_test(t, test_error_oom);
#endif
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
