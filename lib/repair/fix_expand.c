/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expansion of a redirected directory: all that it shows from below is copied into it, it is made
 * opaque, and its redirect goes. It shows the same at every step.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/target.h"
#include "repair/expand.h"
#include "repair/fixes.h"

#include "base/banned.h"

/* Is a directory above it to be expanded as well? Then that is done first, and with it this one. */
static int is_below_another(struct ovl_fixer *fx, struct ovl_loc loc)
{
	const struct ovl_view v = { .stack = fx->stack, .facts = fx->facts };
	int r = 0;

	for (size_t i = 0; r == 0 && i < fx->facts->redirect.len; i++) {
		const struct ovl_fact_redirect *red = &fx->facts->redirect.data[i];

		if (red->source.layer != loc.layer || !loc.path ||
		    !ovl_path_is_below(loc.path->parent, red->source.path))
			continue;
		r = ovl_target_is_claimed(&v, red->source.path, red->target, &red->target_stat);
	}
	return r;
}

static int expand(struct ovl_fixer *fx, struct ovl_loc loc)
{
	struct ovl_obs obs;
	int r;

	if (loc.layer != OVL_LAYER_UPPER)
		return ovl_way_refuse(fx, "in a lower layer it does no harm");
	r = ovl_fixer_observe(fx, loc, &obs);
	if (r < 0)
		return r;
	if (obs.kind != OVL_KIND_DIR || !(obs.xmask & OVL_XBIT(REDIRECT)))
		return ovl_way_refuse(fx, "it is no redirected directory any more");
	if (fx->facts->index_judged &&
	    ovl_map_get(&fx->facts->index_dir, (struct ovl_key){ obs.stat.ino, 0 }))
		return ovl_way_refuse(fx, "the index says that it belongs to the lower directory");
	r = is_below_another(fx, loc);
	if (r != 0)
		return r < 0 ? r :
			       ovl_way_refuse(fx, "a directory above it has to be put right first");
	return ovl_expand_dir(fx, loc);
}

int ovl_fix_redirect_expand(struct ovl_fixer *fx)
{
	return expand(fx, fx->finding->loc);
}

/* For who wants this name to keep the lower directory. */
int ovl_fix_redirect_expand_other(struct ovl_fixer *fx)
{
	_cleanup_free_ char *place = ovl_fixer_place(fx, fx->finding->other);
	int r = place ? ovl_way_say(fx, "let it be so, and copy all that is below into %s instead",
				    place) :
			-ENOMEM;

	return r < 0 ? r : expand(fx, fx->finding->other);
}

/* The whiteout that a rename leaves behind. */
int ovl_fix_redirect_cover(struct ovl_fixer *fx)
{
	const struct ovl_finding *f = fx->finding;
	struct ovl_hit hit = { 0 };
	struct ovl_path *path;
	struct ovl_obs obs;
	bool blocked;
	int r = ovl_fixer_observe(fx, f->other, &obs);

	if (r == 0)
		r = ovl_view_name_uncovered(fx->stack, fx->facts, f->other, &obs.stat, f->loc.path,
					    &path);
	if (r <= 0)
		return r < 0 ? r : ovl_way_refuse(fx, "it is covered now");
	r = ovl_lookup_path(fx->stack, OVL_LAYER_UPPER, path, &hit, NULL);
	blocked = r == 0 && hit.has_upper;
	if (r == 0 && !blocked) {
		ovl_hit_done(&hit);
		r = ovl_lookup_path(fx->stack, OVL_LAYER_UPPER, path->parent, &hit, NULL);
		blocked = r == 0 && path->parent && !hit.has_upper;
	}
	ovl_hit_done(&hit);
	if (r == 0 && !blocked)
		r = ovl_way_whiteout(fx, (struct ovl_loc){ OVL_LAYER_UPPER, path });
	ovl_path_unref(path);
	if (blocked)
		return ovl_way_refuse(fx, "no whiteout can be put at the old name");
	return r < 0 ? r : 1;
}
