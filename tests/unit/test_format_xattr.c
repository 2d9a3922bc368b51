/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "overlayfs/xattr.h"
#include "unit/unit.h"

enum { NO_ID = 999 };

static const struct {
	const char *name;
	enum ovl_xattr_class trusted, user; /* by active prefix */
	unsigned id;
} names[] = {
	{ "trusted.overlay.opaque", OVL_XC_KNOWN, OVL_XC_INACTIVE, OVL_X_OPAQUE },
	{ "user.overlay.opaque", OVL_XC_INACTIVE, OVL_XC_KNOWN, OVL_X_OPAQUE },
	{ "trusted.overlay.whiteout", OVL_XC_KNOWN, OVL_XC_INACTIVE, OVL_X_WHITEOUT },
	{ "trusted.overlay.whiteouts", OVL_XC_KNOWN, OVL_XC_INACTIVE, OVL_X_WHITEOUTS },
	{ "trusted.overlay.foo", OVL_XC_UNKNOWN, OVL_XC_FOREIGN, NO_ID },
	{ "trusted.overlay.", OVL_XC_UNKNOWN, OVL_XC_FOREIGN, NO_ID },
	{ "trusted.overlay.opaqu", OVL_XC_UNKNOWN, OVL_XC_FOREIGN, NO_ID },
	{ "trusted.overlay.opaques", OVL_XC_UNKNOWN, OVL_XC_FOREIGN, NO_ID },
	{ "trusted.overlay.OPAQUE", OVL_XC_UNKNOWN, OVL_XC_FOREIGN, NO_ID },
	{ "trusted.overlay.overlay", OVL_XC_UNKNOWN, OVL_XC_FOREIGN, NO_ID },
	{ "trusted.overlay.overlayopaque", OVL_XC_UNKNOWN, OVL_XC_FOREIGN, NO_ID },
	{ "trusted.overlay.overlay.", OVL_XC_ESCAPED, OVL_XC_FOREIGN, NO_ID },
	{ "trusted.overlay.overlay.opaque", OVL_XC_ESCAPED, OVL_XC_FOREIGN, NO_ID },
	{ "trusted.overlay.overlay.overlay.foo", OVL_XC_ESCAPED, OVL_XC_FOREIGN, NO_ID },
	{ "user.overlay.overlay.opaque", OVL_XC_FOREIGN, OVL_XC_ESCAPED, NO_ID },
	{ "user.overlay.foo", OVL_XC_FOREIGN, OVL_XC_UNKNOWN, NO_ID },
	{ "trusted.overlay", OVL_XC_FOREIGN, OVL_XC_FOREIGN, NO_ID },
	{ "trusted.overlayfs.opaque", OVL_XC_FOREIGN, OVL_XC_FOREIGN, NO_ID },
	{ "trusted.opaque", OVL_XC_FOREIGN, OVL_XC_FOREIGN, NO_ID },
	{ "security.overlay.opaque", OVL_XC_FOREIGN, OVL_XC_FOREIGN, NO_ID },
	{ "user.fuseoverlayfs.opaque", OVL_XC_FOREIGN, OVL_XC_FOREIGN, NO_ID },
	{ "Trusted.overlay.opaque", OVL_XC_FOREIGN, OVL_XC_FOREIGN, NO_ID },
	{ "overlay.opaque", OVL_XC_FOREIGN, OVL_XC_FOREIGN, NO_ID },
	{ "", OVL_XC_FOREIGN, OVL_XC_FOREIGN, NO_ID },
};

static void check_class(const char *name, bool userxattr, enum ovl_xattr_class want, unsigned id)
{
	enum ovl_xattr_id got = (enum ovl_xattr_id)NO_ID;

	ck_assert_int_eq(ovl_xattr_classify(name, userxattr, &got), want);
	ck_assert_int_eq(ovl_xattr_classify(name, userxattr, NULL), want);
	if (want == OVL_XC_KNOWN || want == OVL_XC_INACTIVE)
		ck_assert_uint_eq(got, id);
	else
		ck_assert_uint_eq(got, NO_ID);
}

START_TEST(test_xattr_classify)
{
	check_class(names[_i].name, false, names[_i].trusted, names[_i].id);
	check_class(names[_i].name, true, names[_i].user, names[_i].id);
}
END_TEST

START_TEST(test_xattr_names)
{
	enum ovl_xattr_id id = (enum ovl_xattr_id)_i;
	const char *trusted = ovl_xattr_name(id, false), *user = ovl_xattr_name(id, true);

	check_class(trusted, false, OVL_XC_KNOWN, id);
	check_class(trusted, true, OVL_XC_INACTIVE, id);
	check_class(user, true, OVL_XC_KNOWN, id);
	check_class(user, false, OVL_XC_INACTIVE, id);
	ck_assert_str_eq(trusted + strlen("trusted.overlay."), ovl_xattr_short(id));
	ck_assert_str_eq(user + strlen("user.overlay."), ovl_xattr_short(id));
}
END_TEST

START_TEST(test_xattr_name_examples)
{
	ck_assert_str_eq(ovl_xattr_name(OVL_X_OPAQUE, false), "trusted.overlay.opaque");
	ck_assert_str_eq(ovl_xattr_name(OVL_X_METACOPY, true), "user.overlay.metacopy");
	ck_assert_str_eq(ovl_xattr_short(OVL_X_PROTATTR), "protattr");
	ck_assert_uint_le(OVL_X__MAX, 32); /* one bit each in a mask of 32 */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("format/xattr");
	TCase *t = tcase_create("xattr");

	tcase_add_loop_test(t, test_xattr_classify, 0, ARRAY_LEN(names));
	tcase_add_loop_test(t, test_xattr_names, 0, OVL_X__MAX);
	tcase_add_test(t, test_xattr_name_examples);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
