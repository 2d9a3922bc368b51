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

/* The value of an xattr with a handle in it, with the flag as it has to be. 1, 0 and refused, <0. */
static int with_flag(struct ovl_fixer *fx, enum ovl_xattr_id id, bool set, struct ovl_obs *obs,
		     struct ovl_buf *ret)
{
	struct ovl_bytes value;
	struct ovl_fh fh;
	int r = ovl_fixer_observe(fx, fx->finding->loc, obs);

	if (r < 0)
		return r;
	value = obs->x[id];
	if (!(obs->xmask & (1u << id)) || ovl_fh_parse(value, &fh) < 0 ||
	    !(fh.flags & OVL_FH_FLAG_PATH_UPPER) != set)
		return ovl_way_refuse(fx, "its handle is another one by now");
	r = ovl_buf_add(ret, value.data, value.len);
	if (r < 0)
		return r;
	ret->data[FLAGS_AT] = (char)(fh.flags ^ OVL_FH_FLAG_PATH_UPPER);
	return 1;
}

static int correct(struct ovl_fixer *fx, enum ovl_xattr_id id, const struct ovl_buf *value)
{
	int r = ovl_way_say(fx, "correct the flag");

	if (r == 0)
		r = ovl_way_set_xattr(fx, fx->finding->loc, id, ovl_buf_bytes(value));
	return r < 0 ? r : 1;
}

/* An entry of the index, or the index itself: its handle has to lead to a directory of the upper. */
static int set_flag(struct ovl_fixer *fx)
{
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	struct ovl_origin upper;
	struct ovl_obs obs;
	int r = with_flag(fx, OVL_X_UPPER, true, &obs, &value);

	if (r <= 0)
		return r;
	ovl_origin_decode(fx->stack, ovl_buf_bytes(&value), OVL_LAYER_UPPER, OVL_LAYER_UPPER, false,
			  &upper);
	if (upper.state != OVL_ORIGIN_FOUND || upper.kind != OVL_KIND_DIR)
		return ovl_way_refuse(fx, "its handle leads to no directory of the upper");
	return correct(fx, OVL_X_UPPER, &value);
}

int ovl_fix_fh_flag(struct ovl_fixer *fx)
{
	const struct ovl_loc loc = fx->finding->loc;
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	struct ovl_obs obs;
	int r;

	if (loc.layer == OVL_LAYER_INDEX)
		return set_flag(fx);
	r = with_flag(fx, OVL_X_ORIGIN, false, &obs, &value);
	if (r <= 0)
		return r;
	if (leads_home(fx, ovl_buf_bytes(&value), &obs.stat))
		return ovl_fix_origin_reset(fx);
	r = ovl_fix_is_known(fx, loc);
	return r > 0 ? correct(fx, OVL_X_ORIGIN, &value) : r;
}
