/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/wish.h"
#include "unit/unit.h"

static const struct {
	const char *options;
	struct ovl_wish wish; /* given, no, noauto, nofail, initrd, how, interval */
	int r;
} strings[] = {
	{ NULL, { 0 }, 0 },
	{ "", { 0 }, 0 },
	{ "lowerdir=/a:/b,rw", { 0 }, 0 },
	{ "x-fsck.overlay", { true, false, false, false, false, OVL_WISH_ANY, -1 }, 0 },
	{ "x-fsck.overlay=report", { true, false, false, false, false, OVL_WISH_REPORT, -1 }, 0 },
	{ "a,x-fsck.overlay=preen,b", { true, false, false, false, false, OVL_WISH_PREEN, -1 }, 0 },
	{ "x-fsck.overlay=yes,noauto", { true, false, true, false, false, OVL_WISH_YES, -1 }, 0 },
	{ "x-fsck.overlay=no", { true, true, false, false, false, OVL_WISH_ANY, -1 }, 0 },
	/* the last one counts */
	{ "x-fsck.overlay=no,x-fsck.overlay=yes",
	  { true, false, false, false, false, OVL_WISH_YES, -1 },
	  0 },
	{ "x-fsck.overlay=yes,x-fsck.overlay=no",
	  { true, true, false, false, false, OVL_WISH_ANY, -1 },
	  0 },
	{ "x-fsck.overlay=yes,x-fsck.overlay",
	  { true, false, false, false, false, OVL_WISH_ANY, -1 },
	  0 },
	{ "noauto,auto", { 0 }, 0 },
	{ "auto,noauto", { false, false, true, false, false, OVL_WISH_ANY, -1 }, 0 },
	{ "nofail,x-fsck.overlay", { true, false, false, true, false, OVL_WISH_ANY, -1 }, 0 },
	{ "nofail,fail", { 0 }, 0 },
	{ "nofailx,xnofail,nofail=yes", { 0 }, 0 },
	/* other words that look like it */
	{ "x-fsck.overlays=yes,xx-fsck.overlay=yes,noautox,X-FSCK.OVERLAY=yes", { 0 }, 0 },
	{ "lowerdir=/a\\,x-fsck.overlay=yes", { 0 }, 0 }, /* a directory with a comma */
	{ "lowerdir=/a\\\\,x-fsck.overlay=yes",
	  { true, false, false, false, false, OVL_WISH_YES, -1 },
	  0 },
	{ "context=\"a,x-fsck.overlay=yes\"", { 0 }, 0 },
	{ "x-fsck.overlay,context=\"a", { true, false, false, false, false, OVL_WISH_ANY, -1 }, 0 },
	/* values that nobody knows */
	{ "x-fsck.overlay=", { true, false, false, false, false, OVL_WISH_ANY, -1 }, -EINVAL },
	{ "x-fsck.overlay=maybe", { true, false, false, false, false, OVL_WISH_ANY, -1 }, -EINVAL },
	{ "x-fsck.overlay=Yes", { true, false, false, false, false, OVL_WISH_ANY, -1 }, -EINVAL },
	{ "x-fsck.overlay=yes\\,", { true, false, false, false, false, OVL_WISH_ANY, -1 }, -EINVAL },
};

START_TEST(test_wish_parse)
{
	/* exactly as long as the string: a look behind its end is seen by the sanitizers */
	_cleanup_free_ char *copy = strings[_i].options ? strdup(strings[_i].options) : NULL;
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_wish w;

	ck_assert_int_eq(ovl_wish_parse(copy, &w, &e), strings[_i].r);
	ck_assert_int_eq(w.given, strings[_i].wish.given);
	ck_assert_int_eq(w.no, strings[_i].wish.no);
	ck_assert_int_eq(w.noauto, strings[_i].wish.noauto);
	ck_assert_int_eq(w.nofail, strings[_i].wish.nofail);
	ck_assert_int_eq(w.how, strings[_i].wish.how);
	if (strings[_i].r < 0)
		ck_assert_ptr_nonnull(strstr(e.text, "no, report, preen, yes"));
	ovl_error_done(&e);
}
END_TEST

static const struct {
	const char *options;
	int interval, r;
} intervals[] = {
	{ "x-fsck.overlay", -1, 0 },
	{ "x-fsck.overlay.interval=7", 7, 0 },
	{ "x-fsck.overlay.interval=0,lowerdir=/a", 0, 0 },
	{ "x-fsck.overlay.interval=7,x-fsck.overlay=yes,x-fsck.overlay.interval=036500", 36500, 0 },
	{ "x-fsck.overlay.intervals=7,x-fsck.overlay.interval", -1, 0 },
	{ "x-fsck.overlay.interval=", -1, -EINVAL },
	{ "x-fsck.overlay.interval=36501", -1, -EINVAL },
	{ "x-fsck.overlay.interval=99999999999999999999", -1, -EINVAL },
	{ "x-fsck.overlay.interval=-1", -1, -EINVAL },
	{ "x-fsck.overlay.interval=7d", -1, -EINVAL },
};

START_TEST(test_wish_interval)
{
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_wish w;

	ck_assert_int_eq(ovl_wish_parse(intervals[_i].options, &w, &e), intervals[_i].r);
	ck_assert_int_eq(w.interval, intervals[_i].interval);
	ck_assert_int_eq(w.given, _i == 0 || _i == 3); /* it does not ask for a check */
	if (intervals[_i].r < 0)
		ck_assert_ptr_nonnull(strstr(e.text, "a number of days"));
	ovl_error_done(&e);
}
END_TEST

START_TEST(test_wish_refused)
{
	struct ovl_error e = OVL_ERROR_INIT;
	char options[1024] = "x-fsck.overlay=\033[2J";
	struct ovl_wish w;

	ck_assert_int_eq(ovl_wish_parse(options, &w, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "\\033[2J"));
	ovl_error_done(&e);
	memset(options + strlen("x-fsck.overlay="), 'a', 1000);
	ck_assert_int_eq(ovl_wish_parse(options, &w, &e), -EINVAL);
	ck_assert_uint_lt(strlen(e.text), 300);
	ovl_error_done(&e);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("format/wish");
	TCase *t = tcase_create("wish");

	tcase_add_loop_test(t, test_wish_parse, 0, (int)ARRAY_LEN(strings));
	tcase_add_loop_test(t, test_wish_interval, 0, (int)ARRAY_LEN(intervals));
	tcase_add_test(t, test_wish_refused);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
