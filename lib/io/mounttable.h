/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All mounts of our namespace, kept to be searched.
 *
 * For questions that many layers ask at once. Who goes through the table once needs no copy of it,
 * see mountinfo.h.
 */
#ifndef OVL_IO_MOUNTTABLE_H
#define OVL_IO_MOUNTTABLE_H

#include "base/map.h"
#include "base/vec.h"
#include "overlayfs/types.h"

/** One mount. The strings are raw bytes, escapes taken out, owned by the table. */
struct ovl_mounttable_row {
	uint64_t id;
	uint64_t parent;
	char *dev;     /* "major:minor" of the superblock */
	char *root;    /* which directory of its file system is mounted; "/" for the whole */
	char *target;  /* where */
	char *fs_type; /* "ext4" */
};

struct ovl_mounttable {
	OVL_VEC(struct ovl_mounttable_row) row; /* in the order of mounting */
	struct ovl_map by_id;                   /* id -> number in @row */
};

/**
 * ovl_mounttable_read - read /proc/self/mountinfo
 * @ret: written on 0 only; ovl_mounttable_done() it
 * Returns 0, -ENOENT without /proc, -ENOMEM or another errno.
 */
int ovl_mounttable_read(struct ovl_mounttable *ret);

/** ovl_mounttable_done - free and empty; a zeroed table is fine */
void ovl_mounttable_done(struct ovl_mounttable *t);

/** ovl_mounttable_find - the mount with this id, as ovl_mountid_get() gives it; NULL: not there */
const struct ovl_mounttable_row *ovl_mounttable_find(const struct ovl_mounttable *t, uint64_t id);

/**
 * ovl_mounttable_waits - is there an automount at or above @path that nothing is mounted over yet?
 * @path: absolute, without symlinks
 */
bool ovl_mounttable_waits(const struct ovl_mounttable *t, const char *path);

#endif
