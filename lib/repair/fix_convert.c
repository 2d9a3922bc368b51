/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conversion: the upper gets all that the target could not find elsewhere.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/view.h"
#include "repair/fixes.h"
#include "repair/trees.h"

#include "base/banned.h"

/* ---- Data ---- */

/* The file gets the content that it shows; then it is no metacopy any more. */
static int complete(struct ovl_fixer *fx, struct ovl_loc file, const struct ovl_found *data)
{
	int r = ovl_way_fill(fx, file, (struct ovl_loc){ data->layer, data->path });

	if (r == 0)
		r = ovl_way_remove_xattr(fx, file, OVL_X_METACOPY);
	if (r == 0)
		r = ovl_way_remove_xattr(fx, file, OVL_X_REDIRECT);
	return r < 0 ? r : 1;
}

static int complete_shown(struct ovl_fixer *fx, struct ovl_loc file, const struct ovl_hit *hit)
{
	struct ovl_found storage = { 0 };
	const struct ovl_found *data;
	int r;

	if (hit->result < 0)
		return ovl_way_refuse(fx, "it cannot be looked up");
	r = ovl_lookup_data(fx->stack, hit, &storage, &data);
	if (r < 0)
		return r == -ENOMEM ? r : ovl_way_refuse(fx, "it has no data");
	r = complete(fx, file, data);
	ovl_found_done(&storage);
	return r;
}

int ovl_fix_convert_metacopy(struct ovl_fixer *fx)
{
	const struct ovl_loc file = fx->finding->loc;
	struct ovl_hit hit;
	int r = ovl_fixer_names(fx, file);

	if (r <= 0)
		return r < 0 ? r : ovl_way_refuse(fx, "it has names outside of the layer");
	r = ovl_fixer_shows(fx, file, &hit);
	if (r < 0)
		return r;
	r = complete_shown(fx, file, &hit);
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

int ovl_fix_convert_metacopy_below(struct ovl_fixer *fx)
{
	return ovl_way_refuse(fx, "not built yet");
}

/* ---- Names ---- */

/* What is shown from the index gets its name in the upper. 0 or negative errno. */
static int link_shown(struct ovl_fixer *fx, struct ovl_loc file, const struct ovl_fact_name *name)
{
	struct ovl_path *path = NULL;
	struct ovl_hit hit;
	int r = ovl_view_name_shown(fx->stack, fx->facts, name->loc, &name->stat, &hit, &path);

	if (r <= 0)
		return r;
	r = 0;
	if (!hit.has_upper && hit.lower[0].layer == name->loc.layer &&
	    hit.lower[0].stat.ino == name->stat.ino)
		r = ovl_way_link(fx, file, (struct ovl_loc){ OVL_LAYER_UPPER, path });
	ovl_hit_done(&hit);
	ovl_path_unref(path);
	return r;
}

static int link_names(struct ovl_fixer *fx, const struct ovl_fact_index *entry)
{
	const struct ovl_fact_name *name;
	size_t n = ovl_facts_names(fx->facts, entry->lower.a, entry->lower.b, &name);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = link_shown(fx, fx->finding->loc, &name[i]);
	return r;
}

/* The name in the index goes, where another one is left; else the whole entry is set aside. */
static int drop_entry(struct ovl_fixer *fx, uint64_t ino, uint32_t mode)
{
	const struct ovl_fact_link *link = ovl_facts_find_link(fx->facts, ino);
	const struct ovl_loc entry = fx->finding->loc;
	const ovl_op_vec *ops = &fx->way->ops;
	const struct ovl_op *last = ops->len ? &ops->data[ops->len - 1] : NULL;
	struct ovl_op op = { .type = OVL_OP_UNLINK, .ino = ino, .mode = mode };
	int r;

	if (link && link->names > 0)
		return ovl_way_unlink(fx, (struct ovl_loc){ OVL_LAYER_UPPER, link->path }, entry);
	if (!last)
		return ovl_way_set_aside(fx, entry);
	op.at.tree = last->to.tree;
	op.at.path = strdup(last->to.path);
	r = op.at.path ? ovl_place_set(&op.to, entry) : -ENOMEM;
	return ovl_way_add(fx, &op, r);
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
	const struct ovl_fact_index *entry = NULL;
	struct ovl_obs obs;
	size_t n;
	int r = ovl_fixer_observe(fx, fx->finding->loc, &obs);

	if (r < 0)
		return r;
	if (obs.kind != OVL_KIND_DIR && obs.kind != OVL_KIND_WHITEOUT)
		entry = find_entry(fx, obs.stat.ino);
	if (entry)
		r = link_names(fx, entry);
	n = fx->way->ops.len;
	if (r == 0 && entry)
		r = drop_entry(fx, obs.stat.ino, obs.stat.mode);
	else if (r == 0)
		r = ovl_way_set_aside(fx, fx->finding->loc);
	return r < 0 ? r : say_dropped(fx, n);
}

/* What is left in the index is shown from there: without it the lower file would come back. */
int ovl_fix_convert_index_dir(struct ovl_fixer *fx)
{
	if (fx->facts->index.len > 0)
		return ovl_way_refuse(fx, "there is still something in it");
	return ovl_fix_index_root_aside(fx);
}

int ovl_fix_convert_nlink(struct ovl_fixer *fx)
{
	int r = ovl_way_remove_xattr(fx, fx->finding->loc, OVL_X_NLINK);

	if (r == 0)
		r = ovl_way_remove_xattr(fx, fx->finding->loc, OVL_X_ORIGIN);
	return r < 0 ? r : 1;
}

/* ---- Directories ---- */

int ovl_fix_convert_redirect(struct ovl_fixer *fx)
{
	return ovl_fix_redirect_expand(fx);
}

int ovl_fix_convert_redirect_below(struct ovl_fixer *fx)
{
	return ovl_way_refuse(fx, "not built yet");
}

/* ---- Marks ---- */

int ovl_fix_convert_strip(struct ovl_fixer *fx)
{
	static const enum ovl_xattr_id marks[] = { OVL_X_ORIGIN, OVL_X_IMPURE, OVL_X_REDIRECT };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(marks); i++)
		r = ovl_way_remove_xattr(fx, fx->finding->loc, marks[i]);
	return r < 0 ? r : 1;
}
