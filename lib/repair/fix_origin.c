/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planners for origins: what an upper object was copied up from.
 *
 * To take the origin of a file away changes no more than its inode number, unless it has an entry in
 * the index, which has to bear the same handle: then it stays.
 */
#include "repair/fix_origin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "overlayfs/fh.h"
#include "repair/fixes.h"

#include "base/banned.h"

bool ovl_fix_is_told(struct ovl_fixer *fx)
{
	if (fx->finding->severity != OVL_SEV_INFO)
		return false;
	ovl_way_refuse(fx, "nothing is wrong with it as it is");
	return true;
}

size_t ovl_fix_origin_index(const struct ovl_fixer *fx, uint64_t ino)
{
	const struct ovl_fact_link *link = ovl_facts_find_link(fx->facts, ino);

	return link ? link->index : 0;
}

int ovl_fix_is_known(struct ovl_fixer *fx, struct ovl_loc loc)
{
	int r = ovl_fixer_names(fx, loc);

	return r != 0 ? r : ovl_way_refuse(fx, "it has names outside of the upper as well");
}

int ovl_fix_below(struct ovl_fixer *fx, struct ovl_loc loc, struct ovl_loc *ret_loc)
{
	struct ovl_hit hit;
	int r = ovl_lookup_path(fx->stack, OVL_LAYER_UPPER, loc.path, &hit, NULL);

	if (r < 0)
		return r;
	r = hit.result == 0 && hit.n_lower > 0;
	if (r)
		*ret_loc = (struct ovl_loc){ hit.lower[0].layer, ovl_path_ref(hit.lower[0].path) };
	ovl_hit_done(&hit);
	return r;
}

/* Gives a directory the handle of the one below. Says so, unless told not to. */
static int write_handle(struct ovl_fixer *fx, struct ovl_loc dir, struct ovl_loc lower)
{
	_cleanup_free_ char *place = ovl_fixer_place(fx, lower);
	unsigned char raw[OVL_FH_MAX_LEN];
	int len = ovl_fixer_handle(fx, lower, 0, raw), r;

	if (!place || len < 0)
		return len < 0 ? len : -ENOMEM;
	r = ovl_way_say(fx, "write the handle of %s into it", place);
	if (r == 0)
		r = ovl_way_set_xattr(fx, dir, OVL_X_ORIGIN,
				      (struct ovl_bytes){ raw, (size_t)len });
	return r < 0 ? r : 1;
}

static int reset_dir(struct ovl_fixer *fx, struct ovl_loc dir)
{
	struct ovl_loc lower;
	int r;

	if (!dir.path) { /* where it is needed, the next mount writes it */
		r = ovl_way_say(fx, "remove the xattr origin");
		if (r == 0)
			r = ovl_way_remove_xattr(fx, dir, OVL_X_ORIGIN);
		return r < 0 ? r : 1;
	}
	r = ovl_fix_below(fx, dir, &lower);
	if (r < 0)
		return r;
	if (r > 0) {
		r = write_handle(fx, dir, lower);
		ovl_path_unref((struct ovl_path *)lower.path);
		return r;
	}
	r = ovl_way_say(fx, "set it to no value: origin unknown");
	if (r == 0)
		r = ovl_way_set_xattr(fx, dir, OVL_X_ORIGIN, (struct ovl_bytes){ NULL, 0 });
	return r < 0 ? r : 1;
}

/* The index entry is named after the origin that the file had. */
static int reset_indexed(struct ovl_fixer *fx, struct ovl_loc file, enum ovl_kind kind,
			 const struct ovl_fact_index *entry)
{
	unsigned char raw[128]; /* see ovl_fh_parse_name() */
	int r, len = ovl_fh_parse_name(entry->name, raw);

	if (len < 0 || entry->state != OVL_ORIGIN_FOUND || entry->lower_kind != kind)
		return ovl_way_refuse(fx, "its index entry is no good either: see there");
	r = ovl_way_say(fx, "write the handle that its index entry is named after");
	if (r == 0)
		r = ovl_way_set_xattr(fx, file, OVL_X_ORIGIN,
				      (struct ovl_bytes){ raw, (size_t)len });
	return r < 0 ? r : 1;
}

int ovl_fix_origin_type(struct ovl_fixer *fx)
{
	return ovl_fix_origin_reset(fx);
}

int ovl_fix_origin_reset(struct ovl_fixer *fx)
{
	const struct ovl_loc loc = fx->finding->loc;
	struct ovl_obs obs;
	enum ovl_kind kind;
	size_t entry;
	int r = ovl_fixer_observe(fx, loc, &obs);

	if (r < 0)
		return r;
	kind = obs.kind;
	if (kind == OVL_KIND_DIR)
		return reset_dir(fx, loc);
	entry = ovl_fix_origin_index(fx, obs.stat.ino);
	r = ovl_fix_is_known(fx, loc);
	if (r <= 0)
		return r;
	if (entry > 0)
		return reset_indexed(fx, loc, kind, &fx->facts->index.data[entry - 1]);
	r = ovl_way_say(fx, "remove the xattr origin");
	if (r == 0)
		r = ovl_way_remove_xattr(fx, loc, OVL_X_ORIGIN);
	return r < 0 ? r : 1;
}

/* A file whose name counts and nothing else: its origin can go. */
static int strip(struct ovl_fixer *fx, bool metacopy_too)
{
	const struct ovl_loc loc = fx->finding->loc;
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, loc, &obs);

	if (r < 0)
		return r;
	if (obs.kind == OVL_KIND_DIR || !ovl_obs_has(&obs, OVL_X_ORIGIN))
		return ovl_way_refuse(fx, "it has no origin that could be taken away");
	if (!metacopy_too && ovl_obs_has(&obs, OVL_X_METACOPY))
		return ovl_way_refuse(fx, "it is metacopy: its origin tells where its data was");
	if (ovl_fix_origin_index(fx, obs.stat.ino))
		return ovl_way_refuse(fx, "it has an entry in the index, named after its origin");
	r = ovl_fix_is_known(fx, loc);
	if (r > 0)
		r = ovl_way_remove_xattr(fx, loc, OVL_X_ORIGIN);
	return r < 0 ? r : fx->way->ops.len > 0;
}

int ovl_fix_origin_strip(struct ovl_fixer *fx)
{
	return ovl_fix_is_told(fx) ? 0 : strip(fx, false);
}

int ovl_fix_origin_forget(struct ovl_fixer *fx)
{
	return ovl_fix_is_told(fx) ? 0 : strip(fx, true);
}

/* What the kernel does at the first lookup: the handle, and the mark of the directory that holds it. */
int ovl_fix_origin_missing(struct ovl_fixer *fx)
{
	const struct ovl_loc dir = fx->finding->loc;
	struct ovl_loc lower;
	int r;

	if (ovl_fix_is_told(fx))
		return 0;
	r = ovl_fix_below(fx, dir, &lower);
	if (r <= 0)
		return r < 0 ? r : ovl_way_refuse(fx, "it is merged with nothing");
	r = write_handle(fx, dir, lower);
	ovl_path_unref((struct ovl_path *)lower.path);
	if (r > 0)
		r = ovl_way_set_xattr(fx, (struct ovl_loc){ dir.layer, dir.path->parent },
				      OVL_X_IMPURE,
				      (struct ovl_bytes){ (const unsigned char *)"y", 1 });
	return r < 0 ? r : 1;
}

/* Does the index have an entry that is named after this handle? */
static int index_knows(const struct ovl_fixer *fx, const unsigned char *raw, size_t len)
{
	_cleanup_(ovl_buf_done) struct ovl_buf name = { 0 };
	int r = ovl_buf_add_hex(&name, raw, len);

	for (size_t i = 0; r == 0 && i < fx->facts->index.len; i++)
		if (!strcmp(fx->facts->index.data[i].name, name.data))
			return 1;
	return r;
}

/*
 * May a directory take the one below for its origin? With nfs_export that shows what was hidden (unless a
 * conversion has made the one below), and an index entry has to agree: if it does, the two belong
 * together. 1, 0 and refused, or <0.
 */
static int belong_together(struct ovl_fixer *fx, struct ovl_loc dir, struct ovl_loc lower)
{
	bool sure = fx->stack->config.nfs_export != OVL_ON || fx->converted;
	bool choice = fx->way->row->trust == OVL_WAY_CHOICE;
	unsigned char raw[OVL_FH_MAX_LEN];
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, dir, &obs), len;

	if (r < 0)
		return r;
	if (ovl_map_get(&fx->facts->index_dir, (struct ovl_key){ obs.stat.ino, 0 })) {
		len = ovl_fixer_handle(fx, lower, 0, raw);
		r = len <= 0 ? len : index_knows(fx, raw, (size_t)len);
		if (r <= 0)
			return r < 0 ? r :
				       ovl_way_refuse(fx,
						      "its index entry is named after its origin");
		sure = true;
	}
	if (sure != choice)
		return 1;
	return choice ? 0 :
			ovl_way_refuse(fx, "with nfs_export=on it would show what is hidden now");
}

int ovl_fix_origin_of_below(struct ovl_fixer *fx)
{
	const struct ovl_loc dir = fx->finding->loc;
	struct ovl_loc lower;
	int r;

	if (ovl_fix_is_told(fx))
		return 0;
	r = ovl_fix_below(fx, dir, &lower);
	if (r <= 0)
		return r < 0 ? r : ovl_way_refuse(fx, "it is merged with nothing");
	r = belong_together(fx, dir, lower);
	if (r > 0)
		r = write_handle(fx, dir, lower);
	ovl_path_unref((struct ovl_path *)lower.path);
	return r;
}

/* The handle of the topmost lower is written by the next mount that wants it. */
int ovl_fix_origin_root(struct ovl_fixer *fx)
{
	int r;

	if (fx->facts->index.len > 0)
		return ovl_way_refuse(fx, "the index holds entries that belong to the old layer");
	r = ovl_way_remove_xattr(fx, fx->finding->loc, OVL_X_ORIGIN);
	return r < 0 ? r : 1;
}
