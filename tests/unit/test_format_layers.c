/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/layers.h"
#include "unit/oom.h"
#include "unit/unit.h"

enum { LAYERS = 6 };

/* Each of these was tried on a mount of Linux 6.18. Backslashes are doubled for C. */
static const struct {
	const char *value;
	int r;
	const char *lower[LAYERS], *data[LAYERS];
} splits[] = {
	{ "", 0, { NULL }, { NULL } },
	{ "a", 0, { "a" }, { NULL } },
	{ "/a:/b:/c", 0, { "/a", "/b", "/c" }, { NULL } },
	{ "a::d", 0, { "a" }, { "d" } },
	{ "a:b::d::e", 0, { "a", "b" }, { "d", "e" } },
	{ "a\\:b:c", 0, { "a:b", "c" }, { NULL } },
	{ "a\\,b", 0, { "a,b" }, { NULL } },
	{ "a\\\\:c", 0, { "a\\", "c" }, { NULL } },
	{ "a\\\\\\:b", 0, { "a\\:b" }, { NULL } },
	{ "\\a\\b", 0, { "ab" }, { NULL } },
	{ "a\\::b", 0, { "a:", "b" }, { NULL } },
	{ "\\:\\:", 0, { "::" }, { NULL } },
	{ "a:b\\", 0, { "a", "b" }, { NULL } }, /* protects nothing, stands for nothing */
	{ "a::d\\:e", 0, { "a" }, { "d:e" } },
	{ " a : b ", 0, { " a ", " b " }, { NULL } },
	{ "a=b:\"c\"", 0, { "a=b", "\"c\"" }, { NULL } },
	{ "a:a", 0, { "a", "a" }, { NULL } },
	{ ":", -EINVAL, { NULL }, { NULL } },
	{ "::", -EINVAL, { NULL }, { NULL } },
	{ ":a", -EINVAL, { NULL }, { NULL } },
	{ "::d", -EINVAL, { NULL }, { NULL } },
	{ "a:", -EINVAL, { NULL }, { NULL } },
	{ "a::", -EINVAL, { NULL }, { NULL } },
	{ "a:::b", -EINVAL, { NULL }, { NULL } },
	{ "a::::b", -EINVAL, { NULL }, { NULL } },
	{ "a::d:b", -EINVAL, { NULL }, { NULL } },
	{ "a::d::e:b", -EINVAL, { NULL }, { NULL } },
	{ "\\", -EINVAL, { NULL }, { NULL } },
	{ "a:\\", -EINVAL, { NULL }, { NULL } },
};

static void check_list(const struct ovl_layers *l, const char *const *want)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		ck_assert_ptr_nonnull(want[i]);
		ck_assert_str_eq(l->path[i], want[i]);
	}
	ck_assert_ptr_null(want[l->n]);
}

START_TEST(test_layers_split)
{
	struct ovl_layers lower = { 0 }, data = { 0 };
	const char *why = NULL;

	ck_assert_int_eq(ovl_layers_split(splits[_i].value, &lower, &data, &why), splits[_i].r);
	if (splits[_i].r < 0) {
		ck_assert_ptr_nonnull(why);
		ck_assert_str_ne(why, "");
	} else {
		ck_assert_ptr_null(why);
		check_list(&lower, splits[_i].lower);
		check_list(&data, splits[_i].data);
	}
	ovl_layers_done(&lower);
	ovl_layers_done(&data);
	ck_assert_uint_eq(lower.n, 0);
	ck_assert_ptr_null(lower.path);
}
END_TEST

START_TEST(test_layers_push)
{
	struct ovl_layers l = { 0 }, copy = { 0 };
	char text[20];
	size_t i;

	ovl_layers_done(NULL);
	ck_assert_int_eq(ovl_layers_push(&l, NULL), -ENOMEM);
	ck_assert_uint_eq(l.n, 0);
	for (i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%zu", i);
		ck_assert_int_eq(ovl_layers_push(&l, strdup(text)), 0);
	}
	ck_assert_int_eq(ovl_layers_copy(&copy, l.path, l.n), 0);
	ovl_layers_done(&l);
	ck_assert_uint_eq(copy.n, 1000);
	for (i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%zu", i);
		ck_assert_str_eq(copy.path[i], text);
	}
	ovl_layers_done(&copy);
}
END_TEST

START_TEST(test_layers_unescape)
{
	_cleanup_free_ char *s = ovl_layers_unescape("a\\\\b\\,c\\d\\", 10);
	_cleanup_free_ char *part = ovl_layers_unescape("ab\\c", 3);
	_cleanup_free_ char *none = ovl_layers_unescape("ab", 0);

	ck_assert_str_eq(s, "a\\b,cd");
	ck_assert_str_eq(part, "ab");
	ck_assert_str_eq(none, "");
}
END_TEST

#if OVL_OOM
START_TEST(test_layers_oom)
{
	struct ovl_layers lower = { 0 }, data = { 0 };
	const char *why = NULL;
	int r;

	OVL_OOM_LOOP(n)
	{
		ovl_oom_arm(n);
		r = ovl_layers_split("a:b:c:d:e::f::g::h", &lower, &data, &why);
		if (!ovl_oom_disarm())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(why);
		ovl_layers_done(&lower);
		ovl_layers_done(&data);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(lower.n, 5);
	ck_assert_uint_eq(data.n, 3);
	ovl_layers_done(&lower);
	ovl_layers_done(&data);
}
END_TEST
#endif

int main(void)
{
	Suite *s = suite_create("format/layers");
	TCase *t = tcase_create("layers");

	tcase_add_loop_test(t, test_layers_split, 0, ARRAY_LEN(splits));
	tcase_add_test(t, test_layers_push);
	tcase_add_test(t, test_layers_unescape);
#if OVL_OOM
	if (ovl_oom_works())
		tcase_add_test(t, test_layers_oom);
#endif
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
