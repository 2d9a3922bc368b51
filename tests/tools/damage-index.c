/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damage to the index and its entries.
 */
#include "damage.h"

#include <ctype.h>
#include <unistd.h>

enum { AT_VERSION = 0, AT_FLAGS = 3 };

enum { FLAG_PATH_UPPER = 4 };

/** Entries are looked at if the index is in force. */
static struct dmg_layer *index_in_force(struct dmg *d)
{
	return d->index && d->upper ? d->index_layer : NULL;
}

static bool is_entry(const struct dmg_obj *o)
{
	return o->dir && !o->dir->dir && o->name[0] != '#';
}

/** An upper inode in the index. */
static bool is_file(struct dmg *d, const struct dmg_obj *o)
{
	return index_in_force(d) && is_entry(o) && !dmg_is_dir(o) && !dmg_is_whiteout(o);
}

/** An entry that stands for an upper directory. */
static bool is_dir_entry(struct dmg *d, const struct dmg_obj *o)
{
	return index_in_force(d) && is_entry(o) && dmg_is_dir(o) && d->nfs_export;
}

/** The first upper name of the inode of an entry, or NULL. */
static const struct dmg_obj *upper_name(const struct dmg *d, const struct dmg_obj *entry)
{
	for (size_t i = 0; i < d->upper->count; i++)
		if (d->upper->objs[i]->st.st_ino == entry->st.st_ino)
			return d->upper->objs[i];
	return NULL;
}

/** Needs the directory of an upper object its mark "impure" for others as well? */
static bool is_impure_for_others(const struct dmg_obj *o)
{
	const struct dmg_layer *layer = o->layer;

	if (!dmg_has(o->dir, DMG_IMPURE))
		return true;
	for (size_t i = 1; i < layer->count; i++) {
		const struct dmg_obj *other = layer->objs[i];

		if (other->dir == o->dir && other->st.st_ino != o->st.st_ino &&
		    (dmg_has(other, DMG_ORIGIN) || dmg_has(other, DMG_REDIRECT)))
			return true;
	}
	return false;
}

/** Without the origin of this inode, does every directory of it stay impure? */
static bool is_impure_without(struct dmg *d, const struct dmg_obj *entry)
{
	for (size_t i = 0; i < d->upper->count; i++)
		if (d->upper->objs[i]->st.st_ino == entry->st.st_ino &&
		    !is_impure_for_others(d->upper->objs[i]))
			return false;
	return true;
}

static bool plant_root_upper(struct dmg *d)
{
	struct dmg_layer *index = index_in_force(d);
	_cleanup_(dmg_value_done) struct dmg_value v = { 0 };
	_cleanup_free_ char *path = ovl_tool_format("%s/outside/planted", d->dir);

	if (!index)
		return false;
	if (ovl_tool_chance(&d->rng, 1, 2)) {
		v = dmg_handle_stale(d, S_IFDIR);
	} else {
		dmg_do_mkdir(d, path, 0755);
		v = dmg_handle(d, path);
	}
	v.data[AT_FLAGS] |= FLAG_PATH_UPPER;
	dmg_do_set(d, index->dir, DMG_UPPER, v.data, v.len);
	dmg_expect("index-root-upper", index->objs[0]);
	dmg_expect_less();
	return true;
}

static bool has_files(const struct dmg_layer *index)
{
	for (size_t i = 1; i < index->count; i++)
		if (!dmg_is_dir(index->objs[i]) && !dmg_is_whiteout(index->objs[i]))
			return true;
	return false;
}

/**
 * The index is put aside, beside the layers, with what it holds: but not with names of upper files,
 * which would be links from outside then.
 */
static bool plant_root_type(struct dmg *d)
{
	struct dmg_layer *index = index_in_force(d);
	_cleanup_free_ char *aside = ovl_tool_format("%s/aside", d->dir);

	if (!index || has_files(index))
		return false;
	dmg_do_rename(d, index->dir, aside);
	if (ovl_tool_chance(&d->rng, 1, 2))
		dmg_do_file(d, index->dir, 10);
	else
		dmg_do_mknod(d, index->dir, S_IFIFO | 0600, 0);
	dmg_expect("index-root-type", index->objs[0]);
	return true;
}

static bool has_fh(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return o->fh.there && o->dir;
}

/** A new entry, most likely a file; the caller frees its path. */
static char *new_entry(struct dmg *d, const struct dmg_layer *index, const char *name)
{
	char *path = dmg_path_in(index->objs[0], name);

	if (ovl_tool_chance(&d->rng, 1, 4))
		dmg_do_mkdir(d, path, 0700);
	else
		dmg_do_file(d, path, ovl_tool_random(&d->rng, 20));
	return path;
}

static bool plant_name(struct dmg *d)
{
	struct dmg_layer *index = index_in_force(d);
	const struct dmg_obj *lower = dmg_pick(d, DMG_IN_LOWER, has_fh);
	_cleanup_free_ char *path = NULL, *name = NULL;

	if (!index || !lower)
		return false;
	name = dmg_handle_name(&lower->fh);
	switch (ovl_tool_random(&d->rng, 5)) {
	case 0: /* hex, but cut */
		name[2 * (1 + ovl_tool_random(&d->rng, (uint32_t)strlen(name) / 2 - 1))] = '\0';
		break;
	case 1: /* capital letters: the magic alone has two */
		for (char *c = name; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		break;
	case 2:
		name[3] = '0'; /* the magic */
		break;
	case 3: /* an odd number of digits */
		name[strlen(name) - 1] = '\0';
		break;
	default:
		free(name);
		name = ovl_tool_format("%s", dmg_new_name(d));
		break;
	}
	path = new_entry(d, index, name);
	dmg_expect_at("index-name", index->objs[0], name, false);
	return true;
}

static bool plant_name_foreign(struct dmg *d)
{
	struct dmg_layer *index = index_in_force(d);
	const struct dmg_obj *lower = dmg_pick(d, DMG_IN_LOWER, has_fh);
	_cleanup_free_ char *path = NULL, *name = NULL;

	if (!index || !lower)
		return false;
	if (ovl_tool_chance(&d->rng, 1, 2))
		lower->fh.data[AT_VERSION] = 1;
	else
		lower->fh.data[AT_FLAGS] |= 0x40;
	name = dmg_handle_name(&lower->fh);
	path = dmg_path_in(index->objs[0], name);
	dmg_do_file(d, path, ovl_tool_random(&d->rng, 20));
	if (ovl_tool_chance(&d->rng, 1, 2))
		dmg_do_set(d, path, DMG_ORIGIN, lower->fh.data, lower->fh.len);
	dmg_expect_at("index-name-foreign", index->objs[0], name, false);
	return true;
}

static bool may_lose_origin(struct dmg *d, const struct dmg_obj *o)
{
	return is_file(d, o) && dmg_is_plain_handle(&o->x[DMG_ORIGIN]) && is_impure_without(d, o);
}

static bool plant_no_origin(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_INDEX, may_lose_origin);
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_remove(d, path, DMG_ORIGIN);
	dmg_expect("index-no-origin", o);
	return true;
}

static bool plant_origin_mismatch(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_INDEX, is_file), *lower;
	_cleanup_free_ char *path = NULL;

	for (int tries = 0; o && tries < 20; tries++) {
		lower = dmg_pick(d, DMG_IN_LOWER, has_fh);
		if (!lower || ((lower->st.st_mode ^ o->st.st_mode) & S_IFMT) ||
		    dmg_handle_same(&lower->fh, &o->x[DMG_ORIGIN]))
			continue;
		path = dmg_path(o);
		dmg_do_set(d, path, DMG_ORIGIN, lower->fh.data, lower->fh.len);
		dmg_expect("index-origin-mismatch", o);
		return true;
	}
	return false;
}

static bool plant_undecodable(struct dmg *d)
{
	struct dmg_layer *index = index_in_force(d);
	_cleanup_(dmg_value_done) struct dmg_value v = { 0 };
	_cleanup_free_ char *path = NULL, *name = NULL;

	if (!index)
		return false;
	v = dmg_handle_stale(d, S_IFREG);
	name = dmg_handle_name(&v);
	path = dmg_path_in(index->objs[0], name);
	dmg_do_file(d, path, ovl_tool_random(&d->rng, 20));
	dmg_do_set(d, path, DMG_ORIGIN, v.data, v.len);
	if (ovl_tool_chance(&d->rng, 1, 2))
		dmg_do_set(d, path, DMG_NLINK, "U+1", 3);
	dmg_expect_at("index-origin-undecodable", index->objs[0], name, false);
	return true;
}

/** The only name of an upper inode whose lower names are still there. */
static bool is_only_name(struct dmg *d, const struct dmg_obj *o)
{
	return is_file(d, o) && dmg_is_reg(o) && o->st.st_nlink == 1 &&
	       dmg_by_handle(d, &o->x[DMG_ORIGIN]);
}

static bool plant_type(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_INDEX, is_only_name);
	_cleanup_free_ char *path = NULL, *to = ovl_tool_format("%s/outside/planted", d->dir);

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_rename(d, path, to);
	if (d->userxattr || ovl_tool_chance(&d->rng, 1, 2)) {
		dmg_do_mkdir(d, path, 0700);
	} else {
		dmg_do_mknod(d, path, S_IFIFO | 0600, 0);
		dmg_do_set(d, path, DMG_ORIGIN, o->x[DMG_ORIGIN].data, o->x[DMG_ORIGIN].len);
		if (dmg_has(o, DMG_NLINK))
			dmg_do_set(d, path, DMG_NLINK, o->x[DMG_NLINK].data, o->x[DMG_NLINK].len);
	}
	dmg_expect("index-type", o);
	dmg_expect_less();
	return true;
}

/** A lower object that the overlay shows as it is, and that has no entry. */
static bool is_bare(struct dmg *d, const struct dmg_obj *o)
{
	_cleanup_free_ char *name = NULL;

	if (!o->dir || !o->node || o->node->upper || o->node->lower[0] != o || !o->fh.there)
		return false;
	name = dmg_handle_name(&o->fh);
	return !dmg_child(d->index_layer->objs[0], name, strlen(name));
}

/** Only nfs_export=on makes such entries. */
static bool plant_stale_whiteout(struct dmg *d)
{
	struct dmg_layer *index = d->nfs_export ? index_in_force(d) : NULL;
	const struct dmg_obj *lower = index ? dmg_pick(d, DMG_IN_LOWER, is_bare) : NULL;
	_cleanup_free_ char *path = NULL, *name = NULL;

	if (!lower)
		return false;
	name = dmg_handle_name(&lower->fh);
	path = dmg_path_in(index->objs[0], name);
	dmg_do_mknod(d, path, S_IFCHR, 0);
	dmg_expect_at("index-stale-whiteout", index->objs[0], name, false);
	return true;
}

/** An entry of a directory that the overlay shows, merged as it should be. */
static bool is_true_dir_entry(struct dmg *d, const struct dmg_obj *o)
{
	struct dmg_value v;
	const struct dmg_obj *upper = NULL;

	if (!is_dir_entry(d, o) || o->x[DMG_UPPER].len <= AT_FLAGS)
		return false;
	v = dmg_value_new(o->x[DMG_UPPER].data, o->x[DMG_UPPER].len);
	for (size_t i = 0; i < d->upper->count; i++)
		if (dmg_handle_same(&d->upper->objs[i]->fh, &v))
			upper = d->upper->objs[i];
	dmg_value_done(&v);
	return upper && dmg_is_merged(upper) &&
	       dmg_handle_same(&upper->x[DMG_ORIGIN], &upper->node->lower[0]->fh);
}

static bool plant_dir_upper(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_INDEX, is_true_dir_entry);
	_cleanup_(dmg_value_done) struct dmg_value v = { 0 };
	_cleanup_free_ char *path = NULL, *other = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	switch (ovl_tool_random(&d->rng, 4)) {
	case 0:
		dmg_do_remove(d, path, DMG_UPPER);
		break;
	case 1:
		dmg_do_set(d, path, DMG_UPPER, o->x[DMG_UPPER].data, o->x[DMG_UPPER].len / 2);
		break;
	case 2:
		v = dmg_handle_stale(d, S_IFDIR);
		v.data[AT_FLAGS] |= FLAG_PATH_UPPER;
		dmg_do_set(d, path, DMG_UPPER, v.data, v.len);
		break;
	default:
		other = dmg_path_in(d->upper->objs[0], "planted");
		dmg_do_mkdir(d, other, 0755);
		v = dmg_handle(d, other);
		v.data[AT_FLAGS] |= FLAG_PATH_UPPER;
		dmg_do_set(d, path, DMG_UPPER, v.data, v.len);
		break;
	}
	dmg_expect("index-dir-upper", o);
	return true;
}

static bool plant_dir_nonempty(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_INDEX, is_dir_entry);
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path_in(o, dmg_new_name(d));
	if (ovl_tool_chance(&d->rng, 1, 2))
		dmg_do_file(d, path, 10);
	else
		dmg_do_mkdir(d, path, 0755);
	dmg_expect("index-dir-nonempty", o);
	return true;
}

static bool is_alias(const struct dmg_node *node, const struct dmg_obj *lower)
{
	return !node->bad && !node->upper && node->lower[0]->st.st_ino == lower->st.st_ino;
}

/** Indexed, with names that can all be taken away: a whiteout has room wherever one is visible. */
static bool may_be_orphaned(struct dmg *d, const struct dmg_obj *o)
{
	const struct dmg_obj *lower = dmg_by_handle(d, &o->x[DMG_ORIGIN]);

	if (!is_file(d, o) || d->nfs_export || !lower || lower->st.st_nlink < 2 ||
	    !is_impure_without(d, o))
		return false;
	for (size_t i = 0; i < d->node_count; i++)
		if (is_alias(d->nodes[i], lower) && !d->nodes[i]->dir->upper)
			return false;
	return true;
}

static void hide_lower_names(struct dmg *d, const struct dmg_obj *lower)
{
	for (size_t i = 0; i < d->node_count; i++) {
		const struct dmg_node *node = d->nodes[i];
		_cleanup_free_ char *path = NULL;

		if (!is_alias(node, lower))
			continue;
		path = dmg_path_in(node->dir->upper, strrchr(node->path, '/') + 1);
		dmg_do_mknod(d, path, S_IFCHR, 0);
	}
}

static void remove_upper_names(struct dmg *d, const struct dmg_obj *entry, const char *entry_path)
{
	for (size_t i = 0; i < d->upper->count; i++) {
		const struct dmg_obj *o = d->upper->objs[i];
		_cleanup_free_ char *path = NULL;
		struct dmg_node *below;

		if (o->st.st_ino != entry->st.st_ino)
			continue;
		path = dmg_path(o);
		below = dmg_beneath(d, o);
		dmg_do_unlink(d, path, entry_path);
		if (below)
			dmg_do_mknod(d, path, S_IFCHR, 0);
		dmg_node_free(below);
	}
}

/** Every name was removed behind the back of the index. */
static bool plant_orphan(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_INDEX, may_be_orphaned);
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	hide_lower_names(d, dmg_by_handle(d, &o->x[DMG_ORIGIN]));
	remove_upper_names(d, o, path);
	dmg_do_set(d, path, DMG_NLINK, "U-1", 3);
	dmg_expect_info("index-orphan", o);
	dmg_expect_less(); /* about the names that are gone */
	return true;
}

static bool is_indexed_link(struct dmg *d, const struct dmg_obj *o)
{
	return is_file(d, o) && !d->nfs_traces && upper_name(d, o) &&
	       dmg_lower_nlink(d, &o->x[DMG_ORIGIN]) > 1;
}

static bool plant_missing(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_INDEX, is_indexed_link);
	_cleanup_free_ char *path = NULL, *name = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	name = dmg_path(upper_name(d, o));
	dmg_do_unlink(d, path, name);
	for (size_t i = 0; i < d->upper->count; i++) {
		const struct dmg_obj *alias = d->upper->objs[i];

		if (alias->st.st_ino != o->st.st_ino)
			continue;
		dmg_expect_info("index-missing", alias);
		if (dmg_has(o, DMG_NLINK))
			dmg_expect_info("nlink-nonindexed", alias);
	}
	return true;
}

static bool plant_temp(struct dmg *d)
{
	const char *name = DMG_SOME(d, "#planted", "#ffff0000", "#");
	_cleanup_free_ char *path = NULL;

	if (!d->index_layer)
		return false;
	path = dmg_path_in(d->index_layer->objs[0], name);
	if (ovl_tool_chance(&d->rng, 1, 3))
		dmg_do_mkdir(d, path, 0700);
	else
		dmg_do_file(d, path, ovl_tool_random(&d->rng, 20));
	dmg_expect_at("index-temp-leftover", d->index_layer->objs[0], name, false);
	return true;
}

const struct dmg_slug dmg_index_slugs[] = {
	{ "index-root-upper", plant_root_upper },
	{ "index-root-type", plant_root_type },
	{ "index-name", plant_name },
	{ "index-name-foreign", plant_name_foreign },
	{ "index-no-origin", plant_no_origin },
	{ "index-origin-mismatch", plant_origin_mismatch },
	{ "index-origin-undecodable", plant_undecodable },
	{ "index-type", plant_type },
	{ "index-stale-whiteout", plant_stale_whiteout },
	{ "index-dir-upper", plant_dir_upper },
	{ "index-dir-nonempty", plant_dir_nonempty },
	{ "index-orphan", plant_orphan },
	{ "index-missing", plant_missing },
	{ "index-temp-leftover", plant_temp },
	{ NULL, NULL },
};
