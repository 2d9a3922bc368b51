/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "overlayfs/option.h"
#include "unit/oom.h"
#include "unit/unit.h"

/*
 * Option strings and what they come to, as ovl_config_render() writes it: layers in one list, other
 * options in its order, unknown words last. NULL: refused. What the kernel gets to see of it was
 * tried on Linux 6.18.
 */
static const struct {
	const char *options, *rendered;
} strings[] = {
	{ "", "" },
	{ ",,", "" },
	{ "lowerdir=/a,upperdir=/u,workdir=/w", "lowerdir=/a,upperdir=/u,workdir=/w" },
	{ "workdir=/w,,upperdir=/u,lowerdir=/a:/b::/d,",
	  "lowerdir=/a:/b::/d,upperdir=/u,workdir=/w" },
	/* escapes */
	{ "lowerdir=/a\\:b:/c\\,d:/e\\\\", "lowerdir=/a\\:b:/c\\,d:/e\\\\" },
	{ "lowerdir=\\/\\a", "lowerdir=/a" },
	{ "lowerdir=/a\\", "lowerdir=/a" },
	{ "upperdir=/u\\:1", "upperdir=/u:1" },
	{ "upperdir=/u:1", "upperdir=/u:1" },
	{ "upperdir=/u\\,1,workdir=/w\\\\1", "upperdir=/u\\,1,workdir=/w\\\\1" },
	{ "upperdir=/u\\1", "upperdir=/u1" },
	{ "upperdir=/u=v", "upperdir=/u=v" },
	{ "upperdir=/u\n", "upperdir=/u\n" },
	{ "upperdir=", NULL },
	{ "upperdir", NULL },
	{ "upperdir=\\", NULL },
	{ "workdir=", NULL },
	{ "workdir", NULL },
	/* lists of layers */
	{ "lowerdir", NULL },
	{ "lowerdir=", "" },
	{ "lowerdir=:/a", NULL },
	{ "lowerdir=/a:", NULL },
	{ "lowerdir=/a::", NULL },
	{ "lowerdir=::/d", NULL },
	{ "lowerdir=/a:::/d", NULL },
	{ "lowerdir=/a::/d:/b", NULL },
	{ "lowerdir=/a::/d,lowerdir=/b", "lowerdir=/b" },
	{ "lowerdir=/a::/d,lowerdir=", "" },
	{ "lowerdir+=/a,lowerdir+=/b", "lowerdir=/a:/b" },
	{ "lowerdir+=/a,datadir+=/d,datadir+=/e", "lowerdir=/a::/d::/e" },
	{ "lowerdir+=/a:b,lowerdir+=/c", "lowerdir=/a\\:b:/c" },
	{ "lowerdir+=/a\\:b", "lowerdir=/a\\\\\\:b" }, /* literally: no escapes here */
	{ "lowerdir+=/a\\,b", "lowerdir=/a\\\\\\,b" },
	{ "lowerdir+=", NULL },
	{ "lowerdir+", NULL },
	{ "datadir+=", NULL },
	{ "datadir+=/d", NULL },
	{ "datadir+=/d,lowerdir+=/a", NULL },
	{ "datadir+=/d,lowerdir=/a", "lowerdir=/a" },
	{ "lowerdir+=/a,datadir+=/d,lowerdir+=/b", NULL },
	{ "lowerdir=/a,lowerdir+=/b", NULL },
	{ "lowerdir=/a,datadir+=/d", NULL },
	{ "lowerdir=/a::/d,datadir+=/e", NULL },
	{ "lowerdir+=/a,lowerdir=/b:/c", "lowerdir=/b:/c" },
	{ "lowerdir=/a,lowerdir=,lowerdir+=/b", "lowerdir=/b" },
	/* one word out of a few */
	{ "redirect_dir=on", "redirect_dir=on" },
	{ "redirect_dir=off,redirect_dir=nofollow,redirect_dir=follow", "redirect_dir=follow" },
	{ "index=on,nfs_export=off,metacopy=on", "index=on,nfs_export=off,metacopy=on" },
	{ "xino=auto,uuid=null,verity=require", "uuid=null,xino=auto,verity=require" },
	{ "index=on,index=off", "index=off" },
	{ "index", NULL },
	{ "index=", NULL },
	{ "index=1", NULL },
	{ "index=ON", NULL },
	{ "index=on\\", NULL },
	{ "redirect_dir=maybe", NULL },
	{ "uuid=require", NULL },
	/* words without value */
	{ "userxattr,volatile", "userxattr,volatile" },
	{ "userxattr=", NULL },
	{ "userxattr=on", NULL },
	{ "volatile=on", NULL },
	{ "fsync=volatile", "volatile" },
	{ "volatile,fsync=auto", "" },
	{ "volatile,fsync=strict", "" },
	{ "fsync=strict,volatile", "volatile" },
	{ "fsync=ordered", NULL },
	{ "fsync", NULL },
	{ "fsync=", NULL },
	{ "default_permissions,override_creds,nooverride_creds", "" },
	{ "default_permissions=x", NULL },
	{ "override_creds=on", NULL },
	/* of the VFS and of mount(8) */
	{ "ro", "ro" },
	{ "ro,rw", "" },
	{ "rw,ro", "ro" },
	{ "ro=recursive", "ro" },
	{ "nodev,nosuid,noatime,x-foo=a,X-bar,_netdev,noauto,defaults,comment=x", "" },
	{ "context=\"a,b\",userxattr", "userxattr" },
	{ "context=\"a,b", NULL },
	/* of nobody */
	{ "foo", "foo" },
	{ "foo=bar,index=on,baz", "index=on,foo=bar,baz" },
	{ "foo,bar,foo,foo=1,bar", "foo,bar,foo=1" },
	{ "nouserxattr", "nouserxattr" },
	{ "=x", "=x" },
	{ "foo\\,bar,baz", "foo\\,bar,baz" },
	{ "foo\\", "foo\\\\" },
	{ "Lowerdir=/a", "Lowerdir=/a" },
};

START_TEST(test_option_parse)
{
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_config c = { 0 }, zero = { 0 };
	int r = ovl_config_parse(&c, strings[_i].options, &e);
	char *rendered;

	if (!strings[_i].rendered) {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_int_eq(e.code, -EINVAL);
		ck_assert_ptr_eq(strstr(e.text, "option "), e.text);
		ck_assert_mem_eq(&c, &zero, sizeof(c));
	} else {
		ck_assert_int_eq(r, 0);
		ck_assert_int_eq(e.code, 0);
		ck_assert_ptr_null(e.text);
		rendered = ovl_config_render(&c);
		ck_assert_str_eq(rendered, strings[_i].rendered);
		free(rendered);
	}
	ovl_config_done(&c);
	ck_assert_mem_eq(&c, &zero, sizeof(c));
	ovl_error_done(&e);
}
END_TEST

START_TEST(test_option_parse_fields)
{
	struct ovl_config c = { 0 };

	ck_assert_int_eq(ovl_config_parse(&c,
					  "ro,lowerdir=/a:/b::/d,upperdir=/u,workdir=/w,"
					  "redirect_dir=on,index=off,nfs_export=off,metacopy=on,"
					  "xino=auto,uuid=null,verity=require,volatile,one,two=2",
					  NULL),
			 0);
	ck_assert_str_eq(c.upper, "/u");
	ck_assert_str_eq(c.work, "/w");
	ck_assert_uint_eq(c.n_lower, 2);
	ck_assert_str_eq(c.lower[0], "/a");
	ck_assert_str_eq(c.lower[1], "/b");
	ck_assert_uint_eq(c.n_data, 1);
	ck_assert_str_eq(c.data[0], "/d");
	ck_assert(c.lower_is_list);
	ck_assert_int_eq(c.redirect_dir, OVL_REDIRECT_ON);
	ck_assert_int_eq(c.index, OVL_OFF);
	ck_assert_int_eq(c.nfs_export, OVL_OFF);
	ck_assert_int_eq(c.metacopy, OVL_ON);
	ck_assert_int_eq(c.xino, OVL_XINO_AUTO);
	ck_assert_int_eq(c.uuid, OVL_UUID_NULL);
	ck_assert_int_eq(c.verity, OVL_VERITY_REQUIRE);
	ck_assert(!c.userxattr);
	ck_assert(c.is_volatile);
	ck_assert(c.read_only);
	ck_assert_uint_eq(c.n_unknown, 2);
	ck_assert_str_eq(c.unknown[0], "one");
	ck_assert_str_eq(c.unknown[1], "two=2");
	ovl_config_done(&c);
}
END_TEST

/* -o may be given again and again; the next one is as if it followed behind a comma. */
START_TEST(test_option_parse_accumulates)
{
	struct ovl_config c = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;
	char *rendered;

	ck_assert_int_eq(ovl_config_parse(&c, "upperdir=/u,foo,index=on", &e), 0);
	ck_assert_int_eq(ovl_config_parse(&c, "lowerdir=/a", &e), 0);
	ck_assert_int_eq(ovl_config_parse(&c, "workdir=/w,index=off,foo,bar", &e), 0);
	/* What fails changes nothing, not even by the words before. */
	ck_assert_int_eq(ovl_config_parse(&c, "upperdir=/x,baz,lowerdir+=/b", &e), -EINVAL);
	rendered = ovl_config_render(&c);
	ck_assert_str_eq(rendered, "lowerdir=/a,upperdir=/u,workdir=/w,index=off,foo,bar");
	free(rendered);
	ovl_error_done(&e);
	ovl_config_done(&c);
}
END_TEST

static const struct {
	const char *options, *text;
} errors[] = {
	{ "index=maybe", "option index: want one of off, on: 'maybe'" },
	{ "index", "option index: want one of off, on" },
	{ "upperdir=", "option upperdir: a value is missing" },
	{ "userxattr=a\x1b", "option userxattr: takes no value: 'a\\033'" },
	{ "lowerdir=/a:", "option lowerdir: empty layer path behind the last colon: '/a:'" },
	{ "lowerdir=:/a", "option lowerdir: empty layer path: ':/a'" },
	{ "lowerdir=/a:::/b", "option lowerdir: more than two colons in a row: '/a:::/b'" },
	{ "context=\"a,b", "option context: the closing quote is missing: 'context=\"a,b'" },
	{ "datadir+=/d", "option datadir+: needs an ordinary layer before it" },
};

START_TEST(test_option_error_text)
{
	struct ovl_config c = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;

	ck_assert_int_eq(ovl_config_parse(&c, errors[_i].options, &e), -EINVAL);
	ck_assert_str_eq(e.text, errors[_i].text);
	ovl_error_done(&e);
}
END_TEST

START_TEST(test_option_error_text_is_short)
{
	struct ovl_config c = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;
	_cleanup_free_ char *options = malloc(100000);

	ck_assert_ptr_nonnull(options);
	memset(options, 'x', 100000);
	memcpy(options, "index=", 6);
	options[99999] = '\0';
	ck_assert_int_eq(ovl_config_parse(&c, options, &e), -EINVAL);
	ck_assert_uint_lt(strlen(e.text), 300);
	ck_assert_ptr_nonnull(strstr(e.text, "...'"));
	ovl_error_done(&e);
}
END_TEST

/* As fsconfig(2) takes them: nothing is cut at commas, so none needs a backslash. */
static const struct {
	const char *name, *value, *rendered;
} sets[] = {
	{ "upperdir", "/a,b", "upperdir=/a\\,b" },
	{ "upperdir", "/a\\,b", "upperdir=/a\\,b" },
	{ "workdir", "/a\\\\b", "workdir=/a\\\\b" },
	{ "lowerdir", "/a,b:/c", "lowerdir=/a\\,b:/c" },
	{ "lowerdir+", "/a,b:c\\d", "lowerdir=/a\\,b\\:c\\\\d" },
	{ "index", "on", "index=on" },
	{ "userxattr", NULL, "userxattr" },
	{ "ro", NULL, "ro" },
	{ "context", "\"a,b", "" },
	{ "foo", NULL, "foo" },
	{ "foo", "", "foo=" },
	{ "foo", "a,b\\", "foo=a\\,b\\\\" },
	{ "a,b\\", NULL, "a\\,b\\\\" },
	{ "", NULL, "" },
	{ "", "x", "=x" },
	{ "index", NULL, NULL },
	{ "index", "", NULL },
	{ "upperdir", NULL, NULL },
	{ "upperdir", "", NULL },
	{ "userxattr", "", NULL },
	{ "datadir+", "/d", NULL },
};

START_TEST(test_option_set)
{
	struct ovl_config c = { 0 }, zero = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;
	int r = ovl_config_set(&c, sets[_i].name, sets[_i].value, &e);
	char *rendered;

	if (!sets[_i].rendered) {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_int_eq(e.code, -EINVAL);
		ck_assert_mem_eq(&c, &zero, sizeof(c));
	} else {
		ck_assert_int_eq(r, 0);
		rendered = ovl_config_render(&c);
		ck_assert_str_eq(rendered, sets[_i].rendered);
		free(rendered);
	}
	ovl_config_done(&c);
	ovl_error_done(&e);
}
END_TEST

START_TEST(test_option_set_accumulates)
{
	struct ovl_config c = { 0 };
	char *rendered;

	ck_assert_int_eq(ovl_config_set(&c, "lowerdir+", "/a", NULL), 0);
	ck_assert_int_eq(ovl_config_set(&c, "lowerdir+", "/b", NULL), 0);
	ck_assert_int_eq(ovl_config_set(&c, "datadir+", "/d", NULL), 0);
	ck_assert(!c.lower_is_list);
	ck_assert_int_eq(ovl_config_set(&c, "foo", "1", NULL), 0);
	ck_assert_int_eq(ovl_config_set(&c, "foo", "1", NULL), 0);
	ck_assert_int_eq(ovl_config_set(&c, "index", "maybe", NULL), -EINVAL);
	ck_assert_int_eq(ovl_config_set(&c, "lowerdir+", "/c", NULL), -EINVAL);
	rendered = ovl_config_render(&c);
	ck_assert_str_eq(rendered, "lowerdir=/a:/b::/d,foo=1");
	free(rendered);
	ovl_config_done(&c);
	ovl_config_done(NULL);
}
END_TEST

/* Nobody counts layers or unknown words here; it just must not take time by the square. */
START_TEST(test_option_parse_many)
{
	enum { N = 40000 };
	_cleanup_(ovl_buf_done) struct ovl_buf options = { 0 };
	struct ovl_config c = { 0 };
	size_t i;

	ck_assert_int_eq(ovl_buf_adds(&options, "lowerdir=/l"), 0);
	for (i = 1; i < N; i++)
		ck_assert_int_eq(ovl_buf_addf(&options, ":/l%zu", i), 0);
	for (i = 0; i < N; i++)
		ck_assert_int_eq(ovl_buf_addf(&options, ",word%zu", i), 0);
	ck_assert_int_eq(ovl_config_parse(&c, options.data, NULL), 0);
	ck_assert_uint_eq(c.n_lower, N);
	ck_assert_str_eq(c.lower[N - 1], "/l39999");
	ck_assert_uint_eq(c.n_unknown, N);
	ck_assert_str_eq(c.unknown[N - 1], "word39999");
	ovl_config_done(&c);
}
END_TEST

#if OVL_OOM
START_TEST(test_option_parse_oom)
{
	struct ovl_config c = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;
	unsigned long tried = 0;
	char *rendered = NULL;
	int r;

	ck_assert_int_eq(
		ovl_config_parse(&c, "lowerdir=/a:/b::/d,upperdir=/u,workdir=/w,foo", NULL), 0);
	OVL_OOM_LOOP(n)
	{
		ovl_oom_arm(n);
		r = ovl_config_parse(&c, "lowerdir=/x:/y::/z,upperdir=/x,index=on,foo,bar", &e);
		if (!ovl_oom_disarm())
			break;
		tried++;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_int_eq(e.code, -ENOMEM);
		ovl_error_done(&e);
		rendered = ovl_config_render(&c);
		ck_assert_str_eq(rendered, "lowerdir=/a:/b::/d,upperdir=/u,workdir=/w,foo");
		free(rendered);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_gt(tried, 15);
	OVL_OOM_LOOP(n)
	{
		ovl_oom_arm(n);
		rendered = ovl_config_render(&c);
		if (!ovl_oom_disarm())
			break;
		ck_assert_ptr_null(rendered);
	}
	ck_assert_str_eq(rendered, "lowerdir=/x:/y::/z,upperdir=/x,workdir=/w,index=on,foo,bar");
	free(rendered);
	OVL_OOM_LOOP(n)
	{
		ovl_oom_arm(n);
		r = ovl_config_set(&c, "new", "1", &e);
		if (!ovl_oom_disarm())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ovl_error_done(&e);
		ck_assert_uint_eq(c.n_unknown, 2);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(c.n_unknown, 3);
	ovl_config_done(&c);
}
END_TEST

/* Also where the bad news itself finds no memory. */
START_TEST(test_option_refusal_oom)
{
	struct ovl_config c = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;
	int r;

	OVL_OOM_LOOP(n)
	{
		ovl_oom_arm(n);
		r = ovl_config_parse(&c, "index=maybe", &e);
		if (!ovl_oom_disarm())
			break;
		ck_assert(r == -ENOMEM || r == -EINVAL);
		ck_assert_int_eq(e.code, r);
		ovl_error_done(&e);
	}
	ck_assert_int_eq(r, -EINVAL);
	ovl_error_done(&e);
}
END_TEST
#endif

int main(void)
{
	Suite *s = suite_create("format/option");
	TCase *t = tcase_create("option");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_option_parse, 0, ARRAY_LEN(strings));
	tcase_add_test(t, test_option_parse_fields);
	tcase_add_test(t, test_option_parse_accumulates);
	tcase_add_loop_test(t, test_option_error_text, 0, ARRAY_LEN(errors));
	tcase_add_test(t, test_option_error_text_is_short);
	tcase_add_loop_test(t, test_option_set, 0, ARRAY_LEN(sets));
	tcase_add_test(t, test_option_set_accumulates);
	tcase_add_test(t, test_option_parse_many);
#if OVL_OOM
	if (ovl_oom_works()) {
		tcase_add_test(t, test_option_parse_oom);
		tcase_add_test(t, test_option_refusal_oom);
	}
#endif
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
