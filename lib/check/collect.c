/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts about one object, kept for the checks that compare objects.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/engine.h"
#include "format/redirect.h"

#include "base/banned.h"

static void count(const struct ovl_view *v, struct ovl_counts *c)
{
	const struct ovl_obs *obs = v->obs;

	if (obs->kind == OVL_KIND_WHITEOUT || obs->kind == OVL_KIND_XWHITEOUT)
		c->whiteouts++;
	if (ovl_obs_has(obs, OVL_X_REDIRECT))
		c->redirects++;
	if (v->role == OVL_ROLE_UPPER && obs->kind == OVL_KIND_REG &&
	    ovl_obs_has(obs, OVL_X_METACOPY)) {
		c->metacopy++;
		c->metacopy_bytes += obs->stat.size;
	}
}

/* A directory that is redirected, and where it leads. */
static int collect_redirect(struct ovl_run *run, const struct ovl_view *v)
{
	const struct ovl_hit *hit;
	struct ovl_fact_redirect fact;
	size_t below = v->role == OVL_ROLE_UPPER ? 0 : 1;
	int r;

	if (!(v->obs->xmask & OVL_XBIT(REDIRECT)) || v->obs->kind != OVL_KIND_DIR)
		return 0;
	r = ovl_view_below(v, &hit);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* An opaque mark makes the lookup stop before the redirect counts: nothing below then. */
	if (hit->result < 0 || hit->n_lower <= below)
		return 0;
	fact = (struct ovl_fact_redirect){
		.source = v->loc,
		.source_stat = v->obs->stat,
		.target = { hit->lower[below].layer, hit->lower[below].path },
		.target_stat = hit->lower[below].stat,
		.is_dir = true,
	};
	return ovl_facts_add_redirect(&run->facts, &fact);
}

/* What a directory of the upper must know of its entries, see impure. */
static int collect_for_parent(const struct ovl_view *v)
{
	const struct ovl_hit *hit;
	int r;

	if (ovl_obs_has(v->obs, OVL_X_ORIGIN) ||
	    (v->obs->kind == OVL_KIND_DIR && ovl_obs_has(v->obs, OVL_X_REDIRECT))) {
		v->dir->n_origin++;
		return 0;
	}
	if (v->obs->kind != OVL_KIND_DIR)
		return 0;
	r = ovl_view_below(v, &hit);
	if (r == 0 && hit->result == 0 && hit->n_lower > 0)
		v->dir->n_merged++;
	return r == -ENOENT ? 0 : r;
}

/* Returns 1 if this is the first name of the inode that was seen. */
static int collect_link(struct ovl_run *run, const struct ovl_view *v)
{
	const struct ovl_obs *obs = v->obs;
	struct ovl_fact_link link = { .ino = obs->stat.ino,
				      .nlink = obs->stat.nlink,
				      .path = (struct ovl_path *)v->loc.path,
				      .metacopy = ovl_obs_has(obs, OVL_X_METACOPY) };
	struct ovl_redirect red;

	if (obs->kind == OVL_KIND_WHITEOUT)
		return 1; /* whiteouts share one inode; nobody counts them */
	if (obs->stat.nlink < 2 && !ovl_facts_has_link(&run->facts, obs->stat.ino))
		return 1;
	if ((obs->xmask & OVL_XBIT(REDIRECT)) &&
	    ovl_redirect_parse(obs->x[OVL_X_REDIRECT], &red) == 0)
		link.relative_redirect = !red.absolute;
	return ovl_facts_add_link(&run->facts, &link);
}

/* Is the origin the lower object that lies at the same path? */
static int is_at_home(const struct ovl_view *v, const struct ovl_origin *origin)
{
	const struct ovl_hit *hit;
	int r = ovl_view_beneath(v, &hit);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return hit->n_lower > 0 && hit->lower[0].stat.ino == origin->stat.ino &&
	       hit->lower[0].stat.dev == origin->stat.dev;
}

static int collect_origin(struct ovl_run *run, const struct ovl_view *v, bool first_name)
{
	const struct ovl_origin *origin = ovl_view_origin(v);
	struct ovl_fact_origin claim;
	int home, r = 0;

	if (origin->state != OVL_ORIGIN_FOUND || origin->kind != v->obs->kind)
		return 0;
	home = is_at_home(v, origin);
	if (home < 0)
		return home;
	if (!home || origin->stat.nlink > 1)
		r = ovl_facts_want(&run->facts, origin->stat.ino);
	if (r < 0 || !first_name)
		return r;
	claim = (struct ovl_fact_origin){
		.key = { origin->stat.dev, origin->stat.ino },
		.layer = origin->layer,
		.lower = origin->stat,
		.path = (struct ovl_path *)v->loc.path,
		.ino = v->obs->stat.ino,
		.metacopy = ovl_obs_has(v->obs, OVL_X_METACOPY),
	};
	return ovl_facts_add_origin(&run->facts, &claim, home);
}

int ovl_collect_object(struct ovl_run *run, const struct ovl_view *v, struct ovl_sink *sink)
{
	int r, first;

	count(v, &sink->counts);
	r = collect_redirect(run, v);
	if (r < 0 || v->role != OVL_ROLE_UPPER)
		return r;
	r = collect_for_parent(v);
	if (r < 0 || v->obs->kind == OVL_KIND_DIR)
		return r;
	first = collect_link(run, v);
	if (first < 0)
		return first;
	return collect_origin(run, v, first > 0);
}
