/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of repairs. The rows of a problem stand together.
 */
#include "repair/fixes.h"

#include "base/cleanup.h"
#include "base/banned.h"

static const struct ovl_repair_row rows[] = {
#define ROW(PROBLEM, TRUST, FIX, TEXT, ...) \
	{ .problem = OVL_P_##PROBLEM,       \
	  .trust = OVL_WAY_##TRUST,         \
	  .fix = ovl_fix_##FIX,             \
	  .text = (TEXT),                   \
	  __VA_ARGS__ },
#define REPAIR(PROBLEM, TRUST, FIX, TEXT) ROW(PROBLEM, TRUST, FIX, TEXT, .below = false)
#define REPAIR_BELOW(PROBLEM, TRUST, FIX, TEXT) ROW(PROBLEM, TRUST, FIX, TEXT, .below = true)
#define REPAIR_AFTER(PROBLEM, TRUST, FIX, TEXT) ROW(PROBLEM, TRUST, FIX, TEXT, .after = true)
#define CONVERT_ROW(PROBLEM, PHASE, FIX, TEXT, ...) \
	ROW(PROBLEM, PREEN, FIX, TEXT, .below = true, .phase = OVL_PHASE_##PHASE, __VA_ARGS__)
#define CONVERT(PROBLEM, PHASE, FIX, TEXT) CONVERT_ROW(PROBLEM, PHASE, FIX, TEXT, .apart = false)
#define CONVERT_EACH(PROBLEM, PHASE, FIX, TEXT) \
	CONVERT_ROW(PROBLEM, PHASE, FIX, TEXT, .apart = true)
#define CONVERT_INTO(PROBLEM, PHASE, NEED, FIX, TEXT) \
	CONVERT_ROW(PROBLEM, PHASE, FIX, TEXT, .need = ovl_need_##NEED)
#include "repair/repairs.def"
#undef CONVERT_INTO
#undef CONVERT_EACH
#undef CONVERT
#undef CONVERT_ROW
#undef REPAIR_AFTER
#undef REPAIR_BELOW
#undef REPAIR
#undef ROW
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
