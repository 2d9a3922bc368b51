/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Corruption of the work base: its directories, and what lies there.
 */
#include "corrupt.h"

#include <stdio.h>
#include <unistd.h>

/** Something in a directory that had no such thing. */
static bool litter(struct corrupt *c, const char *dir)
{
	static const char *const names[] = { "#1234", "junk", "incompat", "volatile", "#x", "0" };
	_cleanup_free_ char *from = NULL, *to = NULL;
	struct dmg_obj *o = corrupt_some_object(c);

	to = ovl_tool_format("%s/%s", dir, names[corrupt_random(c, ARRAY_LEN(names))]);
	if (ovl_tool_chance(&c->d.rng, 1, 2))
		return corrupt_put(c, to);
	from = dmg_path(o);
	return o->dir && corrupt_copy(from, to);
}

static bool swap_type(struct corrupt *c, const char *path)
{
	corrupt_remove(path);
	if (!corrupt_put(c, path))
		ovl_tool_die("cannot put anything at %s", path);
	return true;
}

bool corrupt_work(struct corrupt *c, const struct corrupt_at *at)
{
	bool base = !strcmp(at->path, c->d.work);
	struct stat st;

	if (lstat(at->path, &st) < 0)
		ovl_tool_die("%s", at->path);
	if (S_ISDIR(st.st_mode) && (base || ovl_tool_chance(&c->d.rng, 1, 2)))
		return litter(c, at->path);
	if (base)
		return false;
	if (ovl_tool_chance(&c->d.rng, 1, 2))
		return swap_type(c, at->path);
	corrupt_remove(at->path);
	return corrupt_did(0, "removed", at->path, NULL);
}
