/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Origins: does the inode that an upper object says it was copied up from exist, is it where it should
 * be, and does nothing else in the overlay stand for the same inode?
 *
 * The kernel keeps one inode for all that has the same origin. Two upper files with one origin get
 * into each other's way, and so do an upper file and the lower one that it was copied from.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "check/claim.h"
#include "check/copied.h"
#include "check/target.h"

#include "base/banned.h"

static const struct ovl_loc nowhere = { OVL_LAYER_NONE, NULL };

static bool is_whiteout(const struct ovl_view *v)
{
	return v->obs->kind == OVL_KIND_WHITEOUT || v->obs->kind == OVL_KIND_XWHITEOUT;
}

/* An origin that another check has nothing to say about already. */
static const struct ovl_origin *sound_origin(const struct ovl_view *v)
{
	const struct ovl_origin *origin = ovl_view_origin(v);

	if (is_whiteout(v) || (origin->fh.flags & OVL_FH_FLAG_PATH_UPPER) ||
	    ovl_view_index_differs(v))
		return NULL;
	return origin;
}

static bool has_null_uuid(const struct ovl_fh *fh)
{
	static const uint8_t none[16];

	return memcmp(fh->uuid, none, sizeof(none)) == 0;
}

int ovl_check_origin_stale(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_origin *origin = sound_origin(v);

	if (!origin)
		return 0;
	/* Handles of file systems without uuid are followed with some options only. */
	if (origin->state != OVL_ORIGIN_STALE &&
	    (origin->state != OVL_ORIGIN_NO_LAYER || has_null_uuid(&origin->fh)))
		return 0;
	return ovl_sink_add(sink, OVL_P_ORIGIN_STALE, v->loc,
			    origin->state == OVL_ORIGIN_STALE ?
				    "the inode is not there any more" :
				    "no lower layer is on the file system that it names",
			    "");
}

int ovl_check_origin_type(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_origin *origin = sound_origin(v);

	if (!origin || origin->state != OVL_ORIGIN_FOUND ||
	    (origin->stat.mode & S_IFMT) == (v->obs->stat.mode & S_IFMT))
		return 0;
	return ovl_sink_add(sink, OVL_P_ORIGIN_TYPE, v->loc,
			    ovl_sink_text(sink, "its origin is a %s, inode %llu",
					  ovl_kind_name(origin->kind),
					  (unsigned long long)origin->stat.ino),
			    ovl_kind_name(v->obs->kind));
}

/* Where the inode of an origin has a name, for messages. */
static struct ovl_loc name_of(const struct ovl_view *v, const struct ovl_fact_origin *claim)
{
	const struct ovl_fact_name *names;

	for (int n = 1; n <= (int)v->stack->n_lower; n++) {
		const struct ovl_stat *root = &ovl_stack_layer(v->stack, n)->root.stat;

		if (root->dev == claim->key.a && root->ino == claim->key.b)
			return (struct ovl_loc){ n, NULL };
	}
	return ovl_facts_names(v->facts, claim->key.a, claim->key.b, &names) > 0 ? names[0].loc :
										   nowhere;
}

static const char *outside_text(const struct ovl_view *v, const struct ovl_fact_origin *claim,
				struct ovl_sink *sink)
{
	_cleanup_free_ char *layer = ovl_stack_layer_name(v->stack, claim->layer);

	return ovl_sink_text(sink, "its origin is inode %llu of the file system of %s, in no layer",
			     (unsigned long long)claim->key.b, layer ? layer : "a lower layer");
}

/* What hinders one handle from being decoded hinders all: once is enough. */
static int report_undecoded(const struct ovl_view *v, struct ovl_sink *sink)
{
	_cleanup_free_ char *what = NULL;

	if (v->facts->n_undecoded == 0)
		return 0;
	if (asprintf(&what, "decode the origins of %llu objects",
		     (unsigned long long)v->facts->n_undecoded) < 0) {
		what = NULL; /* undefined then */
		return -ENOMEM;
	}
	return ovl_sink_unreadable(sink, (struct ovl_loc){ OVL_LAYER_UPPER, NULL }, what,
				   v->facts->undecoded);
}

int ovl_check_origin_outside_layers(const struct ovl_view *v, struct ovl_sink *sink)
{
	enum ovl_copied copied;
	int r = report_undecoded(v, sink);

	if (r == 0)
		r = ovl_copied_judge(v, &copied);
	for (size_t i = 0; r == 0 && i < v->facts->origin.len; i++) {
		const struct ovl_fact_origin *claim = &v->facts->origin.data[i];

		if (claim->is_dir || !ovl_claim_is_outside(v, claim))
			continue;
		r = ovl_sink_add_about(sink, OVL_P_ORIGIN_OUTSIDE_LAYERS,
				       copied == OVL_COPIED_NO ? OVL_SEV_WARNING : OVL_SEV_INFO,
				       ovl_claim_loc(claim), nowhere, outside_text(v, claim, sink),
				       "an inode of a lower layer");
	}
	return r;
}

/*
 * Is the upper file kept by the inode of its origin? Not if the lower file has several names, for
 * these part when they are copied up; nor with nfs_export, but for what is in the index.
 */
static bool is_keyed_by_origin(const struct ovl_view *v, const struct ovl_fact_origin *claim)
{
	return claim->lower.nlink == 1 && v->stack->config.nfs_export != OVL_ON;
}

/* Then lookup of the lower name finds the upper file, through the index: one file, two names. */
static bool is_indexed(const struct ovl_view *v, uint64_t ino)
{
	const struct ovl_fact_link *link = ovl_facts_find_link(v->facts, ino);

	return v->stack->config.index == OVL_ON && link && link->index > 0;
}

static int check_uncovered(const struct ovl_view *v, const struct ovl_fact_origin *claim,
			   struct ovl_sink *sink)
{
	const struct ovl_fact_name *name;
	int r = ovl_claim_is_uncovered(v, claim, &name);

	if (r > 0)
		r = ovl_claim_is_used(v, claim, NULL);
	if (r <= 0)
		return r;
	return ovl_sink_add_about(sink, OVL_P_ORIGIN_UNCOVERED, OVL_SEV_ERROR, ovl_claim_loc(claim),
				  name->loc, "its origin is shown under the lower name as well",
				  "an upper object or a whiteout there");
}

int ovl_check_origin_uncovered(const struct ovl_view *v, struct ovl_sink *sink)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->facts->origin.len; i++) {
		const struct ovl_fact_origin *claim = &v->facts->origin.data[i];

		if (!claim->is_dir && is_keyed_by_origin(v, claim) && !is_indexed(v, claim->ino))
			r = check_uncovered(v, claim, sink);
	}
	return r;
}

/** One of several upper files with the same origin. */
struct claimant {
	struct ovl_path *path; /* borrowed */
	bool rightful;         /* the origin is at home there, or the index says so */
};

typedef OVL_VEC(struct claimant) claimant_vec;

static int add_claimant(const struct ovl_view *v, const struct ovl_fact_origin *claim,
			claimant_vec *all)
{
	struct claimant c = { .path = claim->path, .rightful = claim->at_home };
	const struct ovl_fact_link *link;
	uint64_t ino;
	int r = ovl_claim_is_used(v, claim, &ino);

	if (r <= 0)
		return r;
	link = ovl_facts_find_link(v->facts, ino);
	if (link && link->path)
		c.path = link->path;
	c.rightful |= (link && link->at_home) || is_indexed(v, ino);
	return ovl_vec_push(all, c);
}

/* The rightful first, then in order. */
static int compare_claimants(const void *pa, const void *pb)
{
	const struct claimant *a = pa, *b = pb;

	return a->rightful != b->rightful ? b->rightful - a->rightful :
					    ovl_path_compare(a->path, b->path);
}

/* Those at home cannot be told apart: then it is a directory above that has a double. */
static int report_claimants(claimant_vec *all, struct ovl_sink *sink)
{
	struct ovl_loc first;
	int r = 0;

	if (all->len < 2)
		return 0;
	qsort(all->data, all->len, sizeof(*all->data), compare_claimants);
	first = (struct ovl_loc){ OVL_LAYER_UPPER, all->data[0].path };
	for (size_t i = 1; r == 0 && i < all->len; i++)
		if (!all->data[i].rightful)
			r = ovl_sink_add_about(
				sink, OVL_P_ORIGIN_DUPLICATE, OVL_SEV_ERROR,
				(struct ovl_loc){ OVL_LAYER_UPPER, all->data[i].path }, first,
				"the same origin on another inode", "no two files with one origin");
	return r;
}

int ovl_check_origin_duplicate(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_fact_origin *claims = v->facts->duplicate.data;
	size_t n = v->facts->duplicate.len, end;
	claimant_vec all = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i = end) {
		bool counts = is_keyed_by_origin(v, &claims[i]);

		all.len = 0;
		for (end = i; r == 0 && end < n &&
			      memcmp(&claims[end].key, &claims[i].key, sizeof(claims[i].key)) == 0;
		     end++)
			r = counts ? add_claimant(v, &claims[end], &all) : 0;
		if (r == 0)
			r = report_claimants(&all, sink);
	}
	ovl_vec_done(&all);
	return r;
}

/* Another of the directories that are merged: a layer was put between, which only nfs_export minds. */
static bool is_further_down(const struct ovl_fact_origin *claim, const struct ovl_hit *hit)
{
	for (size_t i = 1; i < hit->n_lower; i++)
		if (ovl_claim_is_inode(claim, &hit->lower[i]))
			return true;
	return false;
}

static int check_dir(const struct ovl_view *v, const struct ovl_fact_origin *claim,
		     enum ovl_copied copied, struct ovl_sink *sink)
{
	bool nfs_export = v->stack->config.nfs_export == OVL_ON;
	enum ovl_severity severity = nfs_export ? OVL_SEV_ERROR : OVL_SEV_WARNING;
	struct ovl_loc other = name_of(v, claim);
	struct ovl_hit hit;
	int r = ovl_lookup_path(v->stack, OVL_LAYER_UPPER, claim->path, &hit, NULL), bad = 0;

	if (r < 0)
		return r;
	if (hit.result == 0 && hit.n_lower > 0 && claim->redirected)
		bad = ovl_target_is_claimed(
			v, claim->path, (struct ovl_loc){ hit.lower[0].layer, hit.lower[0].path },
			&hit.lower[0].stat);
	if (hit.result < 0 || hit.n_lower == 0 || bad != 0)
		goto out; /* the redirect is what is wrong */
	if ((copied != OVL_COPIED_NO && other.layer == OVL_LAYER_NONE) ||
	    (!nfs_export && is_further_down(claim, &hit)))
		severity = OVL_SEV_INFO;
	r = ovl_sink_add_about(
		sink, OVL_P_ORIGIN_DIR_MISMATCH, severity, ovl_claim_loc(claim), other,
		other.layer == OVL_LAYER_NONE ? ovl_sink_text(sink, "its origin is inode %llu",
							      (unsigned long long)claim->key.b) :
						"its origin is another lower directory",
		ovl_sink_place(sink, (struct ovl_loc){ hit.lower[0].layer, hit.lower[0].path }));
out:
	ovl_hit_done(&hit);
	return bad < 0 ? bad : r;
}

static int report_bare(const struct ovl_path *path, struct ovl_loc lower,
		       enum ovl_severity severity, struct ovl_sink *sink)
{
	return ovl_sink_add_about(sink, OVL_P_ORIGIN_MISSING_MERGE_DIR, severity,
				  (struct ovl_loc){ OVL_LAYER_UPPER, path }, lower, "no origin",
				  "the handle of the directory below");
}

/* Has a mount ever written an origin to this upper? Layers made by hand have none to lose. */
static bool has_origins(const struct ovl_facts *f)
{
	return f->n_home || f->n_stale || f->n_undecoded || f->origin.len || f->duplicate.len;
}

static enum ovl_severity severity_of_bare(const struct ovl_view *v, uint64_t ino)
{
	const struct ovl_key key = { ino, 0 };

	/* An entry in the index that names the directory does not get through the mount. */
	if (v->facts->index_judged && ovl_map_get(&v->facts->index_dir, key))
		return OVL_SEV_ERROR;
	return has_origins(v->facts) ? OVL_SEV_WARNING : OVL_SEV_INFO;
}

/* Of a lower directory that another name leads to as well, that is the finding. */
static int check_bare(const struct ovl_view *v, const struct ovl_fact_bare *bare,
		      struct ovl_sink *sink)
{
	int claimed = ovl_target_is_claimed(v, bare->path, bare->lower, &bare->lower_stat);

	if (claimed != 0)
		return claimed < 0 ? claimed : 0;
	return report_bare(bare->path, bare->lower, severity_of_bare(v, bare->ino), sink);
}

int ovl_check_origin_dir_mismatch(const struct ovl_view *v, struct ovl_sink *sink)
{
	enum ovl_copied copied;
	int r = ovl_copied_judge(v, &copied);

	for (size_t i = 0; r == 0 && i < v->facts->origin.len; i++)
		if (v->facts->origin.data[i].is_dir)
			r = check_dir(v, &v->facts->origin.data[i], copied, sink);
	for (size_t i = 0; r == 0 && i < v->facts->bare.len; i++)
		r = check_bare(v, &v->facts->bare.data[i], sink);
	return r;
}

/*
 * A directory that no mount has looked at yet has no origin, and that is fine. It is told as more only
 * where its own directory is impure, so that it must have had one: see check_bare().
 */
int ovl_check_origin_missing_merge_dir(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_hit *hit;
	int r;

	if (v->dir->impure || ovl_obs_has(v->obs, OVL_X_ORIGIN) ||
	    ovl_obs_has(v->obs, OVL_X_OPAQUE))
		return 0;
	r = ovl_view_below(v, &hit);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (hit->result < 0 || hit->n_lower == 0)
		return 0;
	return report_bare(v->loc.path, (struct ovl_loc){ hit->lower[0].layer, hit->lower[0].path },
			   OVL_SEV_INFO, sink);
}
