/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damage to origins and to the mark "impure": sound handles that lead to the wrong place.
 */
#include "damage.h"

#include <sys/sysmacros.h>

static void set_origin(struct dmg *d, const struct dmg_obj *o, const struct dmg_value *v)
{
	_cleanup_free_ char *path = dmg_path(o);

	dmg_do_set(d, path, DMG_ORIGIN, v->data, v->len);
}

/** An entry of the index compares bytes: a wrong origin there is another damage. */
static bool has_loose_origin(struct dmg *d, const struct dmg_obj *o)
{
	return o->dir && dmg_is_plain_handle(&o->x[DMG_ORIGIN]) && !dmg_is_indexed(d, o) &&
	       !(dmg_is_dir(o) && d->nfs_traces);
}

static bool has_loose_file_origin(struct dmg *d, const struct dmg_obj *o)
{
	return !dmg_is_dir(o) && has_loose_origin(d, o);
}

static bool plant_stale(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, has_loose_origin);
	_cleanup_(dmg_value_done) struct dmg_value v = { 0 };

	if (!o)
		return false;
	v = dmg_handle_stale(d, o->st.st_mode);
	set_origin(d, o, &v);
	dmg_expect_names(d, "origin-stale", o, true);
	return true;
}

static bool has_fh(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return o->fh.there && o->dir;
}

static bool plant_type(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, has_loose_origin), *lower;

	for (int tries = 0; o && tries < 20; tries++) {
		lower = dmg_pick(d, DMG_IN_LOWER, has_fh);
		if (!lower || !((lower->st.st_mode ^ o->st.st_mode) & S_IFMT))
			continue;
		set_origin(d, o, &lower->fh);
		dmg_expect_names(d, "origin-type", o, false);
		return true;
	}
	return false;
}

/** A new object beside the layers, in none of them. */
static struct dmg_value outsider(struct dmg *d, mode_t mode)
{
	_cleanup_free_ char *path = ovl_tool_format("%s/outside/planted", d->dir);

	if (S_ISDIR(mode))
		dmg_do_mkdir(d, path, 0755);
	else if (S_ISLNK(mode))
		dmg_do_symlink(d, "a", path);
	else
		dmg_do_mknod(d, path, (mode & S_IFMT) | 0644,
			     makedev(1, 3)); /* not 0:0: a whiteout */
	return dmg_handle(d, path);
}

static bool is_plain_file_of_origin(struct dmg *d, const struct dmg_obj *o)
{
	return has_loose_file_origin(d, o) && !dmg_is_metacopy(o);
}

static bool plant_outside(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, is_plain_file_of_origin);
	_cleanup_(dmg_value_done) struct dmg_value v = { 0 };

	if (!o)
		return false;
	v = outsider(d, o->st.st_mode);
	set_origin(d, o, &v);
	/* One line for the inode, by the first of its names. */
	for (size_t i = 0; i < d->upper->count; i++) {
		if (d->upper->objs[i]->st.st_ino == o->st.st_ino) {
			dmg_expect("origin-outside-layers", d->upper->objs[i]);
			break;
		}
	}
	return true;
}

/** Upper and lower file share an inode, so both must have one name only. */
static bool is_copied_up(struct dmg *d, const struct dmg_obj *o)
{
	return has_loose_file_origin(d, o) && !dmg_is_metacopy(o) && !d->nfs_export &&
	       !d->nfs_traces && dmg_is_single(d, o) && strncmp(o->name, ".wh.", 4) &&
	       dmg_lower_nlink(d, &o->x[DMG_ORIGIN]) == 1 && dmg_is_at_home(d, o);
}

static bool has_used_origin(struct dmg *d, const struct dmg_value *lower)
{
	for (size_t i = 0; i < d->upper->count; i++) {
		const struct dmg_obj *o = d->upper->objs[i];

		if (!dmg_is_dir(o) && dmg_handle_same(&o->x[DMG_ORIGIN], lower))
			return dmg_is_single(d, o) && !d->nfs_export && !d->nfs_traces;
	}
	return false;
}

/** A whiteout at the old name of a file that was renamed through the mount. */
static bool covers_an_origin(struct dmg *d, const struct dmg_obj *o)
{
	struct dmg_node *below;
	const struct dmg_obj *lower;
	bool covers = false;

	if (!dmg_is_whiteout(o) || !o->dir || !strncmp(o->name, ".wh.", 4))
		return false;
	below = dmg_beneath(d, o);
	if (below && !below->bad) {
		lower = below->lower[0];
		covers = !dmg_is_dir(lower) && !dmg_is_metacopy(lower) && lower->st.st_nlink == 1 &&
			 has_used_origin(d, &lower->fh);
	}
	dmg_node_free(below);
	return covers;
}

/** Takes the whiteout away; the lower object is visible then. */
static bool uncover_by_whiteout(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, covers_an_origin);
	_cleanup_free_ char *from = NULL, *to = ovl_tool_format("%s/outside/planted", d->dir);
	struct dmg_node *below;

	if (!o)
		return false;
	from = dmg_path(o);
	dmg_do_rename(d, from, to);
	below = dmg_beneath(d, o);
	for (size_t i = 0; i < d->upper->count; i++)
		if (dmg_handle_same(&d->upper->objs[i]->x[DMG_ORIGIN], &below->lower[0]->fh))
			dmg_expect("origin-uncovered", d->upper->objs[i]);
	dmg_node_free(below);
	return true;
}

static bool plant_uncovered(struct dmg *d)
{
	_cleanup_free_ char *from = NULL, *to = NULL;
	const struct dmg_obj *o;
	const char *name;

	if (!d->upper)
		return false;
	if (ovl_tool_chance(&d->rng, 1, 2) && uncover_by_whiteout(d))
		return true;
	o = dmg_pick(d, DMG_IN_UPPER, is_copied_up);
	if (!o)
		return false;
	name = dmg_new_name(d);
	from = dmg_path(o);
	to = dmg_path_in(o->dir, name);
	dmg_do_rename(d, from, to);
	dmg_expect_at("origin-uncovered", o->dir, name, false);
	return true;
}

static bool plant_duplicate(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, is_copied_up);
	_cleanup_free_ char *path = NULL;
	const char *name;

	if (!o)
		return false;
	name = dmg_new_name(d);
	path = dmg_path_in(o->dir, name);
	if (S_ISLNK(o->st.st_mode))
		dmg_do_symlink(d, "a", path);
	else
		dmg_do_mknod(d, path, (o->st.st_mode & S_IFMT) | 0644, o->st.st_rdev);
	dmg_do_set(d, path, DMG_ORIGIN, o->x[DMG_ORIGIN].data, o->x[DMG_ORIGIN].len);
	dmg_expect_at("origin-duplicate", o->dir, name, false);
	return true;
}

static bool is_merged_with_origin(struct dmg *d, const struct dmg_obj *o)
{
	return o->dir && dmg_is_merged(o) && has_loose_origin(d, o);
}

static bool plant_missing_merge_dir(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, is_merged_with_origin);
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_remove(d, path, DMG_ORIGIN);
	dmg_expect("origin-missing-merge-dir", o);
	return true;
}

static bool is_lower_dir(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return o->dir && dmg_is_dir(o) && o->fh.there;
}

static bool is_one_of(const struct dmg_node *node, const struct dmg_obj *o)
{
	for (size_t i = 0; i < node->count; i++)
		if (node->lower[i] == o)
			return true;
	return false;
}

static bool plant_dir_mismatch(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, is_merged_with_origin), *other;
	_cleanup_(dmg_value_done) struct dmg_value v = { 0 };

	if (!o)
		return false;
	other = dmg_pick(d, DMG_IN_LOWER, is_lower_dir);
	if (ovl_tool_chance(&d->rng, 1, 2) || !other || is_one_of(o->node, other)) {
		v = outsider(d, S_IFDIR);
		set_origin(d, o, &v);
	} else {
		set_origin(d, o, &other->fh);
	}
	dmg_expect("origin-dir-mismatch", o);
	return true;
}

static bool is_home(struct dmg *d, const struct dmg_obj *o)
{
	return o->dir &&
	       (dmg_is_at_home(d, o) ||
		(dmg_is_merged(o) && dmg_handle_same(&o->x[DMG_ORIGIN], &o->node->lower[0]->fh)));
}

/** Other origins must be right, or it looks as if all layers had been copied. */
static bool plant_root(struct dmg *d)
{
	const struct dmg_obj *root = d->upper ? d->upper->objs[0] : NULL;
	_cleanup_(dmg_value_done) struct dmg_value v = { 0 };

	if (!root || !dmg_is_plain_handle(&root->x[DMG_ORIGIN]) ||
	    !dmg_pick(d, DMG_IN_UPPER, is_home))
		return false;
	if (d->lower_count > 1 && ovl_tool_chance(&d->rng, 1, 2)) {
		const struct dmg_value *fh = &d->lower[1].objs[0]->fh;

		v = dmg_value_new(fh->data, fh->len);
	} else if (ovl_tool_chance(&d->rng, 1, 2)) {
		v = dmg_handle_stale(d, S_IFDIR);
	} else {
		v = outsider(d, S_IFDIR);
	}
	set_origin(d, root, &v);
	dmg_expect("origin-root", root);
	dmg_expect_less(); /* no entry of the index is judged */
	return true;
}

/** Has this entry the inode number of a lower object? Of a directory the kernel finds out anew. */
static bool has_lower_number(struct dmg *d, const struct dmg_obj *o)
{
	if (dmg_is_dir(o))
		return dmg_is_merged(o) && dmg_has(o, DMG_ORIGIN);
	return dmg_by_handle(d, &o->x[DMG_ORIGIN]) && dmg_lower_nlink(d, &o->x[DMG_ORIGIN]) == 1;
}

static bool needs_impure(struct dmg *d, const struct dmg_obj *o)
{
	/* With nfs_export=on, now or once, the kernel takes the mark away where it seems in order. */
	if (!dmg_has(o, DMG_IMPURE) || d->index_layer)
		return false;
	for (size_t i = 0; i < o->layer->count; i++)
		if (o->layer->objs[i]->dir == o && has_lower_number(d, o->layer->objs[i]))
			return true;
	return false;
}

static bool plant_impure_missing(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, needs_impure);
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_remove(d, path, DMG_IMPURE);
	dmg_expect("impure-missing", o);
	return true;
}

static bool needs_no_impure(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	if (!dmg_is_dir(o) || dmg_has(o, DMG_IMPURE))
		return false;
	for (size_t i = 0; i < o->layer->count; i++) {
		const struct dmg_obj *entry = o->layer->objs[i];

		if (entry->dir == o && (dmg_has(entry, DMG_ORIGIN) ||
					dmg_has(entry, DMG_REDIRECT) || dmg_is_merged(entry)))
			return false;
	}
	return true;
}

static bool plant_impure_superfluous(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, needs_no_impure);
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_set(d, path, DMG_IMPURE, "y", 1);
	dmg_expect_info("impure-superfluous", o);
	return true;
}

/** "impure" that hides a superfluous one as well would be two changes. */
static bool takes_impure(struct dmg *d, const struct dmg_obj *o)
{
	return dmg_is_dir(o) && (!dmg_has(o, DMG_IMPURE) || needs_impure(d, o));
}

static bool plant_impure_value(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, takes_impure);
	const char *value = DMG_SOME(d, "n", "", "Y", "yy", "y\n", "1");
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_set(d, path, DMG_IMPURE, value, strlen(value));
	dmg_expect("impure-value", o);
	return true;
}

const struct dmg_slug dmg_origin_slugs[] = {
	{ "origin-stale", plant_stale },
	{ "origin-type", plant_type },
	{ "origin-outside-layers", plant_outside },
	{ "origin-uncovered", plant_uncovered },
	{ "origin-duplicate", plant_duplicate },
	{ "origin-missing-merge-dir", plant_missing_merge_dir },
	{ "origin-dir-mismatch", plant_dir_mismatch },
	{ "origin-root", plant_root },
	{ "impure-missing", plant_impure_missing },
	{ "impure-superfluous", plant_impure_superfluous },
	{ "impure-value", plant_impure_value },
	{ NULL, NULL },
};
