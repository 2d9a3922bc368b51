/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/unit.h"

#include "../../fsck/all.c"

/* What all.c calls; these tests never get there. */
int ovl_examine(struct ovl_reporting *r, struct ovl_source *source)
{
	(void)r;
	(void)source;
	return OVL_EXIT_ERROR;
}

int ovl_reporter_fail(struct ovl_reporting *r, int error, const struct ovl_error *e)
{
	(void)r;
	(void)error;
	(void)e;
	return OVL_EXIT_ERROR;
}

int ovl_reporter_skip(struct ovl_reporting *r, const char *why)
{
	(void)r;
	(void)why;
	return OVL_EXIT_CLEAN;
}

int ovl_exitcode_join(int a, int b)
{
	return a | b;
}

bool ovl_signals_cancelled(void)
{
	return false;
}

void ovl_message_error(const char *fmt, ...)
{
	(void)fmt;
}

enum { ASK = 0, N = OVL_MODE_CHECK, P = OVL_MODE_PREEN, Y = OVL_MODE_YES };

/* The more careful of what the command line says and what the overlay says. */
START_TEST(test_all_modes)
{
	static const struct {
		unsigned given;
		unsigned any, report, preen, yes; /* by what the overlay says */
	} rows[] = {
		{ ASK, ASK, N, P, Y },
		{ N, N, N, N, N },
		{ P, P, N, P, P },
		{ Y, Y, N, P, Y },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_uint_eq(ovl_all_modes(rows[i].given, OVL_WISH_ANY), rows[i].any);
		ck_assert_uint_eq(ovl_all_modes(rows[i].given, OVL_WISH_REPORT), rows[i].report);
		ck_assert_uint_eq(ovl_all_modes(rows[i].given, OVL_WISH_PREEN), rows[i].preen);
		ck_assert_uint_eq(ovl_all_modes(rows[i].given, OVL_WISH_YES), rows[i].yes);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fsck/all");
	TCase *t = tcase_create("all");

	tcase_add_test(t, test_all_modes);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
