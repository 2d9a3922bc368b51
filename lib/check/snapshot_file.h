/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A snapshot: a file with a record for each directory, and in memory the names of files that have several.
 */
#ifndef OVL_CHECK_SNAPSHOT_FILE_H
#define OVL_CHECK_SNAPSHOT_FILE_H

#include <stdio.h>

#include "base/map.h"
#include "base/vec.h"
#include "check/snapshot.h"

/** One name of a file that has several, before or after. */
struct ovl_snapshot_link {
	struct ovl_key name;  /* a hash of all of the path */
	struct ovl_key inode; /* (dev, ino) of what is shown */
	int layer;            /* that it is from */
	uint64_t dir;         /* number of the directory in the file */
};

typedef OVL_VEC(struct ovl_snapshot_link) ovl_snapshot_link_vec;

struct ovl_snapshot {
	FILE *file;      /* without a name */
	uint64_t n_dirs; /* in it */
	ovl_snapshot_link_vec link;
	struct ovl_map by_name; /* -> number in link */
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

/** ovl_snapshot_add_link - a name of a file that has several, in the directory that is added next */
int ovl_snapshot_add_link(struct ovl_snapshot *s, const struct ovl_snapshot_link *link);
bool ovl_snapshot_has_link(const struct ovl_snapshot *s, struct ovl_key name);

/**
 * ovl_snapshot_compare_links - directories of @b with names that are not one file as they were in @a
 * @ret_bad: gets the numbers of them, as (number, 1)
 */
int ovl_snapshot_compare_links(const struct ovl_snapshot *a, const struct ovl_snapshot *b,
			       struct ovl_map *ret_bad);

#endif
