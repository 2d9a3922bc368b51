/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planners that several problems share.
 */
#include "repair/fixes.h"

#include "base/banned.h"

int ovl_fix_set_aside(struct ovl_fixer *fx)
{
	int r = ovl_way_set_aside(fx, fx->finding->loc);

	return r < 0 ? r : 1;
}
