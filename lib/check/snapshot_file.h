/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of a snapshot: a record for each directory.
 */
#ifndef OVL_CHECK_SNAPSHOT_FILE_H
#define OVL_CHECK_SNAPSHOT_FILE_H

#include <stdio.h>

#include "base/map.h"
#include "check/snapshot.h"

struct ovl_snapshot {
	FILE *file; /* without a name */
};

/** ovl_snapshot_new - an empty one; 0 or why there is no place for it */
int ovl_snapshot_new(struct ovl_snapshot **ret);

/**
 * ovl_snapshot_add - the next directory of the walk
 * @depth: 0 for the root; else at most one more than that of the directory before
 * @name: its own; "" for the root
 * @sum: over all that is in it
 */
int ovl_snapshot_add(struct ovl_snapshot *s, uint32_t depth, const char *name, size_t len,
		     struct ovl_key sum);

#endif
