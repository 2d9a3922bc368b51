/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an overlay shows, as numbers that can be compared later: one sum for each directory, over the
 * names in it and what each of them is. Content is not read.
 *
 * A snapshot lies in a temporary file, in the order of the walk: depth first, names sorted. So two of
 * them are compared by reading both once, and memory does not grow with the tree.
 */
#ifndef OVL_CHECK_SNAPSHOT_H
#define OVL_CHECK_SNAPSHOT_H

#include "base/path.h"
#include "overlayfs/check.h"
#include "base/map.h"
#include "base/vec.h"
#include "overlayfs/option.h"

struct ovl_snapshot;

/** Copies that an earlier run has made of files of several names: these are one file. Zeroed: none. */
struct ovl_twins {
	struct ovl_map copy; /* (dev, ino) -> number in of */
	OVL_VEC(struct ovl_key) of;
};

/**
 * ovl_snapshot_take - walk through all that the overlay shows
 * @rules: the options under which names are looked up; layers are those of the stack. While it runs,
 *         nobody else may use the stack
 * @options: cancelled() is asked now and then
 * @like: the one it will be compared with, as @a; NULL: none
 * @twins: NULL: none
 *
 * Of each name: type, mode, owner, size, time of modification, device number, target of a symlink, xattrs
 * but those of overlayfs; or the error that stat(2) would give. Names that the index stands in for are what is in the
 * index.
 * 0; -ECANCELED; -ENOMEM; or why a temporary file could not be written.
 */
int ovl_snapshot_take(struct ovl_stack *stack, const struct ovl_config *rules,
		      const struct ovl_check_options *options, const struct ovl_snapshot *like,
		      const struct ovl_twins *twins, struct ovl_snapshot **ret);

struct ovl_snapshot *ovl_snapshot_free(struct ovl_snapshot *s);

/**
 * ovl_snapshot_compare - the directories that differ
 * @differs: called for each, with its path from "/" on, raw bytes
 * Names that are one file are compared as well, as far as they were converted: those that stayed what they
 * were are no part of what is made.
 * Where one is missing as a whole, that is told of the directory that should have it.
 * The number of directories that differ, or a negative errno.
 */
int64_t ovl_snapshot_compare(struct ovl_snapshot *a, struct ovl_snapshot *b,
			     int (*differs)(void *ctx, const char *path), void *ctx);

#endif
