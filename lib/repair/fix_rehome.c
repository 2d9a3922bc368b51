/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copied layers get the handles of their own: the roots, the objects of the upper, the index.
 *
 * A handle in a copy leads to the original or nowhere, and nothing tells of which file it was, except
 * where the object is: an upper object belongs to what lies below it, an index entry to what lies below
 * the upper name of its inode. An entry without upper name cannot be assigned; it is moved out of the
 * index, where the next mount would remove it.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/claim.h"
#include "check/copied.h"
#include "check/index_root.h"
#include "repair/fix_entry.h"
#include "repair/fixes.h"

#include "base/banned.h"

/** The move into a new home. */
struct rehome {
	struct ovl_fixer *fx;
	struct ovl_map taken; /* hashes of the new names of entries */
};

/** What an upper object belongs to. */
struct below {
	bool found;
	struct ovl_loc lower; /* path counted */
	enum ovl_kind kind;
	uint64_t nlink;
};

static void below_done(struct below *b)
{
	ovl_path_unref((struct ovl_path *)b->lower.path);
}

static void keep_below(const struct ovl_hit *hit, struct below *ret)
{
	if (ret->found || hit->n_lower == 0)
		return;
	ret->found = true;
	ret->lower = (struct ovl_loc){ hit->lower[0].layer, ovl_path_ref(hit->lower[0].path) };
	ret->kind = hit->lower[0].kind;
	ret->nlink = hit->lower[0].stat.nlink;
}

/* @covered: also what a file hides; else only what it stands on, or is merged with */
static int find_below(struct ovl_fixer *fx, struct ovl_loc upper, bool covered, struct below *ret)
{
	struct ovl_hit hit;
	int r = ovl_lookup_path(fx->stack, OVL_LAYER_UPPER, upper.path, &hit, NULL);

	*ret = (struct below){ .found = false };
	if (r < 0)
		return r;
	keep_below(&hit, ret);
	ovl_hit_done(&hit);
	if (ret->found || !covered)
		return 0;
	r = ovl_fixer_beneath(fx, upper, &hit);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	keep_below(&hit, ret);
	ovl_hit_done(&hit);
	return 0;
}

/* The handles on the two roots. */
static int rehome_root(struct ovl_fixer *fx, struct ovl_loc at, enum ovl_xattr_id id, int layer)
{
	uint8_t flags = id == OVL_X_UPPER ? OVL_FH_FLAG_PATH_UPPER : 0;
	unsigned char raw[OVL_FH_MAX_LEN];
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, at, &obs);

	if (r < 0)
		return r;
	if (!(obs.xmask & (1u << id)) ||
	    ovl_index_root_compare(fx->stack, obs.x[id], layer) != OVL_INDEX_HANDLE_OTHER)
		return 0;
	r = ovl_origin_of_root(fx->stack, layer, flags, raw);
	if (r > 0)
		r = ovl_way_set_xattr(fx, at, id, (struct ovl_bytes){ raw, (size_t)r });
	return r;
}

static int write_origin(struct ovl_fixer *fx, struct ovl_loc at, const struct below *below)
{
	unsigned char raw[OVL_FH_MAX_LEN];
	int len = below->found ? ovl_fixer_handle(fx, below->lower, 0, raw) : 0;

	if (len < 0)
		return len;
	return ovl_way_set_xattr(fx, at, OVL_X_ORIGIN, (struct ovl_bytes){ raw, (size_t)len });
}

/* An object of the upper that leads out of the layers; those in the index come later. */
static int rehome_claim(struct ovl_fixer *fx, const struct ovl_fact_origin *claim)
{
	const struct ovl_fact_link *link = ovl_facts_find_link(fx->facts, claim->ino);
	const struct ovl_loc at = ovl_claim_loc(claim);
	_cleanup_(below_done) struct below below = { 0 };
	int r = ovl_fixer_names(fx, at);

	if (r <= 0 || (!claim->is_dir && link && link->index))
		return r < 0 && r != -ENOENT ? r : 0;
	r = find_below(fx, at, false, &below);
	if (r < 0)
		return r;
	if (claim->is_dir) /* without any origin its whiteouts might be listed */
		return write_origin(fx, at, &below);
	if (claim->metacopy) /* the origin of one that has no data may yet tell where that is */
		return below.found ? write_origin(fx, at, &below) : 0;
	return ovl_way_remove_xattr(fx, at, OVL_X_ORIGIN);
}

/* Nothing tells what it stands for. */
static int expel(struct ovl_fixer *fx, struct ovl_loc entry, const struct ovl_fact_link *link)
{
	int r = ovl_way_set_aside(fx, entry);

	if (r == 0 && link && link->path) {
		r = ovl_fixer_names(fx, entry);
		if (r > 0)
			r = ovl_way_remove_xattr(
				fx, (struct ovl_loc){ OVL_LAYER_UPPER, link->path }, OVL_X_ORIGIN);
	}
	return r;
}

/* The entry gets the name of the file below, and its inode that origin. 1, 0 if the name is taken. */
static int rename_entry(struct rehome *h, struct ovl_loc entry, struct ovl_loc upper,
			const struct below *below)
{
	unsigned char raw[OVL_FH_MAX_LEN];
	struct ovl_loc to;
	uint64_t *seen;
	int len = ovl_fixer_handle(h->fx, below->lower, 0, raw), r;

	if (len <= 0)
		return len;
	r = ovl_map_put(&h->taken, ovl_map_hash(raw, (size_t)len), 0, &seen);
	if (r < 0 || ++*seen > 1)
		return r < 0 ? r : 0;
	r = ovl_fix_entry_name(raw, (size_t)len, &to);
	if (r < 0)
		return r;
	r = ovl_fix_entry_is_free(h->fx, to);
	if (r > 0) {
		r = ovl_way_set_xattr(h->fx, upper, OVL_X_ORIGIN,
				      (struct ovl_bytes){ raw, (size_t)len });
		if (r == 0)
			r = ovl_way_move(h->fx, entry, to);
		r = r < 0 ? r : 1;
	}
	ovl_path_unref((struct ovl_path *)to.path);
	return r;
}

static int rehome_file(struct rehome *h, struct ovl_loc entry, enum ovl_kind kind,
		       const struct ovl_fact_link *link)
{
	_cleanup_(below_done) struct below below = { 0 };
	struct ovl_loc upper = { OVL_LAYER_UPPER, link ? link->path : NULL };
	int r = upper.path ? find_below(h->fx, upper, true, &below) : 0;

	if (r < 0)
		return r;
	if (below.found && below.kind == kind &&
	    (below.nlink > 1 || h->fx->stack->config.nfs_export == OVL_ON)) {
		r = ovl_fixer_names(h->fx, entry);
		if (r > 0)
			r = rename_entry(h, entry, upper, &below);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return expel(h->fx, entry, link);
}

static int rehome_entry(struct rehome *h, const char *name)
{
	struct ovl_loc entry = { OVL_LAYER_INDEX, ovl_path_new(NULL, name, strlen(name)) };
	struct ovl_obs obs;
	enum ovl_kind kind;
	int r = entry.path ? ovl_fixer_observe(h->fx, entry, &obs) : -ENOMEM;

	if (r == 0) {
		kind = obs.kind;
		if (kind == OVL_KIND_DIR || kind == OVL_KIND_WHITEOUT)
			r = ovl_way_set_aside(h->fx, entry);
		else
			r = rehome_file(h, entry, kind,
					ovl_facts_find_link(h->fx->facts, obs.stat.ino));
	}
	ovl_path_unref((struct ovl_path *)entry.path);
	return r;
}

static int rehome(struct rehome *h, const struct ovl_view *v)
{
	const struct ovl_loc upper_root = { OVL_LAYER_UPPER, NULL };
	const struct ovl_loc index_root = { OVL_LAYER_INDEX, NULL };
	struct ovl_fixer *fx = h->fx;
	int r = rehome_root(fx, upper_root, OVL_X_ORIGIN, 1);

	if (r == 0 && fx->stack->index.root.fd >= 0)
		r = rehome_root(fx, index_root, OVL_X_UPPER, OVL_LAYER_UPPER);
	for (size_t i = 0; r == 0 && i < fx->facts->origin.len; i++)
		if (ovl_claim_is_outside(v, &fx->facts->origin.data[i]))
			r = rehome_claim(fx, &fx->facts->origin.data[i]);
	for (size_t i = 0; r == 0 && i < fx->facts->index.len; i++)
		r = rehome_entry(h, fx->facts->index.data[i].name);
	return r;
}

int ovl_fix_rehome(struct ovl_fixer *fx)
{
	const struct ovl_view v = { .stack = fx->stack,
				    .facts = fx->facts,
				    .loc = { OVL_LAYER_NONE, NULL },
				    .dirfd = -1,
				    .name = "" };
	struct rehome h = { .fx = fx };
	enum ovl_copied copied;
	int r = ovl_copied_judge(&v, &copied);

	if (r < 0)
		return r;
	if (copied != OVL_COPIED_ALL && copied != OVL_COPIED_OLD)
		return ovl_way_refuse(fx, "they do not look like copies any more");
	if (fx->facts->missed_upper || fx->facts->missed_names)
		return ovl_way_refuse(fx, "a part of the layers could not be read");
	r = rehome(&h, &v);
	ovl_map_done(&h.taken);
	return r < 0 ? r : 1;
}

/* An entry that the next mount would remove: the only name of its inode, and no lower inode behind it. */
static bool is_doomed(const struct ovl_fact_index *entry, const struct ovl_obs *obs)
{
	return obs->kind != OVL_KIND_DIR && obs->kind != OVL_KIND_WHITEOUT &&
	       obs->stat.nlink == 1 &&
	       (entry->state == OVL_ORIGIN_STALE || entry->state == OVL_ORIGIN_NO_LAYER);
}

static int save_doomed(struct ovl_fixer *fx, const struct ovl_fact_index *entry)
{
	struct ovl_loc at = { OVL_LAYER_INDEX,
			      ovl_path_new(NULL, entry->name, strlen(entry->name)) };
	struct ovl_obs obs;
	int r = at.path ? ovl_fixer_observe(fx, at, &obs) : -ENOMEM;

	if (r == 0 && is_doomed(entry, &obs))
		r = ovl_way_set_aside(fx, at);
	ovl_path_unref((struct ovl_path *)at.path);
	return r;
}

int ovl_fix_new_lower(struct ovl_fixer *fx)
{
	const struct ovl_facts *facts = fx->facts;
	int r;

	if (facts->index.len == 0)
		return ovl_way_refuse(fx, "the index is empty");
	if (facts->missed_upper)
		return ovl_way_refuse(fx, "a part of the upper or the index could not be read");
	r = rehome_root(fx, fx->finding->loc, OVL_X_ORIGIN, 1);
	if (r == 0 && fx->way->ops.len == 0)
		return ovl_way_refuse(fx, "its origin is another one by now");
	for (size_t i = 0; r == 0 && i < facts->index.len; i++)
		r = save_doomed(fx, &facts->index.data[i]);
	return r < 0 ? r : 1;
}
