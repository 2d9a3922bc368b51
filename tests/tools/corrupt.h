/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of ovl-corrupt: what of the format lies in an overlay, and how it is made something else.
 *
 * Nothing here knows what any of it means, so that what comes out is not what somebody thought of.
 */
#ifndef TESTS_TOOLS_CORRUPT_H
#define TESTS_TOOLS_CORRUPT_H

#include "damage.h"

/** What kind of thing an artefact is; an xattr is of the kind CORRUPT_XATTR + its enum dmg_xattr. */
enum corrupt_kind {
	CORRUPT_WHITEOUT,
	CORRUPT_INDEX,
	CORRUPT_WORK,
	CORRUPT_XATTR,
	CORRUPT_KINDS = CORRUPT_XATTR + DMG_XATTRS
};

/** One artefact of the format. */
struct corrupt_at {
	enum corrupt_kind kind;
	struct dmg_obj *o; /* NULL: @path is a directory of the work base, or what lies there */
	char *path;
};

struct corrupt {
	struct dmg d;
	struct corrupt_at *at;
	size_t count;
};

/** corrupt_random - a number below @below */
static inline size_t corrupt_random(struct corrupt *c, size_t below)
{
	return ovl_tool_random(&c->d.rng, (uint32_t)below);
}

/**
 * corrupt_did - report what was done, on one line
 * @rc: of the system call; when it says that this cannot be had here, nothing is printed
 *
 * Returns whether it was done. Ends the program on any other failure.
 */
bool corrupt_did(int rc, const char *what, const char *path, const char *more);

/** corrupt_some_object - any object of any layer, roots included */
struct dmg_obj *corrupt_some_object(struct corrupt *c);

/** corrupt_some_dir - any directory of any layer, the index included */
struct dmg_obj *corrupt_some_dir(struct corrupt *c);

/** corrupt_mangle - a value as blind chance makes it: emptied, cut, longer, bits and bytes changed */
struct dmg_value corrupt_mangle(struct corrupt *c, const struct dmg_value *v,
				const char **ret_what);

/* Each changes one artefact; false: this cannot be had here, and nothing was changed. */

bool corrupt_xattr(struct corrupt *c, const struct corrupt_at *at);
bool corrupt_whiteout(struct corrupt *c, const struct corrupt_at *at);
bool corrupt_index(struct corrupt *c, const struct corrupt_at *at);
bool corrupt_work(struct corrupt *c, const struct corrupt_at *at);

/* corrupt-object.c */

/** corrupt_put - make an object of a random type at a path where nothing is */
bool corrupt_put(struct corrupt *c, const char *path);

/** corrupt_copy - a second object like @from, with its xattrs, at @to; a directory comes empty */
bool corrupt_copy(const char *from, const char *to);

/** corrupt_remove - remove an object, with all that a directory holds */
void corrupt_remove(const char *path);

#endif
