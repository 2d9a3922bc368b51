/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places that a lookup did not look at, or not for long: what is hidden, where the data is, the index.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/inspect_state.h"
#include "format/value.h"
#include "overlayfs/fh.h"

#include "base/banned.h"

static bool is_whiteout(const struct ovl_obs *obs)
{
	return obs->kind == OVL_KIND_WHITEOUT || obs->kind == OVL_KIND_XWHITEOUT;
}

const struct ovl_inspect_item *ovl_inspect_place_asked(const struct ovl_inspect *in, int layer)
{
	for (size_t i = 0; i < in->memory->item.len; i++) {
		const struct ovl_inspect_item *item = &in->memory->item.data[i];

		if (item->asked && item->loc.layer == layer)
			return item;
	}
	return NULL;
}

/* "upper:/d is opaque": why a place ends a lookup. NULL: out of memory */
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

int ovl_inspect_place_stopper(const struct ovl_inspect *in, int layer, char **ret)
{
	const struct ovl_inspect_item *last = NULL;

	for (size_t i = 0; i < in->memory->item.len; i++) {
		const struct ovl_inspect_item *item = &in->memory->item.data[i];

		if (item->asked && item->loc.layer < layer)
			last = item;
	}
	*ret = NULL;
	if (!last || !last->stop || !last->present)
		return 0;
	*ret = why_it_stops(in, last);
	return *ret ? 0 : -ENOMEM;
}

int ovl_inspect_place_next(const struct ovl_inspect *in, const struct ovl_dir *dir,
			   struct ovl_path **ret)
{
	const char *redirect = in->hit.redirect, *name = in->path->name, *slash;

	if (redirect && redirect[0] == '/')
		return ovl_path_parse(redirect, ret) < 0 ? -ENOMEM : 0;
	if (redirect) {
		slash = strrchr(redirect, '/');
		name = slash ? slash + 1 : redirect;
	}
	*ret = ovl_path_new(dir->path, name, strlen(name));
	return *ret ? 0 : -ENOMEM;
}

int ovl_inspect_place_add(struct ovl_inspect *in, int layer, const struct ovl_path *path,
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
	/* In a data-only layer a whiteout is nothing but an empty file. */
	if (obs.kind == OVL_KIND_XWHITEOUT && layer > (int)in->stack->n_lower)
		obs.kind = OVL_KIND_REG;
	r = ovl_inspect_item_add(in->memory, layer, path, &obs, ret);
	return r < 0 ? r : 1;
}

/* ---- What is hidden ---- */

static int add_hidden(struct ovl_inspect *in, int layer, const struct ovl_path *path,
		      const char *why)
{
	struct ovl_inspect_item *item;
	int r;

	if (ovl_inspect_item_find(in->memory, layer, path))
		return 0;
	r = ovl_inspect_place_add(in, layer, path, &item);
	if (r <= 0)
		return r;
	if (!is_whiteout(&item->obs))
		item->part |= OVL_PART_HIDDEN;
	return ovl_inspect_item_say(item, "%s", why);
}

/* A lower directory of the parent that was not asked at all. */
static int add_not_asked(struct ovl_inspect *in, const struct ovl_dir *dir)
{
	_cleanup_free_ char *why = NULL;
	struct ovl_path *path;
	int r = ovl_inspect_place_stopper(in, dir->layer, &why);

	if (r < 0 || !why)
		return r;
	r = ovl_inspect_place_next(in, dir, &path);
	if (r < 0)
		return r;
	r = add_hidden(in, dir->layer, path, why);
	ovl_path_unref(path);
	return r;
}

/* One that was asked for another name than that of the overlay. */
static int add_not_meant(struct ovl_inspect *in, const struct ovl_dir *dir)
{
	struct ovl_path *path = ovl_path_new(dir->path, in->path->name, in->path->len);
	int r = path ? 0 : -ENOMEM;

	if (path)
		r = add_hidden(in, dir->layer, path, "a redirect further up leads elsewhere");
	ovl_path_unref(path);
	return r;
}

int ovl_inspect_place_hidden(struct ovl_inspect *in)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->parent->n_lower; i++) {
		const struct ovl_dir *dir = in->parent->lower[i];

		if (!ovl_inspect_place_asked(in, dir->layer))
			r = add_not_asked(in, dir);
		else if (in->hit.redirect)
			r = add_not_meant(in, dir);
	}
	for (size_t i = 0; r == 0 && i < in->stack->n_layer; i++)
		if (in->drop[i].why)
			r = add_hidden(in, (int)i, in->drop[i].path, in->drop[i].why);
	return r;
}

/* ---- The data ---- */

int ovl_inspect_place_data(struct ovl_inspect *in)
{
	const struct ovl_found *data;
	struct ovl_found storage = { 0 };
	struct ovl_inspect_item *item;
	int r;

	if (in->hit.result < 0 || in->hit.is_dir)
		return 0;
	r = ovl_lookup_data(in->stack, &in->hit, &storage, &data);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		/* Only a file whose redirect leads into the data-only layers gets here. */
		for (size_t i = 0; i < in->memory->item.len; i++) {
			item = &in->memory->item.data[i];
			if (item->part & OVL_PART_METADATA)
				return ovl_inspect_item_say(item,
							    "cannot be opened: no data-only layer "
							    "has its data (%s)",
							    strerror(-r));
		}
		return 0;
	}
	item = ovl_inspect_item_find(in->memory, data->layer, data->path);
	r = item ? 1 : ovl_inspect_place_add(in, data->layer, data->path, &item);
	if (r > 0 && item->obs.kind == OVL_KIND_REG)
		item->part |= OVL_PART_DATA;
	ovl_found_done(&storage);
	return r < 0 ? r : 0;
}

/* ---- The index ---- */

/* The topmost lower object of the hit; NULL: none */
static const struct ovl_found *top_lower(const struct ovl_hit *hit)
{
	return hit->n_lower > 0 ? &hit->lower[0] : NULL;
}

/* The handle of a lower object as overlayfs writes it. Its length, or negative errno. */
static int encode(struct ovl_inspect *in, const struct ovl_found *lower, unsigned char *ret_raw)
{
	static const uint8_t none[16];
	const struct ovl_root *root = &ovl_stack_layer(in->stack, lower->layer)->root;
	_cleanup_(ovl_dir_unrefp) struct ovl_dir *dir = NULL;
	struct ovl_reader *reader = in->stack->reader;
	struct ovl_fid fid;
	int fd, r;

	dir = ovl_dir_new(in->stack, lower->layer, lower->path->parent);
	if (!dir)
		return -ENOMEM;
	r = ovl_dir_pin(dir, &fd);
	if (r < 0)
		return r;
	r = reader->ops->encode(reader, fd, lower->path->name, &fid);
	ovl_dir_unpin(dir);
	if (r < 0)
		return r;
	return ovl_fh_build(0, (uint8_t)fid.type,
			    in->stack->config.uuid == OVL_UUID_OFF ? none : root->uuid,
			    (struct ovl_bytes){ fid.data, fid.len }, ret_raw);
}

/* The name that an index entry of the object has: its origin, or what its origin would be. */
static int index_name(struct ovl_inspect *in, struct ovl_buf *ret)
{
	const struct ovl_inspect_item *upper = ovl_inspect_place_asked(in, OVL_LAYER_UPPER);
	unsigned char raw[OVL_FH_MAX_LEN];
	struct ovl_bytes origin = { raw, 0 };
	struct ovl_fh fh;
	int r;

	if (in->hit.has_upper) {
		if (!upper || !(upper->obs.xmask & OVL_XBIT(ORIGIN)))
			return 0;
		origin = upper->obs.x[OVL_X_ORIGIN];
		if (ovl_fh_parse(origin, &fh) < 0)
			return 0;
		origin.len = fh.len;
	} else if (top_lower(&in->hit)) {
		r = encode(in, top_lower(&in->hit), raw);
		if (r < 0)
			return r == -ENOMEM ? r : 0;
		origin.len = (size_t)r;
	}
	return ovl_buf_add_hex(ret, origin.data, origin.len);
}

/* The entry is the upper of a lower file that has none under its name. */
static int take_for_upper(struct ovl_inspect *in, struct ovl_inspect_item *entry)
{
	const struct ovl_found *lower = top_lower(&in->hit);
	bool metacopy = ovl_obs_has(&entry->obs, OVL_X_METACOPY);

	if (entry->obs.kind != lower->kind) {
		in->hit.result = -EIO;
		return ovl_inspect_item_say(entry, "is not of the type of the lower object");
	}
	for (size_t i = 0; i < in->memory->item.len; i++) {
		struct ovl_inspect_item *item = &in->memory->item.data[i];

		item->part &= ~(unsigned)OVL_PART_METADATA;
		if (metacopy || !(item->part & OVL_PART_DATA))
			continue;
		item->part = OVL_PART_HIDDEN;
		if (ovl_inspect_item_say(item, "the index has what stands for its upper") < 0)
			return -ENOMEM;
	}
	entry->part |= OVL_PART_METADATA;
	if (!metacopy && entry->obs.kind == OVL_KIND_REG)
		entry->part |= OVL_PART_DATA;
	return ovl_inspect_item_say(entry, "stands for the upper of all names of the lower file");
}

int ovl_inspect_place_index(struct ovl_inspect *in)
{
	struct ovl_stack *stack = in->stack;
	_cleanup_(ovl_buf_done) struct ovl_buf name = { 0 };
	const struct ovl_inspect_item *upper;
	struct ovl_inspect_item *entry;
	struct ovl_path *path;
	int r;

	if (in->hit.result < 0 || stack->index.root.fd < 0 || stack->config.index != OVL_ON ||
	    (in->hit.is_dir && stack->config.nfs_export != OVL_ON))
		return 0;
	r = index_name(in, &name);
	if (r < 0 || name.len == 0)
		return r;
	path = ovl_path_new(NULL, name.data, name.len);
	r = path ? ovl_inspect_place_add(in, OVL_LAYER_INDEX, path, &entry) : -ENOMEM;
	ovl_path_unref(path);
	if (r <= 0)
		return r;
	if (in->hit.is_dir)
		return ovl_inspect_item_say(entry, "for NFS: leads to the upper directory");
	if (!in->hit.has_upper)
		return take_for_upper(in, entry);
	upper = ovl_inspect_place_asked(in, OVL_LAYER_UPPER);
	return ovl_inspect_item_say(
		entry, upper && upper->obs.stat.ino == entry->obs.stat.ino ?
			       "the inode of the upper file" :
			       "another inode than that of the upper file: not heeded");
}
