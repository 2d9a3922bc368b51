/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "overlayfs/observe.h"
#include "unit/unit.h"

START_TEST(test_kind_name)
{
	const char *name = ovl_kind_name((enum ovl_kind)_i);
	int i;

	ck_assert_ptr_nonnull(name);
	ck_assert_str_ne(name, "");
	for (i = 0; i < _i; i++)
		ck_assert_str_ne(name, ovl_kind_name((enum ovl_kind)i));
}
END_TEST

START_TEST(test_kind_name_examples)
{
	ck_assert_str_eq(ovl_kind_name(OVL_KIND_DIR), "directory");
	ck_assert_str_eq(ovl_kind_name(OVL_KIND_WHITEOUT), "whiteout");
	ck_assert_str_eq(ovl_kind_name(OVL_KIND__MAX), ovl_kind_name(OVL_KIND_UNKNOWN));
}
END_TEST

START_TEST(test_kind_obs_has)
{
	struct ovl_obs obs = { .xmask = OVL_XBIT(OPAQUE), .xbad = OVL_XBIT(ORIGIN) };

	ck_assert(ovl_obs_has(&obs, OVL_X_OPAQUE));
	ck_assert(ovl_obs_has(&obs, OVL_X_ORIGIN));
	ck_assert(!ovl_obs_has(&obs, OVL_X_REDIRECT));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("format/kind");
	TCase *t = tcase_create("kind");

	tcase_add_loop_test(t, test_kind_name, 0, OVL_KIND__MAX);
	tcase_add_test(t, test_kind_name_examples);
	tcase_add_test(t, test_kind_obs_has);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
