/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of repairs. The rows of a problem stand together.
 */
#include "repair/fixes.h"

#include "base/cleanup.h"
#include "base/banned.h"

static const struct ovl_repair_row rows[] = {
#define REPAIR(PROBLEM, TRUST, FIX, TEXT) \
	{ OVL_P_##PROBLEM, OVL_WAY_##TRUST, ovl_fix_##FIX, TEXT, false, false, 0, NULL },
#define REPAIR_DEEP(PROBLEM, TRUST, FIX, TEXT) \
	{ OVL_P_##PROBLEM, OVL_WAY_##TRUST, ovl_fix_##FIX, TEXT, true, false, 0, NULL },
#define REPAIR_BELOW(PROBLEM, TRUST, FIX, TEXT) \
	{ OVL_P_##PROBLEM, OVL_WAY_##TRUST, ovl_fix_##FIX, TEXT, true, true, 0, NULL },
#define CONVERT_INTO(PROBLEM, PHASE, NEED, FIX, TEXT)                         \
	{ OVL_P_##PROBLEM,   OVL_WAY_PREEN,  ovl_fix_##FIX, TEXT, true, true, \
	  OVL_PHASE_##PHASE, ovl_need_##NEED },
#define CONVERT(PROBLEM, PHASE, FIX, TEXT)                                         \
	{                                                                          \
		OVL_P_##PROBLEM,   OVL_WAY_PREEN, ovl_fix_##FIX, TEXT, true, true, \
		OVL_PHASE_##PHASE, NULL                                            \
	},
#include "repair/repairs.def"
#undef CONVERT
#undef CONVERT_INTO
#undef REPAIR_BELOW
#undef REPAIR_DEEP
#undef REPAIR
};

size_t ovl_repair_rows(enum ovl_problem_id problem, const struct ovl_repair_row **ret)
{
	size_t first = 0, n = 0;

	while (first < ARRAY_LEN(rows) && rows[first].problem != problem)
		first++;
	while (first + n < ARRAY_LEN(rows) && rows[first + n].problem == problem)
		n++;
	*ret = n ? &rows[first] : NULL;
	return n;
}
