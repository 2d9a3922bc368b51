/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Corruption of what means something by its name and type: whiteouts, entries of the index.
 */
#include "corrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool replace(struct corrupt *c, const char *path)
{
	corrupt_remove(path);
	if (!corrupt_put(c, path))
		ovl_tool_die("cannot put anything at %s", path);
	return true;
}

static bool take_away(const char *path)
{
	corrupt_remove(path);
	return corrupt_did(0, "removed", path, NULL);
}

/** The name of something that is there, or a new one, in some directory. */
static char *some_path(struct corrupt *c)
{
	struct dmg_obj *dir = corrupt_some_dir(c), *like = corrupt_some_object(c);

	return dmg_path_in(dir, *like->name ? like->name : "new");
}

bool corrupt_whiteout(struct corrupt *c, const struct corrupt_at *at)
{
	_cleanup_free_ char *to = NULL;

	switch (corrupt_random(c, 3)) {
	case 0:
		return take_away(at->path);
	case 1:
		return replace(c, at->path);
	default:
		to = some_path(c);
		return corrupt_copy(at->path, to);
	}
}

/** Another name for an entry: as a value is mangled, with what no name can hold left out. */
static char *mangle_name(struct corrupt *c, const struct dmg_obj *o)
{
	struct dmg_value name = dmg_value_new(o->name, strlen(o->name)), to;
	_cleanup_free_ char *text = NULL;
	const char *what;
	size_t len = 0;
	char *path;

	if (ovl_tool_chance(&c->d.rng, 1, 2)) {
		/* Stays in hexadecimal, so that a handle comes out that can be decoded. */
		to = dmg_value_new(name.data, name.len);
		to.data[corrupt_random(c, to.len)] =
			(unsigned char)"0123456789abcdefABCDEF#"[corrupt_random(c, 23)];
	} else {
		to = corrupt_mangle(c, &name, &what);
	}
	text = ovl_tool_realloc(NULL, to.len + 2, 1);
	for (size_t i = 0; i < to.len; i++)
		if (to.data[i] && to.data[i] != '/')
			text[len++] = (char)to.data[i];
	if (!len)
		text[len++] = '0';
	text[len] = '\0';
	path = dmg_path_in(o->dir, text);
	dmg_value_done(&name);
	dmg_value_done(&to);
	return path;
}

static bool rename_entry(const char *from, const char *to)
{
	return corrupt_did(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE), "renamed",
			   from, to);
}

/** Two entries change their places; an entry that is alone cannot. */
static bool exchange(struct corrupt *c, const struct corrupt_at *at)
{
	const struct dmg_layer *layer = at->o->layer;
	const struct dmg_obj *other = layer->objs[corrupt_random(c, layer->count)];
	_cleanup_free_ char *path = dmg_path(other);

	if (other == at->o || other->dir != at->o->dir)
		return false;
	return corrupt_did(renameat2(AT_FDCWD, at->path, AT_FDCWD, path, RENAME_EXCHANGE),
			   "exchanged", at->path, path);
}

bool corrupt_index(struct corrupt *c, const struct corrupt_at *at)
{
	_cleanup_free_ char *to = NULL;
	struct dmg_obj *upper;

	switch (corrupt_random(c, 7)) {
	case 0:
		return take_away(at->path);
	case 1:
		return replace(c, at->path);
	case 2:
		to = mangle_name(c, at->o);
		return rename_entry(at->path, to);
	case 3:
		to = mangle_name(c, at->o);
		return corrupt_copy(at->path, to);
	case 4:
		return exchange(c, at);
	case 5:
		/* Another file of upper under the name of this entry. */
		upper = corrupt_some_object(c);
		if (!dmg_is_upper(upper) || dmg_is_dir(upper))
			return false;
		to = dmg_path(upper);
		corrupt_remove(at->path);
		if (!corrupt_copy(to, at->path))
			return take_away(at->path);
		return true;
	default:
		to = some_path(c);
		return corrupt_copy(at->path, to);
	}
}
