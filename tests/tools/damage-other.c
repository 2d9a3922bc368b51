/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damage to small values, xattrs that mean nothing, and traces of other union file systems.
 */
#include "damage.h"

static bool takes_xattr(const struct dmg_obj *o, bool user)
{
	return dmg_is_dir(o) || (o->st.st_nlink == 1 && (!user || dmg_is_reg(o)));
}

static bool plant_uuid_size(struct dmg *d)
{
	static const size_t sizes[] = { 0, 1, 15, 17, 36 };
	size_t len = sizes[ovl_tool_random(&d->rng, ARRAY_LEN(sizes))];
	const char uuid[] = "01234567-89ab-cdef-0123-456789abcdef";

	if (!d->upper)
		return false;
	dmg_do_set(d, d->upper->dir, DMG_UUID, uuid, len);
	if (d->use_uuid)
		dmg_expect("uuid-size", d->upper->objs[0]);
	else
		dmg_expect_info("uuid-size", d->upper->objs[0]);
	return true;
}

static bool takes_uuid(struct dmg *d, const struct dmg_obj *o)
{
	return o->dir && takes_xattr(o, d->userxattr);
}

static bool plant_uuid_misplaced(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, takes_uuid);
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_set(d, path, DMG_UUID, "0123456789abcdef", 16);
	dmg_expect("uuid-misplaced", o);
	return true;
}

static bool takes_protattr(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return dmg_is_dir(o) || dmg_is_reg(o);
}

static bool plant_protattr(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, takes_protattr);
	const char *value = DMG_SOME(d, "", "x", "iz", "I", "a,i", "i\n");
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_set(d, path, DMG_PROTATTR, value, strlen(value));
	dmg_expect_names(d, "protattr-value", o, false);
	return true;
}

static bool takes_unknown(struct dmg *d, const struct dmg_obj *o)
{
	return !o->has_unknown && takes_xattr(o, d->userxattr);
}

static bool plant_unknown(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, takes_unknown);
	_cleanup_free_ char *path = NULL, *name = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	name = ovl_tool_format("%s.overlay.%s", d->userxattr ? "user" : "trusted",
			       DMG_SOME(d, "planted", "verity", "Opaque", "opaque2", "new\nline"));
	dmg_do_set_named(d, path, name, "1", 1);
	if (dmg_is_upper(o))
		dmg_expect("xattr-unknown", o);
	else
		dmg_expect_info("xattr-unknown", o);
	return true;
}

static bool takes_inactive(struct dmg *d, const struct dmg_obj *o)
{
	return !o->has_inactive && takes_xattr(o, !d->userxattr);
}

static bool plant_inactive(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, takes_inactive);
	_cleanup_free_ char *path = NULL, *name = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	name = ovl_tool_format("%s.overlay.%s", d->userxattr ? "trusted" : "user",
			       DMG_SOME(d, "opaque", "redirect", "metacopy", "origin", "whiteout"));
	dmg_do_set_named(d, path, name, "y", 1);
	dmg_expect_info("xattr-inactive-prefix", o);
	return true;
}

/** What counts in an upper only. */
static const enum dmg_xattr of_upper[] = { DMG_NLINK, DMG_UPPER, DMG_UUID, DMG_PROTATTR,
					   DMG_IMPURE };

static bool takes_stale(struct dmg *d, const struct dmg_obj *o)
{
	for (size_t i = 0; i < ARRAY_LEN(of_upper); i++)
		if (dmg_has(o, of_upper[i]))
			return false;
	return takes_xattr(o, d->userxattr);
}

static bool plant_lower_stale(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_LOWER, takes_stale);
	enum dmg_xattr x = of_upper[ovl_tool_random(&d->rng, ARRAY_LEN(of_upper))];
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_set(d, path, x, "y", 1);
	dmg_expect_info("xattr-lower-stale", o);
	return true;
}

static bool is_dir(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return dmg_is_dir(o);
}

static bool takes_foreign(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return !o->has_foreign && strncmp(o->name, ".wh.", 4) && takes_xattr(o, true);
}

static bool plant_foreign(struct dmg *d)
{
	const struct dmg_obj *o;
	const char *name = DMG_SOME(d, ".wh.planted", ".wh..wh.planted", ".wh.\n");
	_cleanup_free_ char *path = NULL;

	if (ovl_tool_chance(&d->rng, 1, 2)) {
		o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, takes_foreign);
		path = dmg_path(o);
		dmg_do_set_named(d, path, "user.fuseoverlayfs.opaque", "y", 1);
		dmg_expect_info("layer-foreign-wh", o);
		return true;
	}
	o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_dir);
	path = dmg_path_in(o, name);
	dmg_do_file(d, path, 0);
	dmg_expect_at("layer-foreign-wh", o, name, true);
	return true;
}

/** A directory in the storage; what is in it must not be judged. */
static void make_dir(struct dmg *d, const char *storage, const char *name, mode_t mode)
{
	_cleanup_free_ char *path = ovl_tool_format("%s/%s", storage, name);

	dmg_do_mkdir(d, path, mode);
}

static void make_junk(struct dmg *d, const char *storage, const char *layer)
{
	_cleanup_free_ char *whiteout = ovl_tool_format("%s/%s/whiteout", storage, layer);
	_cleanup_free_ char *dir = ovl_tool_format("%s/%s/dir", storage, layer);

	dmg_do_mknod(d, whiteout, S_IFCHR, 0);
	dmg_do_mkdir(d, dir, 0755);
	dmg_do_set(d, dir, DMG_REDIRECT, "/planted-nowhere", 16);
}

static bool plant_storage(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_dir);
	_cleanup_free_ char *path = dmg_path_in(o, "snapshots");
	_cleanup_free_ char *link = ovl_tool_format("%s/link", path);

	dmg_do_mkdir(d, path, 0755);
	switch (ovl_tool_random(&d->rng, 3)) {
	case 0: /* docker, podman */
		make_dir(d, path, "diff", 0755);
		dmg_do_file(d, link, 26);
		make_junk(d, path, "diff");
		dmg_expect_info("layer-nested-storage", o);
		break;
	case 1: /* containerd */
		make_dir(d, path, "7", 0755);
		make_dir(d, path, "7/fs", 0755);
		make_dir(d, path, "7/work", 0755);
		make_junk(d, path, "7/fs");
		dmg_expect_at("layer-nested-storage", o, "snapshots", true);
		break;
	default: /* by hand */
		make_dir(d, path, "upper", 0755);
		make_dir(d, path, "mywork", 0755);
		make_dir(d, path, "mywork/work", 0);
		make_junk(d, path, "upper");
		dmg_expect_at("layer-nested-storage", o, "snapshots", true);
		break;
	}
	return true;
}

const struct dmg_slug dmg_other_slugs[] = {
	{ "uuid-size", plant_uuid_size },
	{ "uuid-misplaced", plant_uuid_misplaced },
	{ "protattr-value", plant_protattr },
	{ "xattr-unknown", plant_unknown },
	{ "xattr-inactive-prefix", plant_inactive },
	{ "xattr-lower-stale", plant_lower_stale },
	{ "layer-foreign-wh", plant_foreign },
	{ "layer-nested-storage", plant_storage },
	{ NULL, NULL },
};
