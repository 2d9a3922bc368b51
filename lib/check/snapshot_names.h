/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of one directory of the overlay, and what each of them is: summed up by several threads.
 */
#ifndef OVL_CHECK_SNAPSHOT_NAMES_H
#define OVL_CHECK_SNAPSHOT_NAMES_H

#include "base/map.h"
#include "base/vec.h"
#include "check/snapshot_file.h"
#include "stack/lookup.h"

typedef OVL_VEC(char *) ovl_name_vec;

/** ovl_names_done - free the names from @from on, and the array */
void ovl_names_done(ovl_name_vec *names, size_t from);

/** Names that were read from one of the directories of an entry. */
struct ovl_snapshot_names {
	struct ovl_stack *stack;
	const struct ovl_map *index; /* lower (dev, ino) -> name of the entry in the index */
	struct ovl_entry *entry;
	int layer; /* of the directory that the names were read from */
	int dir;   /* that directory, pinned */
	int above; /* the topmost directory of the entry, pinned, if that is another one; else -1 */
	struct ovl_key key; /* of the path of the directory, see struct ovl_snapshot_link */
	const struct ovl_snapshot *like; /* these two as of ovl_snapshot_take() */
	const struct ovl_twins *twins;
	ovl_name_vec name;
};

/** What they come to. */
struct ovl_snapshot_sum {
	struct ovl_key sum;         /* whatever the order of names */
	ovl_name_vec dir;           /* the directories among them; owned */
	struct ovl_map failed;      /* names that give an error; several layers may have them */
	ovl_snapshot_link_vec link; /* those of files that have several */
};

/**
 * ovl_snapshot_sum_up - look all names up and add them to @sum
 * A name counts only where it is the topmost. 0, -ENOMEM, or why a layer could not be read.
 */
int ovl_snapshot_sum_up(const struct ovl_snapshot_names *names, unsigned threads,
			struct ovl_snapshot_sum *sum);

#endif
