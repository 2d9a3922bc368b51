/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Redirects one by one: written anew where the origin still leads to the lower object, else taken away
 * from directories, which must not merge with another one then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/view.h"
#include "format/redirect.h"
#include "format/value.h"
#include "repair/fixes.h"

#include "base/banned.h"

static const struct ovl_bytes mark_y = { (const unsigned char *)"y", 1 };

static int blocked_above(struct ovl_fixer *fx)
{
	return ovl_way_refuse(fx, "a directory above it has to be put right first");
}

/* The real object that a hit of @loc stands on; NULL: on nothing, or the lookup fails. */
static const struct ovl_found *stands_on(struct ovl_loc loc, const struct ovl_hit *hit)
{
	size_t below = loc.layer == OVL_LAYER_UPPER ? 0 : 1;

	return hit->result == 0 && hit->n_lower > below ? &hit->lower[below] : NULL;
}

/* With this redirect, what would the object of the finding stand on? 1 if on @wanted, 0 if not. */
static int leads_to(struct ovl_fixer *fx, struct ovl_loc loc, const struct ovl_bytes *value,
		    const struct ovl_stat *wanted)
{
	const struct ovl_found *found;
	struct ovl_hit hit;
	int r = ovl_fixer_if(fx, loc, OVL_X_REDIRECT, value, &hit);

	if (r < 0)
		return r;
	found = stands_on(loc, &hit);
	r = found && found->stat.ino == wanted->ino && found->stat.dev == wanted->dev;
	ovl_hit_done(&hit);
	return r;
}

/* Is a lower directory shown already, under whatever name? Two names of one collide. */
static int is_shown(struct ovl_fixer *fx, struct ovl_loc lower, const struct ovl_stat *stat)
{
	struct ovl_path *path;
	struct ovl_hit hit;
	int r = ovl_view_name_shown(fx->stack, fx->facts, lower, stat, &hit, &path);

	if (r > 0) {
		ovl_hit_done(&hit);
		ovl_path_unref(path);
	}
	return r;
}

/* Does its redirect lead to something? 1, 0, or negative errno. */
static int leads(struct ovl_fixer *fx, struct ovl_loc loc)
{
	struct ovl_hit hit;
	int r = ovl_fixer_shows(fx, loc, &hit);

	if (r < 0)
		return r;
	r = stands_on(loc, &hit) != NULL;
	ovl_hit_done(&hit);
	return r;
}

/* Emits the redirect to a lower object if lookup would find it: 1, else 0. */
static int try_target(struct ovl_fixer *fx, struct ovl_loc loc, struct ovl_loc lower,
		      const struct ovl_stat *stat)
{
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	_cleanup_free_ char *place = NULL;
	struct ovl_bytes bytes;
	int r = ovl_path_add(&value, lower.path);

	bytes = ovl_buf_bytes(&value);
	if (r == 0)
		r = leads_to(fx, loc, &bytes, stat);
	if (r <= 0)
		return r;
	place = ovl_fixer_place(fx, lower);
	r = place ? ovl_way_say(fx, "redirect it to %s", place) : -ENOMEM;
	if (r == 0)
		r = ovl_way_set_xattr(fx, loc, OVL_X_REDIRECT, bytes);
	return r < 0 ? r : 1;
}

/* The inode that the object was copied up from: 1, 0 if that is not known. */
static int decode(struct ovl_fixer *fx, struct ovl_loc loc, enum ovl_kind kind,
		  struct ovl_stat *ret)
{
	struct ovl_origin origin;
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, loc, &obs);

	if (r < 0)
		return r;
	if (obs.kind != kind || !(obs.xmask & OVL_XBIT(ORIGIN)))
		return 0;
	ovl_origin_decode(fx->stack, obs.x[OVL_X_ORIGIN], loc.layer + 1, (int)fx->stack->n_lower,
			  false, &origin);
	if (origin.state != OVL_ORIGIN_FOUND || origin.kind != kind ||
	    (origin.fh.flags & OVL_FH_FLAG_PATH_UPPER))
		return 0;
	*ret = origin.stat;
	return 1;
}

/* Tries each name of the origin. */
static int try_origin(struct ovl_fixer *fx, struct ovl_loc loc, enum ovl_kind kind)
{
	const struct ovl_fact_name *name;
	struct ovl_stat stat;
	int r = decode(fx, loc, kind, &stat), shown = 0;
	size_t n;

	if (r < 0)
		return r;
	if (r == 0)
		return ovl_way_refuse(fx, "its origin leads to no lower object");
	n = ovl_facts_names(fx->facts, stat.dev, stat.ino, &name);
	for (size_t i = 0; i < n; i++) {
		r = kind == OVL_KIND_DIR ? is_shown(fx, name[i].loc, &name[i].stat) : 0;
		if (r < 0)
			return r;
		shown |= r;
		r = r ? 0 : try_target(fx, loc, name[i].loc, &name[i].stat);
		if (r != 0)
			return r;
	}
	return ovl_way_refuse(fx, shown ? "the lower directory is visible under another name" :
					  "no redirect leads to where its origin is");
}

/* A redirect is shared by all names of a file. */
static int knows_names(struct ovl_fixer *fx, struct ovl_loc loc, const struct ovl_obs *obs)
{
	if (obs->kind == OVL_KIND_DIR || obs->stat.nlink == 1)
		return 1;
	return loc.layer == OVL_LAYER_UPPER ? ovl_fixer_names(fx, loc) : 0;
}

int ovl_fix_redirect_recover(struct ovl_fixer *fx)
{
	const struct ovl_loc loc = fx->finding->loc;
	enum ovl_kind kind;
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, loc, &obs);

	if (r < 0)
		return r;
	if (!(obs.xmask & OVL_XBIT(REDIRECT)))
		return ovl_way_refuse(fx, "it has no redirect any more");
	kind = obs.kind;
	r = knows_names(fx, loc, &obs);
	if (r <= 0)
		return r < 0 ? r : ovl_way_refuse(fx, "it has names outside of the layer");
	r = leads(fx, loc);
	if (r < 0)
		return r == -ENOENT ? blocked_above(fx) : r;
	return r ? ovl_way_refuse(fx, "it leads somewhere now") : try_origin(fx, loc, kind);
}

/* Without a redirect the directory would be merged with those of its own name: opaque first. */
static int strip(struct ovl_fixer *fx, struct ovl_loc loc)
{
	struct ovl_hit hit;
	bool merges;
	int r = ovl_fixer_if(fx, loc, OVL_X_REDIRECT, NULL, &hit);

	if (r < 0)
		return r == -ENOENT ? blocked_above(fx) : r;
	/* After an error, too, nobody can say that nothing would be merged in. */
	merges = hit.result < 0 || stands_on(loc, &hit);
	ovl_hit_done(&hit);
	r = merges ? ovl_way_set_xattr(fx, loc, OVL_X_OPAQUE, mark_y) : 0;
	if (r == 0)
		r = ovl_way_say(fx, merges ? "make it opaque and take the redirect away" :
					     "take the redirect away");
	if (r == 0)
		r = ovl_way_remove_xattr(fx, loc, OVL_X_REDIRECT);
	return r < 0 ? r : 1;
}

static int strip_bad(struct ovl_fixer *fx)
{
	const struct ovl_loc loc = fx->finding->loc;
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, loc, &obs);

	if (r < 0)
		return r;
	if (obs.kind != OVL_KIND_DIR)
		return ovl_way_refuse(fx, "without its redirect the file would have no data");
	if (!(obs.xmask & OVL_XBIT(REDIRECT)))
		return ovl_way_refuse(fx, "it has no redirect any more");
	r = leads(fx, loc);
	if (r < 0)
		return r == -ENOENT ? blocked_above(fx) : r;
	return r ? ovl_way_refuse(fx, "it leads somewhere now") : strip(fx, loc);
}

int ovl_fix_redirect_strip_any(struct ovl_fixer *fx)
{
	return strip_bad(fx);
}

/* Its lower half is there, but in none of these lowers: more likely than not, lowerdir is wrong. */
static int is_elsewhere(struct ovl_fixer *fx, struct ovl_loc loc)
{
	const struct ovl_fact_name *name;
	struct ovl_origin origin;
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, loc, &obs);

	if (r < 0 || !(obs.xmask & OVL_XBIT(ORIGIN)))
		return r;
	ovl_origin_decode(fx->stack, obs.x[OVL_X_ORIGIN], 1, (int)fx->stack->n_lower, false,
			  &origin);
	switch (origin.state) {
	case OVL_ORIGIN_FOUND:
		return fx->facts->missed_names ||
		       ovl_facts_names(fx->facts, origin.stat.dev, origin.stat.ino, &name) == 0;
	case OVL_ORIGIN_NO_LAYER:
	case OVL_ORIGIN_UNKNOWN:
		return 1;
	case OVL_ORIGIN_NONE:
	case OVL_ORIGIN_EMPTY:
	case OVL_ORIGIN_MALFORMED:
	case OVL_ORIGIN_FOREIGN:
	case OVL_ORIGIN_STALE:
	default:
		return 0;
	}
}

int ovl_fix_redirect_strip(struct ovl_fixer *fx)
{
	int r;

	if (fx->finding->loc.layer != OVL_LAYER_UPPER)
		return ovl_way_refuse(fx, "a lower layer may stand upon others elsewhere");
	r = is_elsewhere(fx, fx->finding->loc);
	if (r > 0)
		return ovl_way_refuse(
			fx, "it was copied up from none of these lowers: look at lowerdir first");
	return r < 0 ? r : strip_bad(fx);
}

/*
 * A directory that the kernel copied up had a lower half: it may only be that lowerdir is wrong. And a
 * lower layer may stand upon others elsewhere.
 */
int ovl_fix_redirect_strip_bare(struct ovl_fixer *fx)
{
	struct ovl_obs obs;
	int r;

	if (fx->finding->loc.layer != OVL_LAYER_UPPER)
		return ovl_way_refuse(fx,
				      "more than -p repairs in a lower layer needs -E lower=rw");
	r = ovl_fixer_observe(fx, fx->finding->loc, &obs);
	if (r < 0)
		return r;
	if (ovl_obs_has(&obs, OVL_X_ORIGIN))
		return ovl_way_refuse(fx,
				      "it was copied up: look at lowerdir first, or run with -y");
	return strip_bad(fx);
}

int ovl_fix_redirect_cut(struct ovl_fixer *fx)
{
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	struct ovl_redirect red;
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, fx->finding->loc, &obs);

	if (r < 0)
		return r;
	if (!(obs.xmask & OVL_XBIT(REDIRECT)) ||
	    ovl_redirect_parse(obs.x[OVL_X_REDIRECT], &red) < 0 || red.flaws != OVL_REDIRECT_NUL)
		return ovl_way_refuse(fx, "the redirect has changed");
	r = ovl_buf_add(&value, red.path.data, red.path.len);
	if (r == 0)
		r = ovl_way_set_xattr(fx, fx->finding->loc, OVL_X_REDIRECT, ovl_buf_bytes(&value));
	return r < 0 ? r : 1;
}

int ovl_fix_redirect_opaque(struct ovl_fixer *fx)
{
	enum ovl_opaque opaque = OVL_OPAQUE_NO;
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, fx->finding->loc, &obs);

	if (r < 0)
		return r;
	if (obs.xmask & OVL_XBIT(OPAQUE))
		ovl_value_opaque(obs.x[OVL_X_OPAQUE], &opaque);
	if (obs.kind != OVL_KIND_DIR || opaque != OVL_OPAQUE_YES)
		return ovl_way_refuse(fx, "it is not opaque any more");
	r = ovl_way_remove_xattr(fx, fx->finding->loc, OVL_X_REDIRECT);
	return r < 0 ? r : 1;
}

/* The lower file under a name that has its data; 1, or 0. */
static int head_of(struct ovl_fixer *fx, struct ovl_loc loc, struct ovl_found *ret)
{
	const struct ovl_found *found;
	struct ovl_hit hit;
	int r = ovl_lookup_path(fx->stack, loc.layer, loc.path, &hit, NULL);

	if (r < 0)
		return r;
	found = stands_on(loc, &hit);
	if (found) {
		*ret = *found;
		ret->path = ovl_path_ref(found->path);
	}
	ovl_hit_done(&hit);
	return found != NULL;
}

int ovl_fix_redirect_absolute(struct ovl_fixer *fx)
{
	const struct ovl_finding *f = fx->finding;
	const struct ovl_fact_link *link;
	struct ovl_found head;
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, f->loc, &obs);

	if (r < 0)
		return r;
	link = ovl_facts_find_link(fx->facts, obs.stat.ino);
	if (!link || !(obs.xmask & OVL_XBIT(REDIRECT)) || obs.x[OVL_X_REDIRECT].len == 0 ||
	    obs.x[OVL_X_REDIRECT].data[0] == '/')
		return ovl_way_refuse(fx, "it has changed");
	r = knows_names(fx, f->loc, &obs);
	if (r <= 0)
		return r < 0 ? r : ovl_way_refuse(fx, "it has names outside of the layer");
	r = try_origin(fx, f->loc, OVL_KIND_REG);
	if (r != 0 || link->heads_differ || f->other.layer != OVL_LAYER_UPPER)
		return r;
	/* Without origin: all names that lead anywhere lead to one file. */
	r = head_of(fx, f->other, &head);
	if (r <= 0)
		return r;
	r = try_target(fx, f->loc, (struct ovl_loc){ head.layer, head.path }, &head.stat);
	ovl_found_done(&head);
	return r;
}
