/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planners for file handles in xattr origin.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "overlayfs/fh.h"
#include "repair/fix_origin.h"
#include "repair/fixes.h"

#include "base/banned.h"

enum { FLAGS_AT = 3 }; /* offset in the blob */

int ovl_fix_fh_reset(struct ovl_fixer *fx)
{
	return ovl_fix_origin_reset(fx);
}

/* Is it the handle of the upper object itself, as an index entry has it? No lower is its origin then. */
static bool leads_home(struct ovl_fixer *fx, struct ovl_bytes value, const struct ovl_stat *st)
{
	struct ovl_origin origin;

	ovl_origin_decode(fx->stack, value, OVL_LAYER_UPPER, OVL_LAYER_UPPER, false, &origin);
	return origin.state == OVL_ORIGIN_FOUND && origin.stat.dev == st->dev &&
	       origin.stat.ino == st->ino;
}

int ovl_fix_fh_flag(struct ovl_fixer *fx)
{
	const struct ovl_loc loc = fx->finding->loc;
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	struct ovl_obs obs;
	struct ovl_fh fh;
	int r = ovl_fixer_observe(fx, loc, &obs);

	if (r < 0)
		return r;
	if (!(obs.xmask & OVL_XBIT(ORIGIN)) || ovl_fh_parse(obs.x[OVL_X_ORIGIN], &fh) < 0 ||
	    !(fh.flags & OVL_FH_FLAG_PATH_UPPER))
		return ovl_way_refuse(fx, "its origin is another one by now");
	r = ovl_buf_add(&value, obs.x[OVL_X_ORIGIN].data, obs.x[OVL_X_ORIGIN].len);
	if (r < 0)
		return r;
	value.data[FLAGS_AT] = (char)(fh.flags & ~OVL_FH_FLAG_PATH_UPPER);
	if (leads_home(fx, ovl_buf_bytes(&value), &obs.stat))
		return ovl_fix_origin_reset(fx);
	r = ovl_fix_is_known(fx, loc);
	if (r <= 0)
		return r;
	r = ovl_way_say(fx, "correct the flag");
	if (r == 0)
		r = ovl_way_set_xattr(fx, loc, OVL_X_ORIGIN, ovl_buf_bytes(&value));
	return r < 0 ? r : 1;
}
