/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conversion: from user.overlay.* to trusted.overlay.*. See rule_convert_user.c.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "repair/fixes.h"

#include "base/banned.h"

enum { OLD = true, NEW = false }; /* userxattr or not */

static int copy_one(struct ovl_fixer *fx, enum ovl_xattr_id id)
{
	_cleanup_(ovl_buf_done) struct ovl_buf copy = { 0 };
	const struct ovl_loc loc = fx->finding->loc;
	struct ovl_bytes value;
	struct ovl_obs obs;
	int r = ovl_fixer_observe_as(fx, loc, OLD, &obs);

	if (r < 0)
		return r;
	if (obs.xbad & (1u << id))
		return obs.xerr;
	if (!(obs.xmask & (1u << id)))
		return ovl_way_xattr_as(fx, loc, id, NEW, NULL);
	r = ovl_buf_add(&copy, obs.x[id].data, obs.x[id].len);
	if (r < 0)
		return r;
	value = ovl_buf_bytes(&copy);
	return ovl_way_xattr_as(fx, loc, id, NEW, &value);
}

int ovl_fix_convert_userxattr(struct ovl_fixer *fx)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < OVL_X__MAX; i++)
		r = copy_one(fx, (enum ovl_xattr_id)i);
	return r < 0 ? r : 1;
}

static int remove_old(struct ovl_fixer *fx)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < OVL_X__MAX; i++)
		r = ovl_way_xattr_as(fx, fx->finding->loc, (enum ovl_xattr_id)i, OLD, NULL);
	return r < 0 ? r : 1;
}

/* Is there a directory that would not be read as before with the new names? 1, 0 or negative errno. */
static int is_early(struct ovl_fixer *fx)
{
	size_t n = fx->report ? ovl_report_len(fx->report) : 0;
	struct ovl_obs obs;

	for (size_t i = 0; i < n; i++) {
		const struct ovl_finding f = ovl_report_get(fx->report, i);
		int r;

		if (f.problem != OVL_P_CONVERT_USERXATTR)
			continue;
		r = ovl_fixer_observe(fx, f.loc, &obs);
		if (r < 0 || obs.kind == OVL_KIND_DIR)
			return r < 0 ? r : 1;
	}
	return 0;
}

int ovl_fix_convert_userxattr_root(struct ovl_fixer *fx)
{
	int r = is_early(fx);

	if (r != 0)
		return r < 0 ? r : ovl_way_refuse(fx, "other directories are left");
	r = ovl_fix_convert_userxattr(fx);
	return r < 0 ? r : remove_old(fx);
}

/* Do the old names still count? 1, 0 or negative errno. */
static int do_old_count(struct ovl_fixer *fx)
{
	const struct ovl_loc root = { OVL_LAYER_UPPER, NULL };
	struct ovl_obs obs;
	int r = fx->stack->has_upper ? ovl_fixer_observe_as(fx, root, OLD, &obs) : -ENOENT;

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return (obs.xmask | obs.xbad) != 0;
}

/* Is each of the old names there as a new one, with the same value? */
static int is_copied(struct ovl_fixer *fx)
{
	struct ovl_obs obs;
	unsigned old;
	int r = ovl_fixer_observe_as(fx, fx->finding->loc, OLD, &obs);

	if (r < 0)
		return r;
	old = obs.xmask | obs.xbad;
	r = ovl_fixer_observe_as(fx, fx->finding->loc, NEW, &obs);
	return r < 0 ? r : (old & ~obs.xmask) == 0;
}

int ovl_fix_convert_userxattr_old(struct ovl_fixer *fx)
{
	int r = do_old_count(fx);

	if (r != 0)
		return r < 0 ? r :
			       ovl_way_refuse(fx, "the upper directory is still read with them");
	r = is_copied(fx);
	if (r <= 0)
		return r < 0 ? r : ovl_way_refuse(fx, "they are not there as trusted.overlay.*");
	return remove_old(fx);
}
