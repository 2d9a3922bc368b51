/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why the overlay shows a path as it does.
 *
 *   walk_path()     looks the names up one by one; notes for each layer that drops out why it does
 *   explain()       the last name, or the first that fails: every place that the lookup saw
 *   add_hidden()    what the layers have at this path and the lookup did not ask for
 *   add_data()      the file in a data-only layer
 *   (inspect_index.c: the entry of the index)
 *
 * Kernel: fs/overlayfs/namei.c, ovl_lookup(), by way of stack/lookup.h.
 */
#include "overlayfs/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/inspect_state.h"

#include "base/banned.h"

/* ---- What the lookup tells ---- */

/* Of several steps in one layer, along a path with several names, the last one counts. */
static void keep_step(void *ctx, const struct ovl_step *step)
{
	struct ovl_inspect *in = ctx;
	struct ovl_inspect_memory *m = in->memory;
	struct ovl_inspect_item *item;

	if (m->item.len > 0 && m->item.data[m->item.len - 1].loc.layer == step->layer)
		ovl_inspect_item_drop_last(m);
	if (ovl_inspect_item_add(m, step->layer, step->path, step->obs, &item) < 0) {
		in->failed = true;
		return;
	}
	item->used = step->used;
	item->stop = step->stop;
}

static const struct ovl_inspect_item *item_of(const struct ovl_inspect *in, int layer)
{
	for (size_t i = 0; i < in->memory->item.len; i++)
		if (in->memory->item.data[i].loc.layer == layer)
			return &in->memory->item.data[i];
	return NULL;
}

/* The place that ended the lookup above @layer; NULL: none did. */
static const struct ovl_inspect_item *stopper_above(const struct ovl_inspect *in, int layer)
{
	const struct ovl_inspect_item *last = NULL;

	for (size_t i = 0; i < in->memory->item.len; i++)
		if (in->memory->item.data[i].loc.layer < layer)
			last = &in->memory->item.data[i];
	return last && last->stop ? last : NULL;
}

/* "upper:/d is opaque": why a place ends a lookup. free() it; NULL: out of memory */
static char *why_it_stops(const struct ovl_inspect *in, const struct ovl_inspect_item *item)
{
	_cleanup_free_ char *place = ovl_stack_place(in->stack, item->loc);
	enum ovl_opaque opaque = OVL_OPAQUE_NO;
	char *text;
	int n;

	if (!place)
		return NULL;
	if (item->obs.xmask & OVL_XBIT(OPAQUE))
		ovl_value_opaque(item->obs.x[OVL_X_OPAQUE], &opaque);
	if (item->obs.kind == OVL_KIND_DIR && opaque == OVL_OPAQUE_YES)
		n = asprintf(&text, "%s is opaque", place);
	else
		n = asprintf(&text, "%s is a %s", place, ovl_kind_name(item->obs.kind));
	return n < 0 ? NULL : text;
}

/* ---- Down to the last name ---- */

/* What the layers below the object are asked for: a name, or a path from their roots. */
static int next_path(const struct ovl_dir *dir, const struct ovl_hit *hit, const char *name,
		     struct ovl_path **ret)
{
	const char *slash;

	if (hit->redirect && hit->redirect[0] == '/')
		return ovl_path_parse(hit->redirect, ret);
	slash = hit->redirect ? strrchr(hit->redirect, '/') : NULL;
	if (hit->redirect)
		name = slash ? slash + 1 : hit->redirect;
	*ret = ovl_path_new(dir->path, name, strlen(name));
	return *ret ? 0 : -ENOMEM;
}

/* Layers of the parent that were not asked drop out here, with all that is below the name. */
static int note_dropped(struct ovl_inspect *in, const struct ovl_entry *parent, const char *name,
			const struct ovl_hit *hit)
{
	const struct ovl_inspect_item *stopper;
	struct ovl_inspect_drop *drop;
	int r = 0;

	for (size_t i = 0; r == 0 && i < parent->n_lower; i++) {
		drop = &in->drop[parent->lower[i]->layer];
		stopper = stopper_above(in, parent->lower[i]->layer);
		if (!stopper || item_of(in, parent->lower[i]->layer))
			continue;
		drop->why = why_it_stops(in, stopper);
		r = drop->why ? next_path(parent->lower[i], hit, name, &drop->path) : -ENOMEM;
	}
	return r;
}

/* The dropped layers go on by name, as far as it goes: nobody redirects there. */
static int extend_dropped(struct ovl_inspect *in, const char *name)
{
	for (size_t i = 0; i < in->stack->n_layer; i++) {
		struct ovl_path *child;

		if (!in->drop[i].why)
			continue;
		child = ovl_path_new(in->drop[i].path, name, strlen(name));
		if (!child)
			return -ENOMEM;
		ovl_path_unref(in->drop[i].path);
		in->drop[i].path = child;
	}
	return 0;
}

/*
 * Looks the names up until the last one, or the first that does not lead on; that one is left in
 * @in: its parent, its hit, and the places that were seen.
 */
static int walk_path(struct ovl_inspect *in, const struct ovl_path **names, size_t n)
{
	struct ovl_entry *next;
	int r;

	for (size_t i = 0;; i++) {
		ovl_inspect_item_clear(in->memory);
		ovl_hit_done(&in->hit);
		in->path = names[i];
		r = ovl_lookup(in->stack, in->parent, names[i]->name, keep_step, in, &in->hit);
		if (r < 0 || in->failed)
			return in->failed ? -ENOMEM : r;
		in->is_last = i == n - 1;
		if (in->is_last || in->hit.result < 0 || !in->hit.is_dir)
			return extend_dropped(in, names[i]->name);
		r = extend_dropped(in, names[i]->name);
		if (r == 0)
			r = note_dropped(in, in->parent, names[i]->name, &in->hit);
		if (r == 0)
			r = ovl_lookup_entry(in->stack, in->parent, &in->hit, &next);
		if (r < 0)
			return r;
		ovl_entry_unref(in->parent);
		in->parent = next;
	}
}

/* ---- The last name ---- */

static bool in_hit(const struct ovl_hit *hit, const struct ovl_inspect_item *item)
{
	if (item->loc.layer == OVL_LAYER_UPPER)
		return hit->has_upper;
	for (size_t i = 0; i < hit->n_lower; i++)
		if (hit->lower[i].layer == item->loc.layer)
			return true;
	return false;
}

static bool is_whiteout(const struct ovl_inspect_item *item)
{
	return item->obs.kind == OVL_KIND_WHITEOUT || item->obs.kind == OVL_KIND_XWHITEOUT;
}

/* What a place that the lookup saw has to do with the result. */
static int explain_place(struct ovl_inspect *in, struct ovl_inspect_item *item)
{
	const struct ovl_hit *hit = &in->hit;

	if (!item->present)
		return 0;
	if (is_whiteout(item))
		return ovl_inspect_item_say(item, "says that the name is deleted");
	if (hit->result < 0 || !item->used) {
		item->part |= OVL_PART_HIDDEN;
		if (item->used)
			return 0;
		return ovl_inspect_item_say(item,
					    hit->is_dir ? "cannot be merged with the directory above" :
							  "cannot have the data of the file above");
	}
	if (hit->is_dir)
		item->part |= OVL_PART_MERGED;
	else if (!in_hit(hit, item))
		return ovl_inspect_item_say(item, "a metacopy file on the way to the data");
	return 0;
}

static int explain_metadata(struct ovl_inspect *in)
{
	for (size_t i = 0; i < in->memory->item.len; i++) {
		struct ovl_inspect_item *item = &in->memory->item.data[i];

		if (item->present && item->used && in_hit(&in->hit, item)) {
			item->part |= OVL_PART_METADATA;
			return 0;
		}
	}
	return 0;
}

static int explain(struct ovl_inspect *in)
{
	struct ovl_inspect_memory *m = in->memory;
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->item.len; i++)
		r = explain_place(in, &m->item.data[i]);
	if (r == 0 && in->hit.result == 0)
		r = explain_metadata(in);
	return r;
}

/* ---- What is hidden ---- */

/* Looks at a place on its own account. 1 and the place, 0 if there is nothing (to be seen), -ENOMEM. */
static int add_place(struct ovl_inspect *in, int layer, const struct ovl_path *path,
		     struct ovl_inspect_item **ret)
{
	_cleanup_(ovl_dir_unrefp) struct ovl_dir *dir = NULL;
	struct ovl_obs obs;
	int fd, r;

	dir = ovl_dir_new(in->stack, layer, path ? path->parent : NULL);
	if (!dir)
		return -ENOMEM;
	if (ovl_dir_pin(dir, &fd) < 0)
		return 0;
	r = ovl_reader_observe(in->stack->reader, fd, path ? path->name : "",
			       in->stack->config.userxattr, &in->scratch, &obs);
	ovl_dir_unpin(dir);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = ovl_inspect_item_add(in->memory, layer, path, &obs, ret);
	return r < 0 ? r : 1;
}

static int add_hidden_place(struct ovl_inspect *in, int layer, const struct ovl_path *path,
			    const char *why)
{
	struct ovl_inspect_item *item;
	int r;

	if (ovl_inspect_item_find(in->memory, layer, path))
		return 0;
	r = add_place(in, layer, path, &item);
	if (r <= 0)
		return r;
	if (!is_whiteout(item))
		item->part |= OVL_PART_HIDDEN;
	return ovl_inspect_item_say(item, "%s", why);
}

/* A lower directory of the parent, which was asked for nothing, or for another name. */
static int add_hidden_below(struct ovl_inspect *in, const struct ovl_dir *dir)
{
	const struct ovl_inspect_item *stopper = stopper_above(in, dir->layer);
	bool asked = item_of(in, dir->layer) != NULL;
	_cleanup_free_ char *why = NULL;
	struct ovl_path *path;
	int r;

	if (!asked && stopper) {
		why = why_it_stops(in, stopper);
		r = why ? next_path(dir, &in->hit, in->path->name, &path) : -ENOMEM;
	} else if (asked && in->hit.redirect) {
		why = strdup("a redirect in a layer above leads elsewhere");
		path = ovl_path_new(dir->path, in->path->name, in->path->len);
		r = why && path ? 0 : -ENOMEM;
	} else {
		return 0;
	}
	if (r == 0)
		r = add_hidden_place(in, dir->layer, path, why);
	ovl_path_unref(path);
	return r;
}

static int add_hidden(struct ovl_inspect *in)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->parent->n_lower; i++)
		r = add_hidden_below(in, in->parent->lower[i]);
	for (size_t i = 0; r == 0 && i < in->stack->n_layer; i++)
		if (in->drop[i].why)
			r = add_hidden_place(in, (int)i, in->drop[i].path, in->drop[i].why);
	return r;
}
