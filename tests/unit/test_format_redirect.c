/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/redirect.h"
#include "unit/unit.h"

#define S(text) text, sizeof(text) - 1
#define NUL OVL_REDIRECT_NUL
#define DOT OVL_REDIRECT_DOTDOT

/* Each of these was tried on a mount of Linux 6.18. */
static const struct {
	const char *value;
	size_t len;
	int r;
	const char *path;
	unsigned flaws;
} redirects[] = {
	{ S("t"), 0, "t", 0 },
	{ S("/t"), 0, "/t", 0 },
	{ S("/a/b/c"), 0, "/a/b/c", 0 },
	{ S("with space\n"), 0, "with space\n", 0 },
	{ S("..."), 0, "...", 0 },
	{ S(".a"), 0, ".a", 0 },
	{ S("a."), 0, "a.", 0 },
	{ S("/a/..b/..."), 0, "/a/..b/...", 0 },
	{ S("\\"), 0, "\\", 0 },
	{ S("t\0x"), 0, "t", NUL },
	{ S("t\0"), 0, "t", NUL },
	{ S("t\0/y"), 0, "t", NUL },
	{ S("/t\0/"), 0, "/t", NUL },
	{ S("/t\0//"), 0, "/t", NUL },
	{ S("."), 0, ".", DOT },
	{ S(".."), 0, "..", DOT },
	{ S("/.."), 0, "/..", DOT },
	{ S("/a/../b"), 0, "/a/../b", DOT },
	{ S("/./t"), 0, "/./t", DOT },
	{ S("/t/."), 0, "/t/.", DOT },
	{ S("..\0a"), 0, "..", NUL | DOT },
	{ S("/a\0/.."), 0, "/a", NUL },
	{ S("\0"), 0, "", NUL | DOT },
	{ S("\0x"), 0, "", NUL | DOT },
	{ S(""), -EINVAL, NULL, 0 },
	{ S("/"), -EINVAL, NULL, 0 },
	{ S("//"), -EINVAL, NULL, 0 },
	{ S("/t/"), -EINVAL, NULL, 0 },
	{ S("//t"), -EINVAL, NULL, 0 },
	{ S("/t//x"), -EINVAL, NULL, 0 },
	{ S("t/"), -EINVAL, NULL, 0 },
	{ S("t/u"), -EINVAL, NULL, 0 },
	{ S("./t"), -EINVAL, NULL, 0 },
	{ S("../t"), -EINVAL, NULL, 0 },
	{ S("/\0t"), -EINVAL, NULL, 0 },
	{ S("/t/\0"), -EINVAL, NULL, 0 },
	{ S("/../"), -EINVAL, NULL, 0 },
};

START_TEST(test_redirect_parse)
{
	unsigned char *copy = malloc(redirects[_i].len + 1);
	struct ovl_redirect got, untouched;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, redirects[_i].value, redirects[_i].len);
	copy = realloc(copy, redirects[_i].len ? redirects[_i].len : 1);
	memset(&untouched, 0x5a, sizeof(untouched));
	memcpy(&got, &untouched, sizeof(got));
	ck_assert_int_eq(ovl_redirect_parse((struct ovl_bytes){ copy, redirects[_i].len }, &got),
			 redirects[_i].r);
	if (redirects[_i].r < 0) {
		ck_assert_mem_eq(&got, &untouched, sizeof(got));
	} else {
		ck_assert_ptr_eq(got.path.data, copy);
		ck_assert_uint_eq(got.path.len, strlen(redirects[_i].path));
		ck_assert_mem_eq(got.path.data, redirects[_i].path, got.path.len);
		ck_assert(got.absolute == (redirects[_i].path[0] == '/'));
		ck_assert_uint_eq(got.flaws, redirects[_i].flaws);
	}
	free(copy);
}
END_TEST

/* The reader accepts any length. */
START_TEST(test_redirect_long)
{
	_cleanup_free_ unsigned char *value = malloc(65536);
	struct ovl_redirect got;
	size_t i;

	ck_assert_ptr_nonnull(value);
	for (i = 0; i < 65536; i++)
		value[i] = i % 2 ? 'd' : '/';
	ck_assert_int_eq(ovl_redirect_parse((struct ovl_bytes){ value, 65536 }, &got), 0);
	ck_assert(got.absolute);
	ck_assert_uint_eq(got.path.len, 65536);
	ck_assert_uint_eq(got.flaws, 0);
	ck_assert_int_eq(ovl_redirect_parse((struct ovl_bytes){ value, 65535 }, &got), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("format/redirect");
	TCase *t = tcase_create("redirect");

	tcase_add_loop_test(t, test_redirect_parse, 0, ARRAY_LEN(redirects));
	tcase_add_test(t, test_redirect_long);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
