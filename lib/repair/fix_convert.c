/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conversion: the upper gets all that the target could not find elsewhere.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/view.h"
#include "format/value.h"
#include "repair/expand.h"
#include "repair/fixes.h"
#include "repair/parents.h"
#include "repair/trees.h"

#include "base/banned.h"

/* ---- Data ---- */

/* The file with the content of what a lookup found: 1, 0, or negative errno; ovl_found_done() @storage. */
static int find_data(struct ovl_fixer *fx, const struct ovl_hit *hit, struct ovl_found *storage,
		     const struct ovl_found **ret)
{
	int r;

	if (hit->result < 0)
		return ovl_way_refuse(fx, "it cannot be looked up");
	r = ovl_lookup_data(fx->stack, hit, storage, ret);
	if (r < 0)
		return r == -ENOMEM ? r : ovl_way_refuse(fx, "it has no data");
	return 1;
}

static int complete_shown(struct ovl_fixer *fx, struct ovl_loc file, const struct ovl_hit *hit)
{
	struct ovl_found storage = { 0 };
	const struct ovl_found *data;
	int r = find_data(fx, hit, &storage, &data);

	if (r > 0)
		r = ovl_way_complete(fx, file, (struct ovl_loc){ data->layer, data->path });
	ovl_found_done(&storage);
	return r;
}

int ovl_fix_convert_metacopy(struct ovl_fixer *fx)
{
	struct ovl_hit hit;
	int r = ovl_fixer_shows(fx, fx->finding->loc, &hit);

	if (r < 0)
		return r;
	r = complete_shown(fx, fx->finding->loc, &hit);
	ovl_hit_done(&hit);
	return r;
}

/* The record of the index entry of an upper inode; NULL: it is gone. */
static const struct ovl_fact_index *find_entry(const struct ovl_fixer *fx, uint64_t ino)
{
	const struct ovl_fact_link *link = ovl_facts_find_link(fx->facts, ino);

	return link && link->index ? &fx->facts->index.data[link->index - 1] : NULL;
}

/* No name in the upper: the data is that of the lower file that it was copied up from. */
int ovl_fix_convert_metacopy_index(struct ovl_fixer *fx)
{
	const struct ovl_fact_index *entry;
	const struct ovl_fact_name *name;
	struct ovl_obs obs;
	struct ovl_hit hit;
	int r = ovl_fixer_names(fx, fx->finding->loc);

	if (r <= 0)
		return r < 0 ? r : ovl_way_refuse(fx, "it has names outside of the index");
	r = ovl_fixer_observe(fx, fx->finding->loc, &obs);
	if (r < 0)
		return r;
	entry = find_entry(fx, obs.stat.ino);
	if (!entry || ovl_facts_names(fx->facts, entry->lower.a, entry->lower.b, &name) == 0)
		return ovl_way_refuse(fx, "the lower file has no name");
	r = ovl_fixer_shows(fx, name->loc, &hit);
	if (r < 0)
		return r;
	r = complete_shown(fx, fx->finding->loc, &hit);
	ovl_hit_done(&hit);
	return r;
}

/*
 * One more name for a lower file that was copied up under another one: 1; 0 if it was not, and @to is noted
 * as the first.
 */
static int link_copied(struct ovl_fixer *fx, const struct ovl_stat *lower, struct ovl_loc to)
{
	const struct ovl_path *first;
	uint64_t *value;
	struct ovl_obs obs;
	int r;

	if (lower->nlink == 1 || !fx->copied)
		return 0;
	r = ovl_map_put(fx->copied, (struct ovl_key){ lower->dev, lower->ino },
			(uint64_t)(uintptr_t)to.path, &value);
	if (r > 0)
		ovl_path_ref(to.path);
	first = (const struct ovl_path *)(uintptr_t)*value;
	if (r != 0 || ovl_path_compare(first, to.path) == 0)
		return r < 0 ? r : 0;
	r = ovl_fixer_observe(fx, (struct ovl_loc){ OVL_LAYER_UPPER, first }, &obs);
	if (r == -ENOENT)
		return ovl_way_refuse(fx, "another name of the file is copied first");
	if (r == 0)
		r = ovl_way_link(fx, (struct ovl_loc){ OVL_LAYER_UPPER, first }, to);
	return r < 0 ? r : 1;
}

/* The whole file, with the metadata that is shown. */
static int copy_shown(struct ovl_fixer *fx, const struct ovl_hit *hit, struct ovl_loc to)
{
	const struct ovl_loc top = { hit->lower[0].layer, hit->lower[0].path };
	struct ovl_found storage = { 0 };
	const struct ovl_found *data;
	int r = find_data(fx, hit, &storage, &data);

	if (r > 0)
		r = ovl_way_copy_whole(fx, top, (struct ovl_loc){ data->layer, data->path }, to);
	if (r >= 0 && fx->way->ops.len > 0)
		fx->way->ops.data[fx->way->ops.len - 1].several = hit->lower[0].stat.nlink > 1;
	ovl_found_done(&storage);
	return r < 0 ? r : fx->why ? 0 : 1;
}

/*
 * The link count that is stored is a difference to that of the upper inode, which is going to change; let it
 * be one to that of the lower inode instead.
 */
static int keep_count(struct ovl_fixer *fx, struct ovl_loc entry, uint64_t lower_nlink)
{
	enum ovl_nlink_base base;
	struct ovl_obs obs;
	char value[24];
	int diff, len, r = ovl_fixer_observe(fx, entry, &obs);

	if (r < 0)
		return r;
	if (!(obs.xmask & OVL_XBIT(NLINK)) ||
	    ovl_value_nlink(obs.x[OVL_X_NLINK], &base, &diff) < 0 || base == OVL_NLINK_LOWER)
		return 0;
	len = snprintf(value, sizeof(value), "L%+lld",
		       (long long)obs.stat.nlink + diff - (long long)lower_nlink);
	return ovl_way_set_xattr(fx, entry, OVL_X_NLINK,
				 (struct ovl_bytes){ (unsigned char *)value, (size_t)len });
}

/* What is shown there is a file of the index: it gets this name too. 1; 0 if there is none. */
static int link_indexed(struct ovl_fixer *fx, const struct ovl_stat *lower, struct ovl_loc to)
{
	static const struct ovl_bytes mark_y = { (const unsigned char *)"y", 1 };
	const struct ovl_key key = { lower->dev, lower->ino };
	const struct ovl_loc dir = { to.layer, to.path->parent };
	const struct ovl_fact_index *index;
	struct ovl_loc entry = { OVL_LAYER_INDEX, NULL };
	const uint64_t *n = NULL;
	int r;

	if (fx->facts->index_judged)
		n = ovl_map_get(&fx->facts->index_lower, key);
	if (!n)
		return 0;
	index = &fx->facts->index.data[*n - 1];
	entry.path = ovl_path_new(NULL, index->name, strlen(index->name));
	if (!entry.path)
		return -ENOMEM;
	r = keep_count(fx, entry, index->lower_nlink);
	if (r == 0)
		r = ovl_way_set_xattr(fx, dir, OVL_X_IMPURE, mark_y);
	if (r == 0)
		r = ovl_way_link(fx, entry, to);
	ovl_path_unref((struct ovl_path *)entry.path);
	return r < 0 ? r : 1;
}

int ovl_fix_convert_metacopy_below(struct ovl_fixer *fx)
{
	const struct ovl_loc to = fx->finding->loc;
	struct ovl_hit hit;
	int r = ovl_fixer_shows(fx, to, &hit);

	if (r < 0)
		return r;
	if (hit.result == 0 && hit.has_upper)
		r = ovl_way_refuse(fx, "the upper has it by now");
	else if (hit.result == 0)
		r = link_indexed(fx, &hit.lower[0].stat, to);
	if (r == 0 && hit.result == 0 && !fx->why)
		r = link_copied(fx, &hit.lower[0].stat, to);
	if (r == 0 && !fx->why)
		r = copy_shown(fx, &hit, to);
	ovl_hit_done(&hit);
	return r;
}

/* ---- What the upper must have before ---- */

int ovl_need_parent(struct ovl_fixer *fx, struct ovl_parents *parents)
{
	return ovl_parents_want(parents, fx->stack, fx->finding->loc.path->parent);
}

int ovl_need_itself(struct ovl_fixer *fx, struct ovl_parents *parents)
{
	return ovl_parents_want(parents, fx->stack, fx->finding->loc.path);
}

/* ---- Names ---- */

/** What is to be done with each name under which a lower file is shown from the index. */
typedef int name_fn(struct ovl_fixer *fx, struct ovl_path *shown, void *ctx);

static int on_shown(struct ovl_fixer *fx, const struct ovl_fact_name *name, name_fn *fn, void *ctx)
{
	struct ovl_path *path = NULL;
	struct ovl_hit hit;
	int r = ovl_view_name_shown(fx->stack, fx->facts, name->loc, &name->stat, &hit, &path);

	if (r <= 0)
		return r;
	r = 0;
	if (!hit.has_upper && hit.lower[0].layer == name->loc.layer &&
	    hit.lower[0].stat.ino == name->stat.ino)
		r = fn(fx, path, ctx);
	ovl_hit_done(&hit);
	ovl_path_unref(path);
	return r < 0 ? r : 0;
}

static int each_shown(struct ovl_fixer *fx, const struct ovl_fact_index *entry, name_fn *fn,
		      void *ctx)
{
	const struct ovl_fact_name *name;
	size_t n = ovl_facts_names(fx->facts, entry->lower.a, entry->lower.b, &name);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = on_shown(fx, &name[i], fn, ctx);
	return r;
}

static int link_shown(struct ovl_fixer *fx, struct ovl_path *shown, void *ctx)
{
	(void)ctx;
	return ovl_way_link(fx, fx->finding->loc, (struct ovl_loc){ OVL_LAYER_UPPER, shown });
}

static int want_parent(struct ovl_fixer *fx, struct ovl_path *shown, void *ctx)
{
	return ovl_parents_want(ctx, fx->stack, shown->parent);
}

int ovl_need_names(struct ovl_fixer *fx, struct ovl_parents *parents)
{
	const struct ovl_fact_index *entry;
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, fx->finding->loc, &obs);

	if (r < 0)
		return r;
	entry = find_entry(fx, obs.stat.ino);
	return entry ? each_shown(fx, entry, want_parent, parents) : 0;
}

/*
 * The name in the index goes. Where no name in the upper is left to the file, the last of the new ones is
 * made of it: an operation must not build upon another one. What is shown nowhere is set aside.
 */
static int drop_entry(struct ovl_fixer *fx, uint64_t ino)
{
	const struct ovl_fact_link *link = ovl_facts_find_link(fx->facts, ino);
	const struct ovl_loc entry = fx->finding->loc;
	ovl_op_vec *ops = &fx->way->ops;

	if (link && link->names > 0)
		return ovl_way_unlink(fx, (struct ovl_loc){ OVL_LAYER_UPPER, link->path }, entry);
	if (ops->len == 0)
		return ovl_way_set_aside(fx, entry);
	ops->data[ops->len - 1].type = OVL_OP_MOVE;
	return 0;
}

static int say_dropped(struct ovl_fixer *fx, size_t n_links)
{
	int r = n_links == 0 ? ovl_way_say(fx, "drop it") :
			       ovl_way_say(fx, "make %zu %s in the upper, and drop it", n_links,
					   n_links == 1 ? "name" : "names");

	return r < 0 ? r : 1;
}

int ovl_fix_convert_index(struct ovl_fixer *fx)
{
	const struct ovl_fact_index *entry;
	struct ovl_obs obs;
	size_t n;
	int r = ovl_fixer_observe(fx, fx->finding->loc, &obs);

	if (r < 0)
		return r;
	entry = find_entry(fx, obs.stat.ino);
	if (!entry)
		return ovl_way_refuse(fx, "it is in the index no more");
	r = each_shown(fx, entry, link_shown, NULL);
	n = fx->way->ops.len;
	if (r == 0)
		r = drop_entry(fx, obs.stat.ino);
	return r < 0 ? r : say_dropped(fx, n);
}

/* Names that could not be made in the upper are still found through it. */
int ovl_fix_convert_index_dir(struct ovl_fixer *fx)
{
	for (size_t i = 0; fx->facts->index_judged && i < fx->facts->link.len; i++)
		if (fx->facts->link.data[i].index)
			return ovl_way_refuse(fx, "files are still found through it");
	return ovl_fix_index_root_aside(fx);
}

int ovl_fix_convert_nlink(struct ovl_fixer *fx)
{
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, fx->finding->loc, &obs);

	if (r < 0)
		return r;
	if (find_entry(fx, obs.stat.ino))
		return ovl_way_refuse(fx, "it is in the index");
	r = ovl_way_remove_xattr(fx, fx->finding->loc, OVL_X_NLINK);
	if (r == 0)
		r = ovl_way_remove_xattr(fx, fx->finding->loc, OVL_X_ORIGIN);
	return r < 0 ? r : 1;
}

/* ---- Directories ---- */

/* (What is shown from a lower layer has a directory in the upper by now.) */
int ovl_fix_convert_redirect(struct ovl_fixer *fx)
{
	return ovl_expand_dir(fx, fx->finding->loc);
}

/* ---- Marks ---- */

int ovl_fix_convert_xwhiteout_below(struct ovl_fixer *fx)
{
	const struct ovl_loc loc = fx->finding->loc;
	const struct ovl_loc dir = { loc.layer, loc.path->parent };
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, dir, &obs);

	if (r == -ENOENT)
		return ovl_way_refuse(fx, "its directory is not in the upper");
	if (r < 0)
		return r;
	r = ovl_fixer_observe(fx, loc, &obs);
	if (r != -ENOENT)
		return r < 0 ? r : ovl_way_refuse(fx, "something is there by now");
	r = ovl_way_whiteout(fx, loc);
	return r < 0 ? r : 1;
}

int ovl_fix_convert_redirect_index(struct ovl_fixer *fx)
{
	int r = ovl_way_remove_xattr(fx, fx->finding->loc, OVL_X_REDIRECT);

	return r < 0 ? r : 1;
}

int ovl_fix_convert_strip(struct ovl_fixer *fx)
{
	static const enum ovl_xattr_id marks[] = { OVL_X_ORIGIN, OVL_X_IMPURE, OVL_X_REDIRECT };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(marks); i++)
		r = ovl_way_remove_xattr(fx, fx->finding->loc, marks[i]);
	return r < 0 ? r : 1;
}
