/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-corrupt - corrupts artefacts of the format of overlayfs blindly
 *
 *	ovl-corrupt DIR SEED [N]    DIR is what ovl-random filled; N: how many (1)
 *
 * The seed chooses among all that the layers, the index and the work directory of the overlay hold
 * of the format: first a kind (an xattr by its name, whiteouts, index entries, the directories of the
 * work base), then one of that kind, then what is done to it. It is removed, emptied, cut,
 * lengthened, some of its bits or bytes change, it is copied onto another object or under another
 * name, or something of another type takes its place. What was done is printed, a line each.
 *
 * ovl-damage makes damage of which it knows what must be found. This one knows nothing.
 *
 * Exit status: 0; 77 if nothing could be corrupted; 99 trouble.
 */
#include "corrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

bool corrupt_did(int rc, const char *what, const char *path, const char *more)
{
	static const int cannot[] = { EPERM,   ENOSPC, ERANGE, E2BIG,        EOPNOTSUPP, EEXIST,
				      ENODATA, EXDEV,  EMLINK, ENAMETOOLONG, EINVAL };

	if (rc < 0) {
		for (size_t i = 0; i < ARRAY_LEN(cannot); i++)
			if (errno == cannot[i])
				return false;
		ovl_tool_die("%s: %s %s", what, path, more ? more : "");
	}
	printf("%s: ", what);
	ovl_tool_escape(stdout, path, strlen(path), "");
	if (more) {
		putchar(' ');
		ovl_tool_escape(stdout, more, strlen(more), "");
	}
	putchar('\n');
	return true;
}

static void add(struct corrupt *c, enum corrupt_kind kind, struct dmg_obj *o, char *path)
{
	c->at = ovl_tool_realloc(c->at, c->count + 1, sizeof(*c->at));
	c->at[c->count++] = (struct corrupt_at){ .kind = kind, .o = o, .path = path };
}

static void add_object(struct corrupt *c, struct dmg_obj *o)
{
	for (enum dmg_xattr x = 0; x < DMG_XATTRS; x++)
		if (dmg_has(o, x))
			add(c, CORRUPT_XATTR + x, o, dmg_path(o));
	if (!o->dir)
		return;
	if (o->layer->role == DMG_IN_INDEX)
		add(c, CORRUPT_INDEX, o, dmg_path(o));
	else if (dmg_is_whiteout(o))
		add(c, CORRUPT_WHITEOUT, o, dmg_path(o));
}

static void add_work(struct corrupt *c)
{
	static const char *const names[] = { "", "/work", "/index", "/work/incompat",
					     "/work/incompat/volatile" };

	for (size_t i = 0; c->d.work && i < ARRAY_LEN(names); i++) {
		char *path = ovl_tool_format("%s%s", c->d.work, names[i]);

		if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			add(c, CORRUPT_WORK, NULL, path);
		else
			free(path);
	}
}

static struct dmg_obj *some(struct corrupt *c, bool dirs)
{
	size_t count = 0, number;

	for (int pass = 0;; pass++) {
		number = pass ? corrupt_random(c, count) : 0;
		for (size_t i = 0; i < c->d.layer_count; i++) {
			for (size_t k = 0; k < c->d.layers[i].count; k++) {
				struct dmg_obj *o = c->d.layers[i].objs[k];

				if (dirs && !dmg_is_dir(o))
					continue;
				if (!pass)
					count++;
				else if (number-- == 0)
					return o;
			}
		}
	}
}

struct dmg_obj *corrupt_some_object(struct corrupt *c)
{
	return some(c, false);
}

struct dmg_obj *corrupt_some_dir(struct corrupt *c)
{
	return some(c, true);
}

/** A kind that there is, then one of it: of some kinds there are very many. */
static const struct corrupt_at *pick(struct corrupt *c)
{
	size_t counts[CORRUPT_KINDS] = { 0 }, kinds = 0, number;
	enum corrupt_kind kind = 0;

	for (size_t i = 0; i < c->count; i++)
		kinds += !counts[c->at[i].kind]++;
	number = corrupt_random(c, kinds);
	while (!counts[kind] || number--)
		kind++;
	number = corrupt_random(c, counts[kind]);
	for (size_t i = 0;; i++)
		if (c->at[i].kind == kind && number-- == 0)
			return &c->at[i];
}

typedef bool corrupt_how(struct corrupt *c, const struct corrupt_at *at);

static corrupt_how *const how[] = {
	[CORRUPT_WHITEOUT] = corrupt_whiteout,
	[CORRUPT_INDEX] = corrupt_index,
	[CORRUPT_WORK] = corrupt_work,
	[CORRUPT_XATTR] = corrupt_xattr,
};

/** Loads what is there now, and corrupts one of it. */
static bool corrupt_one(const char *dir, uint64_t *state)
{
	struct corrupt c = { .d.rng.state = *state };
	bool done = false;

	dmg_load(&c.d, dir);
	for (size_t i = 0; i < c.d.layer_count; i++)
		for (size_t k = 0; k < c.d.layers[i].count; k++)
			add_object(&c, c.d.layers[i].objs[k]);
	add_work(&c);
	for (int tries = 0; c.count && !done && tries < 100; tries++) {
		const struct corrupt_at *at = pick(&c);

		done = how[at->kind < CORRUPT_XATTR ? at->kind : CORRUPT_XATTR](&c, at);
	}
	*state = c.d.rng.state;
	for (size_t i = 0; i < c.count; i++)
		free(c.at[i].path);
	free(c.at);
	dmg_free(&c.d);
	return done;
}

int main(int argc, char **argv)
{
	uint64_t state, count = 1, done = 0;

	if (argc != 3 && argc != 4) {
		fputs("usage: ovl-corrupt DIR SEED [N]\n", stderr);
		return 99;
	}
	state = ovl_tool_number(argv[2], UINT64_MAX) * 0x9e3779b97f4a7c15u;
	if (argc == 4)
		count = ovl_tool_number(argv[3], 1000);
	for (uint64_t i = 0; i < count; i++)
		done += corrupt_one(argv[1], &state);
	if (fflush(stdout) || ferror(stdout))
		ovl_tool_die("writing");
	return done ? 0 : 77;
}
