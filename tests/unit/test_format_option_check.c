/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "overlayfs/option.h"
#include "unit/unit.h"

#define RW "lowerdir=/a,upperdir=/u,workdir=/w,"
#define RO "lowerdir=/a:/b,"

/*
 * Option strings, and a part of the text if they contradict each other. The verdicts are those of
 * Linux 6.18, where a script mounted all combinations.
 */
static const struct {
	const char *options, *text;
} strings[] = {
	{ RW, NULL },
	{ RO, NULL },
	{ "lowerdir=/a::/d", NULL },
	{ "lowerdir=/a::/d,upperdir=/u,workdir=/w,metacopy=off", NULL },
	{ "", "lowerdir is missing" },
	{ "upperdir=/u,workdir=/w", "lowerdir is missing" },
	{ "lowerdir=/a", "at least two layers" },
	{ "lowerdir=/a,workdir=/w", "at least two layers" },
	{ "lowerdir=/a,upperdir=/u", "needs workdir" },
	{ "lowerdir=/a:/b,workdir=/w", NULL },
	/* index and nfs_export */
	{ RW "nfs_export=on", NULL },
	{ RW "nfs_export=on,index=on", NULL },
	{ RW "nfs_export=off,index=off", NULL },
	{ RW "nfs_export=on,index=off", "nfs_export=on and index=off contradict" },
	{ RO "nfs_export=on,index=off", NULL },
	{ RO "nfs_export=on,index=off,redirect_dir=follow", NULL },
	{ RO "nfs_export=on,index=off,redirect_dir=nofollow", "contradict" },
	{ RO "nfs_export=on,index=on,redirect_dir=nofollow", NULL },
	/* metacopy and nfs_export */
	{ RW "metacopy=on,nfs_export=on", "nfs_export=on and metacopy=on contradict" },
	{ RW "metacopy=on,nfs_export=off", NULL },
	{ RW "metacopy=off,nfs_export=on", NULL },
	{ RO "metacopy=on,nfs_export=on", NULL },
	/* metacopy and redirect_dir */
	{ RW "metacopy=on", NULL },
	{ RW "metacopy=on,redirect_dir=on", NULL },
	{ RW "metacopy=on,redirect_dir=follow", "metacopy=on and redirect_dir=follow contradict" },
	{ RW "metacopy=on,redirect_dir=nofollow", "redirect_dir=nofollow contradict" },
	{ RW "metacopy=on,redirect_dir=off", "redirect_dir=off contradict" },
	{ RW "metacopy=off,redirect_dir=nofollow", NULL },
	{ RO "metacopy=on,redirect_dir=follow", NULL },
	{ RO "metacopy=on,redirect_dir=off", NULL }, /* a module parameter decides */
	{ RO "metacopy=on,redirect_dir=nofollow", "contradict" },
	/* userxattr */
	{ RW "userxattr", NULL },
	{ RW "userxattr,redirect_dir=nofollow,metacopy=off", NULL },
	{ RW "userxattr,redirect_dir=off", NULL }, /* a module parameter decides */
	{ RW "userxattr,redirect_dir=on", "userxattr and redirect_dir=on contradict" },
	{ RW "userxattr,redirect_dir=follow", "userxattr and redirect_dir=follow contradict" },
	{ RO "userxattr,redirect_dir=on", "contradict" },
	{ RW "userxattr,metacopy=on", "userxattr and metacopy=on contradict" },
	{ RW "userxattr,index=on,nfs_export=on", NULL },
	/* verity goes with anything */
	{ RW "verity=on,metacopy=off", NULL },
	{ RW "verity=require,redirect_dir=nofollow", NULL },
	{ RW "verity=on,userxattr", NULL },
	{ RW "verity=on,nfs_export=on", NULL },
	/* what the kernel ignores */
	{ RO "volatile,index=on,uuid=on", NULL },
	{ RW "xino=on,uuid=off,volatile,ro,foo", NULL },
};

START_TEST(test_option_check)
{
	struct ovl_config c = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;

	ck_assert_int_eq(ovl_config_parse(&c, strings[_i].options, &e), 0);
	if (!strings[_i].text) {
		ck_assert_int_eq(ovl_config_check(&c, &e), 0);
		ck_assert_int_eq(e.code, 0);
	} else {
		ck_assert_int_eq(ovl_config_check(&c, &e), -EINVAL);
		ck_assert_int_eq(e.code, -EINVAL);
		ck_assert_msg(strstr(e.text, strings[_i].text) != NULL, "%s", e.text);
		ck_assert_int_eq(ovl_config_check(&c, NULL), -EINVAL);
	}
	ovl_config_done(&c);
	ovl_error_done(&e);
}
END_TEST

/* @lower ordinary and @data data-only layers. */
static int check_count(size_t lower, size_t data)
{
	_cleanup_(ovl_buf_done) struct ovl_buf options = { 0 };
	struct ovl_config c = { 0 };
	size_t i;
	int r;

	ck_assert_int_eq(ovl_buf_adds(&options, "lowerdir=/a"), 0);
	for (i = 1; i < lower + data; i++)
		ck_assert_int_eq(ovl_buf_adds(&options, i < lower ? ":/a" : "::/a"), 0);
	ck_assert_int_eq(ovl_config_parse(&c, options.data, NULL), 0);
	ck_assert_uint_eq(c.n_lower, lower);
	ck_assert_uint_eq(c.n_data, data);
	r = ovl_config_check(&c, NULL);
	ovl_config_done(&c);
	return r;
}

START_TEST(test_option_check_count)
{
	ck_assert_int_eq(check_count(500, 0), 0);
	ck_assert_int_eq(check_count(501, 0), -EINVAL);
	ck_assert_int_eq(check_count(1, 499), 0);
	ck_assert_int_eq(check_count(1, 500), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("format/option_check");
	TCase *t = tcase_create("option_check");

	tcase_add_loop_test(t, test_option_check, 0, ARRAY_LEN(strings));
	tcase_add_test(t, test_option_check_count);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
