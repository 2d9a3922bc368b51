/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts inside of layers.
 */
#ifndef OVL_IO_SUBMOUNTS_H
#define OVL_IO_SUBMOUNTS_H

#include "io/mounttable.h"
#include "io/root.h"

struct ovl_submount {
	size_t which;        /* index into the roots given */
	bool below_slash;    /* that root is "/" itself */
	const char *path;    /* from there, without a slash in front; borrowed from the table */
	const char *fs_type; /* of what is mounted; borrowed from the table */
};

/**
 * ovl_submounts_each - the mounts that lie right on one of several directory trees
 * @roots: @n directories; where one lies in another, the nearest one above the mount point counts
 * @fn: told each; anything but 0 ends it and is returned
 *
 * A mount on a mount is not in the layer, so it is not told. Nothing is looked up by path: a server
 * that does not answer holds nobody up. Returns 0, what @fn returned, -ENOMEM, or why the path of a
 * directory could not be found out.
 */
int ovl_submounts_each(const struct ovl_mounttable *mounts, const struct ovl_root *const *roots,
		       size_t n, int (*fn)(void *ctx, const struct ovl_submount *submount),
		       void *ctx);

#endif
