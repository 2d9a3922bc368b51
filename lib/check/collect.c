/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts about one object, kept for the checks that compare objects.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

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
		.has_origin = ovl_obs_has(v->obs, OVL_X_ORIGIN),
	};
	return ovl_facts_add_redirect(&run->facts, &fact);
}

/* The origin leads to an inode that the kernel takes for the one the object was copied up from. */
static bool has_true_origin(const struct ovl_view *v)
{
	const struct ovl_origin *origin = ovl_view_origin(v);

	if (v->obs->kind == OVL_KIND_WHITEOUT || v->obs->kind == OVL_KIND_XWHITEOUT)
		return false;
	return origin->state == OVL_ORIGIN_FOUND &&
	       (origin->stat.mode & S_IFMT) == (v->obs->stat.mode & S_IFMT) &&
	       !(origin->fh.flags & OVL_FH_FLAG_PATH_UPPER) && !ovl_view_index_differs(v);
}

/*
 * Was nfs_export ever on? Then objects without an entry in the index do not have the inode number of
 * their origin: when they come to a directory it is not marked impure, and when it is listed the
 * kernel takes the mark away. Nothing tells afterwards; but there was an index.
 */
static bool had_nfs_export(const struct ovl_stack *stack)
{
	return stack->config.nfs_export == OVL_ON || stack->index.root.fd >= 0;
}

/*
 * Does the inode number that a file has in the overlay come from its origin, for sure? Not if its lower
 * file has several names and there was no index at times.
 */
static bool has_lower_number(struct ovl_run *run, const struct ovl_view *v)
{
	if (!has_true_origin(v) || ovl_view_origin(v)->stat.nlink > 1)
		return false;
	return !had_nfs_export(run->stack) || ovl_facts_has_index(&run->facts, v->obs->stat.ino);
}

/* What a directory of the upper must know of its entries, see impure. */
static int collect_for_parent(struct ovl_run *run, const struct ovl_view *v)
{
	bool marked = ovl_obs_has(v->obs, OVL_X_ORIGIN);
	bool redirected = ovl_obs_has(v->obs, OVL_X_REDIRECT);
	const struct ovl_hit *hit;
	int r;

	if (v->obs->kind != OVL_KIND_DIR) {
		/* A file with a sound origin is counted when it is known whether that is at home. */
		marked |= ovl_obs_has(v->obs, OVL_X_METACOPY);
		v->dir->n_unsure += marked && !has_lower_number(run, v);
		return 0;
	}
	r = ovl_view_below(v, &hit);
	if (r == -ENOENT)
		v->dir->n_unsure++; /* no lookup comes here: it may well be merged */
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	marked |= redirected && !hit->opaque;
	if (hit->result < 0 || hit->n_lower == 0 || (marked && had_nfs_export(run->stack)))
		v->dir->n_unsure += marked;
	else if (redirected)
		v->dir->n_moved++;
	else if (marked)
		v->dir->n_origin++;
	else
		v->dir->n_merged++;
	return 0;
}

/* Where this name of a metacopy file with a relative redirect leads. */
static int follow_relative(const struct ovl_view *v, struct ovl_fact_link *link)
{
	const struct ovl_hit *hit;
	int r = ovl_view_below(v, &hit);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (hit->result == -EIO && hit->why == OVL_WHY_NO_LOWERDATA)
		link->lost = link->path;
	else if (hit->result == 0 && hit->n_lower > 0)
		link->head = (struct ovl_key){ hit->lower[0].stat.dev, hit->lower[0].stat.ino };
	return 0;
}

/* Returns 1 if this is the first name of the inode that was seen. */
static int collect_link(struct ovl_run *run, const struct ovl_view *v)
{
	int r = 0;
	const struct ovl_obs *obs = v->obs;
	struct ovl_fact_link link = { .ino = obs->stat.ino,
				      .nlink = obs->stat.nlink,
				      .path = (struct ovl_path *)v->loc.path,
				      .metacopy = ovl_obs_has(obs, OVL_X_METACOPY),
				      .marked = (obs->xmask | obs->xbad) != 0 };
	struct ovl_redirect red;

	if (obs->kind == OVL_KIND_WHITEOUT)
		return 1; /* whiteouts share one inode; nobody counts them */
	if (obs->stat.nlink < 2 && !ovl_facts_has_link(&run->facts, obs->stat.ino))
		return 1;
	if ((obs->xmask & OVL_XBIT(REDIRECT)) &&
	    ovl_redirect_parse(obs->x[OVL_X_REDIRECT], &red) == 0)
		link.relative_redirect = !red.absolute;
	if (link.metacopy && link.relative_redirect)
		r = follow_relative(v, &link);
	return r < 0 ? r : ovl_facts_add_link(&run->facts, &link);
}

/*
 * Is the origin where it should be: for a directory, the topmost one that it is merged with; for all
 * else the lower object at its path? A directory that is not merged has no home, and needs none: -1.
 */
static int is_at_home(const struct ovl_view *v, const struct ovl_origin *origin, int *ret)
{
	bool is_dir = v->obs->kind == OVL_KIND_DIR;
	const struct ovl_hit *hit;
	int r = is_dir ? ovl_view_below(v, &hit) : ovl_view_beneath(v, &hit);

	*ret = is_dir ? -1 : 0;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (hit->n_lower > 0 && (!is_dir || hit->result == 0))
		*ret = hit->lower[0].stat.ino == origin->stat.ino &&
		       hit->lower[0].stat.dev == origin->stat.dev;
	return 0;
}

/*
 * Has the directory no origin? One that is empty is that of a directory that was copied up from where there
 * are no handles, and then the index cannot name it.
 */
static bool lacks_origin(const struct ovl_run *run, const struct ovl_view *v)
{
	if (!ovl_obs_has(v->obs, OVL_X_ORIGIN))
		return true;
	return (v->obs->xmask & OVL_XBIT(ORIGIN)) && v->obs->x[OVL_X_ORIGIN].len == 0 &&
	       run->facts.index_judged &&
	       ovl_map_get(&run->facts.index_dir, (struct ovl_key){ v->obs->stat.ino, 0 });
}

/*
 * A merged directory without origin beside others that were copied up: it had one. With an opaque mark
 * of any value it was not meant to be merged.
 */
static int collect_bare(struct ovl_run *run, const struct ovl_view *v)
{
	const struct ovl_hit *hit;
	struct ovl_fact_bare bare;
	int r;

	if (v->obs->kind != OVL_KIND_DIR || !v->dir->impure || !lacks_origin(run, v) ||
	    ovl_obs_has(v->obs, OVL_X_OPAQUE))
		return 0;
	r = ovl_view_below(v, &hit);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (hit->result < 0 || hit->n_lower == 0)
		return 0;
	bare = (struct ovl_fact_bare){ .path = (struct ovl_path *)v->loc.path,
				       .ino = hit->upper.stat.ino,
				       .lower = { hit->lower[0].layer, hit->lower[0].path },
				       .lower_stat = hit->lower[0].stat };
	return ovl_facts_add_bare(&run->facts, &bare);
}

static int collect_origin(struct ovl_run *run, const struct ovl_view *v, bool first_name)
{
	const struct ovl_origin *origin = ovl_view_origin(v);
	struct ovl_fact_origin claim;
	bool numbered;
	int home, r;

	if (first_name &&
	    (origin->state == OVL_ORIGIN_STALE || origin->state == OVL_ORIGIN_NO_LAYER))
		ovl_facts_note_stale(&run->facts);
	if (first_name && origin->state == OVL_ORIGIN_UNKNOWN)
		ovl_facts_note_undecoded(&run->facts, origin->err);
	if (!has_true_origin(v))
		return 0;
	r = is_at_home(v, origin, &home);
	/* A redirect that leads nowhere can be written anew if the lower directory has a name. */
	if (r == 0 && home < 0 && ovl_obs_has(v->obs, OVL_X_REDIRECT))
		return ovl_facts_want(&run->facts, origin->stat.ino);
	if (r < 0 || home < 0)
		return r;
	if (home && v->obs->stat.nlink > 1)
		ovl_facts_note_home(&run->facts, v->obs->stat.ino);
	numbered = v->obs->kind != OVL_KIND_DIR && has_lower_number(run, v);
	if (numbered && (home || v->obs->stat.nlink > 1))
		v->dir->n_origin++;
	else if (numbered)
		v->dir->n_moved++;
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
		.is_dir = v->obs->kind == OVL_KIND_DIR,
		.metacopy = ovl_obs_has(v->obs, OVL_X_METACOPY),
		.redirected = ovl_obs_has(v->obs, OVL_X_REDIRECT),
		.numbered = numbered,
		.at_home = home,
	};
	return ovl_facts_add_origin(&run->facts, &claim);
}

int ovl_collect_name(struct ovl_run *run, const struct ovl_view *v)
{
	int r = v->role == OVL_ROLE_UPPER ? collect_link(run, v) : 0;

	return r < 0 ? r : 0;
}

int ovl_collect_dir(struct ovl_run *run, const struct ovl_scan_dir *dir)
{
	const struct ovl_fact_unmarked unmarked = { .path = dir->dir->path,
						    .n_origin = dir->n_origin,
						    .n_merged = dir->n_merged };

	/* Another value than "y" is impure-value. */
	if (dir->has_impure || dir->n_origin + dir->n_moved + dir->n_merged == 0)
		return 0;
	return ovl_facts_add_unmarked(&run->facts, &unmarked);
}

int ovl_collect_object(struct ovl_run *run, const struct ovl_view *v, struct ovl_sink *sink)
{
	int r, first;

	count(v, &sink->counts);
	r = collect_redirect(run, v);
	if (r < 0 || v->role != OVL_ROLE_UPPER)
		return r;
	r = collect_for_parent(run, v);
	if (r == 0)
		r = collect_bare(run, v);
	if (r < 0)
		return r;
	first = v->obs->kind == OVL_KIND_DIR ? 1 : collect_link(run, v);
	if (first < 0)
		return first;
	return collect_origin(run, v, first > 0);
}
