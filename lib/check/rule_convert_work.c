/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What old targets of a conversion cannot remove from the work directory.
 */
#include "check/view.h"
#include "format/feature.h"

#include "base/banned.h"

enum { IN_WORK = 2 }; /* as the depth of the view counts */

/*
 * Other leftovers have a finding on every kernel. Kernel: ovl_workdir_cleanup() came with 4.8, before
 * that ovl_workdir_create() removed an empty directory only.
 */
int ovl_check_convert_work(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (!ovl_kernel_before(v->profile->kernel, 4, 8) || !v->stack->has_upper ||
	    v->depth != IN_WORK || v->name[0] != '#' || v->obs->kind != OVL_KIND_WHITEOUT ||
	    ovl_users_live(&v->facts->users))
		return 0;
	return ovl_sink_add(sink, OVL_P_CONVERT_WORK, v->loc, "", "");
}
