/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The check functions, one for each row of problems.def: a row without its function does not link,
 * and a function without a row does not compile.
 *
 * A check looks at its view and adds findings to the sink. It may add findings of another row too
 * where one look tells both. What it cannot read it leaves to the finding "unreadable": it never
 * takes it for absent. Safe to call from any thread. Returns 0, or -ENOMEM.
 *
 * Rows that the engine itself reports have no function; see PROBLEM_BY_ENGINE in problems.def.
 */
#ifndef OVL_CHECK_RULES_H
#define OVL_CHECK_RULES_H

#include "overlayfs/problem.h"

#define PROBLEM(ID, NAME, SLUG, ...) \
	int ovl_check_##SLUG(const struct ovl_view *view, struct ovl_sink *sink);
#define PROBLEM_BY_ENGINE(ID, NAME, SLUG, ...)
#include "overlayfs/problems.def"
#undef PROBLEM

#endif
