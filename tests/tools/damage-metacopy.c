/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damage to metacopy files.
 */
#include "damage.h"

#include <fcntl.h>
#include <unistd.h>

static const char nowhere[] = "/planted-nowhere";

static bool is_shown_dir(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return dmg_is_dir(o) && o->node;
}

/** A metacopy file, shown, with one name and no entry in the index. */
static bool is_metacopy(struct dmg *d, const struct dmg_obj *o)
{
	return dmg_is_metacopy(o) && o->node && dmg_is_single(d, o);
}

static bool is_any_metacopy(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return dmg_is_metacopy(o) && o->node;
}

static void set_redirect(struct dmg *d, const struct dmg_obj *o, const char *to)
{
	_cleanup_free_ char *path = dmg_path(o);

	dmg_do_set(d, path, DMG_REDIRECT, to, strlen(to));
}

/**
 * A new metacopy file; the caller frees its path. An impure mark that nothing needed may be needed
 * now: nobody can tell before the file is mended.
 */
static char *new_metacopy(struct dmg *d, const struct dmg_obj *dir, const char *name, size_t size)
{
	char *path = dmg_path_in(dir, name);

	dmg_do_file(d, path, 0);
	if (truncate(path, (off_t)size) < 0)
		ovl_tool_die("%s", path);
	dmg_do_set(d, path, DMG_METACOPY, "", 0);
	if (dmg_has(dir, DMG_IMPURE))
		dmg_expect_less();
	return path;
}

/** Somebody made it: nothing of the name is below. */
static bool plant_forged(struct dmg *d)
{
	const struct dmg_obj *dir = dmg_pick(d, DMG_IN_UPPER, is_shown_dir);
	_cleanup_free_ char *path = NULL;
	const char *name;

	if (!dir || !d->metacopy)
		return false;
	name = dmg_new_name(d);
	path = new_metacopy(d, dir, name, ovl_tool_random(&d->rng, 10000));
	dmg_expect_at("meta-no-lowerdata", dir, name, false);
	dmg_expect_less(); /* "impure" on its directory may be meant now */
	return true;
}

/** The kernel renamed it, and nothing else has its name below. */
static bool needs_redirect(struct dmg *d, const struct dmg_obj *o)
{
	struct dmg_node *below;

	if (!is_metacopy(d, o) || !dmg_has(o, DMG_REDIRECT))
		return false;
	below = dmg_beneath(d, o);
	dmg_node_free(below);
	return !below;
}

static bool plant_no_lowerdata(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, needs_redirect);
	_cleanup_free_ char *path = NULL;

	if (o && ovl_tool_chance(&d->rng, 1, 2)) {
		path = dmg_path(o);
		dmg_do_remove(d, path, DMG_REDIRECT);
	} else {
		o = dmg_pick(d, DMG_IN_UPPER, is_metacopy);
		if (!o || ovl_tool_chance(&d->rng, 1, 4))
			return plant_forged(d);
		set_redirect(d, o, nowhere);
	}
	dmg_expect("meta-no-lowerdata", o);
	return true;
}

static bool is_unmarked(const struct dmg_obj *o)
{
	for (size_t x = 0; x < DMG_XATTRS; x++)
		if (dmg_has(o, x))
			return false;
	return !o->has_inactive && !o->has_unknown && !o->has_foreign;
}

/** Its lower file has one name, in the layer where lookup finds it. */
static bool has_own_lower(struct dmg *d, const struct dmg_obj *o)
{
	return is_metacopy(d, o) && !d->nfs_traces && o->node->count &&
	       dmg_is_plain_handle(&o->x[DMG_ORIGIN]) &&
	       dmg_handle_same(&o->node->lower[0]->fh, &o->x[DMG_ORIGIN]) &&
	       is_unmarked(o->node->lower[0]) && o->node->lower[0]->st.st_nlink == 1;
}

static bool is_lower_file(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return dmg_is_reg(o) && o->st.st_nlink == 1 && o->fh.there;
}

/** Somebody replaced the lower file by another one, and kept the old one under another name. */
static void replace_lower(struct dmg *d, const struct dmg_obj *lower)
{
	_cleanup_free_ char *path = dmg_path(lower);
	_cleanup_free_ char *backup = dmg_path_in(lower->dir, "planted-backup");

	dmg_do_rename(d, path, backup);
	dmg_do_file(d, path, (size_t)lower->st.st_size);
}

static bool plant_origin_mismatch(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, has_own_lower);
	const struct dmg_obj *other = dmg_pick(d, DMG_IN_LOWER, is_lower_file);
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	if (!other || other == o->node->lower[0] || ovl_tool_chance(&d->rng, 1, 2)) {
		replace_lower(d, o->node->lower[0]);
	} else {
		path = dmg_path(o);
		dmg_do_set(d, path, DMG_ORIGIN, other->fh.data, other->fh.len);
	}
	dmg_expect("meta-origin-mismatch", o);
	return true;
}

static bool plant_size(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, is_any_metacopy);
	_cleanup_free_ char *path = NULL;
	off_t size;

	if (!o)
		return false;
	path = dmg_path(o);
	size = o->st.st_size;
	/* In the middle of a block btrfs fills up with zeros, which are data. */
	if (size)
		size = (off_t)ovl_tool_random(&d->rng, (uint32_t)size) & -o->st.st_blksize;
	else
		size = 1 + (off_t)ovl_tool_random(&d->rng, 100000);
	dmg_do_size(d, path, &o->st, size);
	dmg_expect_names(d, "meta-size-mismatch", o, false);
	return true;
}

static bool is_long_metacopy(struct dmg *d, const struct dmg_obj *o)
{
	return is_any_metacopy(d, o) && o->st.st_size > 0;
}

static bool plant_upper_data(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, is_long_metacopy);
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_write(d, path, &o->st, (off_t)ovl_tool_random(&d->rng, (uint32_t)o->st.st_size));
	dmg_expect_names(d, "meta-upper-has-data", o, false);
	return true;
}

static bool is_nonregular(struct dmg *d, const struct dmg_obj *o)
{
	return !dmg_is_reg(o) && (dmg_is_dir(o) || (o->st.st_nlink == 1 && !d->userxattr));
}

static bool plant_nonregular(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_nonregular);
	_cleanup_free_ char *path = dmg_path(o);

	dmg_do_set(d, path, DMG_METACOPY, "", 0);
	dmg_expect("meta-nonregular", o);
	return true;
}

static bool plant_value(struct dmg *d)
{
	static const struct {
		const char *data;
		size_t len;
	} values[] = {
		{ "y", 1 },        { "\0\0", 2 },     { "\0\3\0", 3 },    { "\1\4\0\0", 4 },
		{ "\0\5\0\0", 4 }, { "\0\4\1\0", 4 }, { "\0\4\0\11", 4 }, { "\0\10\0\1dige", 8 },
	};
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_any_metacopy);
	uint32_t i = ovl_tool_random(&d->rng, ARRAY_LEN(values));
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_set(d, path, DMG_METACOPY, values[i].data, values[i].len);
	dmg_expect_names(d, "meta-value", o, false);
	dmg_expect_less();
	return true;
}

static bool plant_digest(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_any_metacopy);
	unsigned char value[36] = { 0, sizeof(value), 0, 1 };
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	for (size_t i = 4; i < sizeof(value); i++)
		value[i] = (unsigned char)ovl_tool_random(&d->rng, 256);
	path = dmg_path(o);
	dmg_do_set(d, path, DMG_METACOPY, value, sizeof(value));
	dmg_expect_names(d, "meta-digest-mismatch", o, false);
	return true;
}

static bool is_last_file(struct dmg *d, const struct dmg_obj *o)
{
	return dmg_is_reg(o) && dmg_is_last(d, o) && o->st.st_nlink == 1 && d->metacopy;
}

static bool plant_last_layer(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_LOWER, is_last_file);
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_set(d, path, DMG_METACOPY, "", 0);
	dmg_expect("meta-in-last-layer", o);
	dmg_expect_less();
	return true;
}

/** What lookup of its own path finds first in the lower layers, and is no regular file. */
static bool is_first_nonregular(struct dmg *d, const struct dmg_obj *o)
{
	struct dmg_node *node = o->dir && !dmg_is_reg(o) ? dmg_lookup_lower(d, o->path) : NULL;
	bool first = node && !node->bad && node->lower[0] == o;

	dmg_node_free(node);
	return first && strlen(o->path) < 200;
}

static bool plant_type_chain(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, is_metacopy);
	const struct dmg_obj *to = dmg_pick(d, DMG_IN_LOWER, is_first_nonregular);

	if (!o || !to)
		return false;
	set_redirect(d, o, to->path);
	dmg_expect("meta-type-chain", o);
	return true;
}

/** Is an absolute path another one by the time that lookup is through with the ordinary layers? */
static bool is_redirected(struct dmg *d, const char *path)
{
	_cleanup_free_ char *part = ovl_tool_format("%s", path);
	bool redirected = false;
	char *slash;

	while (!redirected && (slash = strrchr(part, '/')) && slash > part) {
		struct dmg_node *node;

		*slash = '\0';
		node = dmg_lookup_lower(d, part);
		for (size_t i = 0; node && i < node->count; i++)
			redirected = redirected || dmg_has(node->lower[i], DMG_REDIRECT);
		dmg_node_free(node);
	}
	return redirected;
}

/** A file of a data-only layer that has no name in an ordinary one. */
static bool is_only_in_data(struct dmg *d, const struct dmg_obj *o)
{
	struct dmg_node *node;

	if (!dmg_is_reg(o) || strlen(o->path) > 200 || is_redirected(d, o->path))
		return false;
	node = dmg_lookup_lower(d, o->path);
	dmg_node_free(node);
	return !node;
}

static bool plant_to_data(struct dmg *d)
{
	const struct dmg_obj *to = dmg_pick(d, DMG_IN_DATA, is_only_in_data);
	const struct dmg_obj *dir = dmg_pick(d, DMG_IN_UPPER, is_shown_dir);
	_cleanup_free_ char *path = NULL;
	const char *name;

	if (!dir || !to)
		return false;
	name = dmg_new_name(d);
	path = new_metacopy(d, dir, name, (size_t)to->st.st_size);
	dmg_do_set(d, path, DMG_REDIRECT, to->path, strlen(to->path));
	dmg_expect_at("meta-upper-to-data-direct", dir, name, false);
	return true;
}

static bool plant_not_mountable(struct dmg *d)
{
	const struct dmg_obj *dir = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_shown_dir);
	_cleanup_free_ char *path = NULL;
	const char *name;

	if (!d->metacopy_off || !dir)
		return false;
	name = dmg_new_name(d);
	path = new_metacopy(d, dir, name, 0);
	dmg_expect_at("meta-not-mountable", dir, name, true);
	return true;
}

static bool has_content(const struct dmg_obj *o)
{
	_cleanup_free_ char *path = dmg_path(o);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char buf[4096];
	ssize_t len = 0;

	while (fd >= 0 && (len = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < len; i++)
			if (buf[i])
				return true;
	if (fd < 0 || len < 0)
		ovl_tool_die("%s", path);
	return false;
}

/** Copied up without its data, and unchanged since: only the mark tells it from a file of zeros. */
static bool is_hollow(struct dmg *d, const struct dmg_obj *o)
{
	const struct dmg_obj *data;
	struct dmg_node *below;
	bool hollow = false;

	if (!is_metacopy(d, o) || !dmg_has(o, DMG_ORIGIN) || dmg_has(o, DMG_REDIRECT) ||
	    o->st.st_blocks * 512 >= o->st.st_size)
		return false;
	below = dmg_beneath(d, o);
	if (below && !below->bad) {
		data = below->lower[below->count - 1];
		hollow = dmg_is_reg(data) && !dmg_is_metacopy(data) &&
			 data->st.st_size == o->st.st_size &&
			 !memcmp(&data->st.st_mtim, &o->st.st_mtim, sizeof(o->st.st_mtim)) &&
			 has_content(data);
	}
	dmg_node_free(below);
	return hollow;
}

static bool plant_suspect(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, is_hollow);
	_cleanup_free_ char *path = NULL;

	if (!o)
		return false;
	path = dmg_path(o);
	dmg_do_remove(d, path, DMG_METACOPY);
	dmg_expect("meta-suspect-lost", o);
	return true;
}

const struct dmg_slug dmg_metacopy_slugs[] = {
	{ "meta-no-lowerdata", plant_no_lowerdata },
	{ "meta-origin-mismatch", plant_origin_mismatch },
	{ "meta-size-mismatch", plant_size },
	{ "meta-upper-has-data", plant_upper_data },
	{ "meta-nonregular", plant_nonregular },
	{ "meta-value", plant_value },
	{ "meta-digest-mismatch", plant_digest },
	{ "meta-in-last-layer", plant_last_layer },
	{ "meta-type-chain", plant_type_chain },
	{ "meta-upper-to-data-direct", plant_to_data },
	{ "meta-not-mountable", plant_not_mountable },
	{ "meta-suspect-lost", plant_suspect },
	{ NULL, NULL },
};
