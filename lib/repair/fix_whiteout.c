/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whiteouts: taken away where nothing would appear, given the form that is hidden from listings where
 * something would.
 */
#include <errno.h>
#include <sys/stat.h>

#include "repair/fixes.h"

#include "base/banned.h"

static const struct ovl_bytes mark_x = { (const unsigned char *)"x", 1 };

/* Would nothing be shown if it were not there? 1, 0, or why that is unknown. */
static int hides_nothing(struct ovl_fixer *fx)
{
	struct ovl_hit hit;
	int r = ovl_fixer_beneath(fx, fx->finding->loc, &hit);

	if (r < 0)
		return r;
	r = hit.result == -ENOENT;
	ovl_hit_done(&hit);
	return r;
}

static bool is_whiteout(const struct ovl_obs *obs)
{
	return obs->kind == OVL_KIND_WHITEOUT || obs->kind == OVL_KIND_XWHITEOUT;
}

int ovl_fix_whiteout_remove(struct ovl_fixer *fx)
{
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, fx->finding->loc, &obs);

	if (r < 0)
		return r;
	if (!is_whiteout(&obs))
		return ovl_way_refuse(fx, "it is no whiteout any more");
	r = hides_nothing(fx);
	if (r == 0)
		return ovl_way_refuse(fx, "something would appear");
	if (r > 0)
		r = ovl_way_set_aside(fx, fx->finding->loc);
	return r < 0 ? r : 1;
}

/* What is or should be a whiteout of another form. */
int ovl_fix_whiteout_replace(struct ovl_fixer *fx)
{
	const struct ovl_loc loc = fx->finding->loc;
	struct ovl_obs obs;
	int empty, r = ovl_fixer_observe(fx, loc, &obs);

	if (r < 0)
		return r;
	if (!ovl_obs_has(&obs, OVL_X_WHITEOUT))
		return ovl_way_refuse(fx, "it has no xattr whiteout any more");
	empty = hides_nothing(fx);
	r = empty < 0 ? empty : ovl_way_set_aside(fx, loc);
	if (r == 0 && !empty)
		r = ovl_way_whiteout(fx, loc);
	if (r == 0)
		r = ovl_way_say(fx, "%s",
				empty ? "take it away, for it hides nothing" :
					"put a character device in its place");
	return r < 0 ? r : 1;
}

/* What is shown as a file stays one. */
int ovl_fix_whiteout_strip(struct ovl_fixer *fx)
{
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, fx->finding->loc, &obs);

	if (r < 0)
		return r;
	if (is_whiteout(&obs))
		return ovl_way_refuse(fx, "it is a whiteout now");
	r = ovl_way_remove_xattr(fx, fx->finding->loc, OVL_X_WHITEOUT);
	return r < 0 ? r : 1;
}

/* Only where directories are merged does the mark keep xattr whiteouts out of listings. */
int ovl_fix_xwhiteout_mark(struct ovl_fixer *fx)
{
	const struct ovl_loc loc = fx->finding->loc;
	struct ovl_loc dir = { loc.layer, NULL };
	struct ovl_entry *entry = NULL;
	struct ovl_hit hit;
	struct ovl_obs obs;
	bool merged;
	int r;

	if (!loc.path)
		return -ENOENT;
	dir.path = loc.path->parent;
	r = ovl_fixer_observe(fx, dir, &obs);
	if (r < 0)
		return r;
	if (ovl_obs_has(&obs, OVL_X_OPAQUE))
		return ovl_way_refuse(fx, "its directory has another opaque mark");
	r = ovl_lookup_path(fx->stack, dir.layer, dir.path, &hit, &entry);
	if (r < 0)
		return r;
	merged = entry && entry->n_lower > 1;
	ovl_hit_done(&hit);
	ovl_entry_unref(entry);
	if (!merged)
		return ovl_way_refuse(fx, "its directory is not merged with another below");
	r = ovl_way_set_xattr(fx, dir, OVL_X_OPAQUE, mark_x);
	return r < 0 ? r : 1;
}

/* In an upper neither mark counts, and an opaque directory needs none. */
int ovl_fix_xwhiteout_marker(struct ovl_fixer *fx)
{
	const struct ovl_loc loc = fx->finding->loc;
	struct ovl_obs obs;
	bool marked;
	int r = ovl_fixer_observe(fx, loc, &obs);

	if (r < 0)
		return r;
	marked = ovl_obs_has(&obs, OVL_X_OPAQUE);
	if (marked && fx->finding->severity == OVL_SEV_INFO)
		return ovl_way_refuse(fx, "the two marks serve every kernel");
	r = ovl_way_remove_xattr(fx, loc, OVL_X_WHITEOUTS);
	if (r == 0 && !marked && loc.layer > 0)
		r = ovl_way_set_xattr(fx, loc, OVL_X_OPAQUE, mark_x);
	return r < 0 ? r : 1;
}
