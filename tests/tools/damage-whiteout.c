/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damage to whiteouts of both kinds and to opaque marks.
 */
#include "damage.h"

/** A new whiteout in @dir under a name that no layer has. */
static const char *new_whiteout(struct dmg *d, const struct dmg_obj *dir)
{
	const char *name = dmg_new_name(d);
	_cleanup_free_ char *path = dmg_path_in(dir, name);

	dmg_do_mknod(d, path, S_IFCHR | ovl_tool_random(&d->rng, 01000), 0);
	return name;
}

/** The same as an empty file with an xattr. */
static const char *new_xwhiteout(struct dmg *d, const struct dmg_obj *dir)
{
	const char *name = dmg_new_name(d);
	const char *value = DMG_SOME(d, "", "y");
	_cleanup_free_ char *path = dmg_path_in(dir, name);

	dmg_do_file(d, path, 0);
	dmg_do_set(d, path, DMG_WHITEOUT, value, strlen(value));
	return name;
}

static bool is_shown_dir(const struct dmg_obj *o)
{
	return dmg_is_dir(o) && o->node;
}

static bool is_bare(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return is_shown_dir(o) && !dmg_in_opaque(o) && !dmg_is_listed_merged(o);
}

static bool plant_phantom(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_bare);

	if (!o)
		return false;
	dmg_expect_at("whiteout-phantom", o, new_whiteout(d, o), false);
	return true;
}

static bool is_merged(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return is_shown_dir(o) && !dmg_in_opaque(o) && dmg_is_listed_merged(o);
}

static bool plant_useless(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_merged);

	if (!o)
		return false;
	dmg_expect_at("whiteout-useless", o, new_whiteout(d, o), true);
	return true;
}

static bool is_bare_opaque(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return o->dir && is_shown_dir(o) && dmg_is_opaque(o) && !dmg_is_listed_merged(o);
}

static bool plant_in_opaque(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_bare_opaque);

	if (!o)
		return false;
	dmg_expect_at("whiteout-in-opaque", o, new_whiteout(d, o), false);
	return true;
}

static bool is_in_lowest(const struct dmg *d, const struct dmg_obj *o)
{
	return o->layer->number == d->lower_count;
}

static bool is_unmarked(struct dmg *d, const struct dmg_obj *o)
{
	return is_shown_dir(o) && !is_in_lowest(d, o) && !dmg_has(o, DMG_WHITEOUTS);
}

static bool plant_unmarked(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_LOWER, is_unmarked);

	if (!o)
		return false;
	dmg_expect_at("xwhiteout-unmarked", o, new_xwhiteout(d, o), false);
	return true;
}

static bool is_any_dir(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return is_shown_dir(o);
}

static bool plant_in_upper(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, is_any_dir);

	if (!o)
		return false;
	dmg_expect_at("xwhiteout-in-upper", o, new_xwhiteout(d, o), false);
	return true;
}

static bool is_full_file(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return dmg_is_reg(o) && o->st.st_size > 0;
}

static bool plant_nonempty(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_full_file);
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_set(d, path, DMG_WHITEOUT, "y", ovl_tool_random(&d->rng, 2));
	/* A file may have names in two lowers. */
	for (size_t i = 0; i < d->layer_count; i++) {
		const struct dmg_layer *layer = &d->layers[i];

		if (!(layer->role & (DMG_IN_UPPER | DMG_IN_LOWER)))
			continue;
		for (size_t k = 0; k < layer->count; k++)
			if (layer->objs[k]->st.st_ino == o->st.st_ino)
				dmg_expect("xwhiteout-nonempty", layer->objs[k]);
	}
	return true;
}

static bool is_dir(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return dmg_is_dir(o);
}

static bool plant_old_marker(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_dir);
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_set(d, path, DMG_WHITEOUTS, "", 0);
	dmg_expect("xwhiteout-old-marker", o);
	return true;
}

static bool is_shown_in_lowest(struct dmg *d, const struct dmg_obj *o)
{
	return is_shown_dir(o) && is_in_lowest(d, o);
}

static bool plant_in_lowest(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_LOWER, is_shown_in_lowest);

	if (!o)
		return false;
	dmg_expect_at("xwhiteout-in-lowest", o, new_xwhiteout(d, o), false);
	return true;
}

static bool takes_value(struct dmg *d, const struct dmg_obj *o)
{
	return o->dir && dmg_is_dir(o) && !dmg_has(o, DMG_OPAQUE) &&
	       (dmg_is_upper(o) || !is_in_lowest(d, o));
}

static bool plant_value(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, takes_value);
	const char *value = DMG_SOME(d, "Y", "yes", "", "n", "y\n", "0", "xy");
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_set(d, path, DMG_OPAQUE, value, strlen(value));
	dmg_expect("opaque-value", o);
	return true;
}

static bool takes_x(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return dmg_is_dir(o) && !dmg_has(o, DMG_OPAQUE);
}

static bool plant_x_upper(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, takes_x);
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_set(d, path, DMG_OPAQUE, "x", 1);
	dmg_expect("opaque-x-upper", o);
	return true;
}

/** An inode with names in two layers would have findings in both. */
static bool is_nondir(struct dmg *d, const struct dmg_obj *o)
{
	return !dmg_is_dir(o) && o->st.st_nlink == 1 && (!d->userxattr || dmg_is_reg(o));
}

static bool plant_nondir(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_nondir);
	const char *value = DMG_SOME(d, "y", "x", "");
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_set(d, path, DMG_OPAQUE, value, strlen(value));
	dmg_expect("opaque-nondir", o);
	return true;
}

static bool is_root(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return !o->dir;
}

static bool plant_root(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_root);
	_cleanup_free_ char *path = dmg_path(o);

	dmg_do_set(d, path, DMG_OPAQUE, "y", 1);
	if (dmg_is_upper(o))
		dmg_expect("opaque-root", o);
	else
		dmg_expect_info("opaque-root", o); /* images have it on purpose */
	return true;
}

static bool plant_legacy(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_dir);
	const char *name = dmg_new_name(d);
	_cleanup_free_ char *path = NULL;

	if (d->userxattr) /* symlinks have no user.* xattrs */
		return false;
	path = dmg_path_in(o, name);
	dmg_do_symlink(d, "(overlay-whiteout)", path);
	dmg_do_set(d, path, DMG_WHITEOUT, "y", 1);
	dmg_expect_at("whiteout-symlink-legacy", o, name, false);
	return true;
}

const struct dmg_slug dmg_whiteout_slugs[] = {
	{ "whiteout-phantom", plant_phantom },
	{ "whiteout-useless", plant_useless },
	{ "whiteout-in-opaque", plant_in_opaque },
	{ "xwhiteout-unmarked", plant_unmarked },
	{ "xwhiteout-in-upper", plant_in_upper },
	{ "xwhiteout-nonempty", plant_nonempty },
	{ "xwhiteout-old-marker", plant_old_marker },
	{ "xwhiteout-in-lowest", plant_in_lowest },
	{ "opaque-value", plant_value },
	{ "opaque-x-upper", plant_x_upper },
	{ "opaque-nondir", plant_nondir },
	{ "opaque-root", plant_root },
	{ "whiteout-symlink-legacy", plant_legacy },
	{ NULL, NULL },
};
