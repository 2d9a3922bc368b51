/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The planners, made known from repairs.def: a row without its planner does not link, and a planner
 * without a row does not compile.
 */
#ifndef OVL_REPAIR_FIXES_H
#define OVL_REPAIR_FIXES_H

#include "repair/plan.h"

/** ovl_fix_set_aside - for any problem: the object of the finding is moved into saved/ */
int ovl_fix_set_aside(struct ovl_fixer *fx);

#define REPAIR(PROBLEM, TRUST, FIX, TEXT) int ovl_fix_##FIX(struct ovl_fixer *fx);
#define REPAIR_BELOW REPAIR
#define REPAIR_AFTER REPAIR
#define CONVERT REPAIR
#define CONVERT_EACH REPAIR
#define CONVERT_INTO(PROBLEM, PHASE, NEED, FIX, TEXT) \
	int ovl_fix_##FIX(struct ovl_fixer *fx);      \
	int ovl_need_##NEED(struct ovl_fixer *fx, struct ovl_parents *parents);
#include "repair/repairs.def"
#undef CONVERT_INTO
#undef CONVERT_EACH
#undef CONVERT
#undef REPAIR_AFTER
#undef REPAIR_BELOW
#undef REPAIR

#endif
