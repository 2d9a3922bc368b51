/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why does the overlay show a name as it does?
 */
#ifndef OVERLAYFS_INSPECT_H
#define OVERLAYFS_INSPECT_H

#include "overlayfs/error.h"
#include "overlayfs/observe.h"
#include "overlayfs/types.h"

/** What part an object of one layer has in what the overlay shows. */
enum ovl_part {
	OVL_PART_METADATA = 1 << 0, /* owner, mode, times, xattrs come from here */
	OVL_PART_DATA = 1 << 1,     /* the content of the file comes from here */
	OVL_PART_MERGED = 1 << 2,   /* a directory whose entries are merged in */
	OVL_PART_HIDDEN = 1 << 3,   /* there, but not shown */
};

/** One xattr of an object, decoded for reading. */
struct ovl_inspect_xattr {
	const char *name;  /* full name, escaped */
	const char *value; /* decoded: "y", "/a/b", "handle of inode 12 ..., leads to lower1:/a" */
};

/** What was found at one layer. */
struct ovl_inspect_layer {
	struct ovl_loc loc; /* where lookup looked in this layer, redirects followed */
	bool present;       /* something is there */
	struct ovl_obs obs; /* only with @present */
	unsigned part;      /* OVL_PART_* */
	const struct ovl_inspect_xattr *xattr;
	size_t n_xattr;
	const char *why; /* why it is hidden or the lookup stops; "" if it goes without saying */
};

struct ovl_inspection {
	int result;             /* what lstat through a mount gives: 0, -ENOENT, -EIO ... */
	const char *result_why; /* one line; "" for 0 */
	const struct ovl_inspect_layer *layer;
	size_t n_layer;
};

struct ovl_inspect_memory;

/**
 * ovl_inspect - look one path of the overlay up and explain every step
 * @path: path in the overlay, "/" or "" for its root; "." and ".." are refused with -EINVAL
 * @ret: points into @ret_memory
 * @ret_memory: ovl_inspect_free() it
 *
 * Returns 0 (also if the path is not there: see result), or an errno if the layers could not be read.
 */
int ovl_inspect(struct ovl_stack *stack, const char *path, struct ovl_inspection *ret,
		struct ovl_inspect_memory **ret_memory, struct ovl_error *e);
void ovl_inspect_free(struct ovl_inspect_memory *memory);

#endif
