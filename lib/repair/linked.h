/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All names that regular files with several of them have in a layer: what a file is to be replaced
 * under, if it cannot be changed because it has names elsewhere.
 */
#ifndef OVL_REPAIR_LINKED_H
#define OVL_REPAIR_LINKED_H

#include "base/vec.h"
#include "stack/stack.h"

/** One name. */
struct ovl_linked_name {
	int layer; /* that was searched; the index belongs to the upper */
	uint64_t ino;
	struct ovl_loc loc; /* path counted */
};

/** Zeroed: no layer was searched yet. */
struct ovl_linked {
	OVL_VEC(struct ovl_linked_name) name; /* by layer and inode */
	struct ovl_map searched;              /* layers */
};

/**
 * ovl_linked_names - the names of a regular file in its layer; of the upper also those in the index
 * @ret: in @linked, good until the next call
 * The first call for a layer walks all of it. Their number; or negative errno, also if a directory cannot
 * be read, since there may be more names in it.
 */
long ovl_linked_names(struct ovl_linked *linked, struct ovl_stack *stack, int layer, uint64_t ino,
		      const struct ovl_linked_name **ret);
void ovl_linked_done(struct ovl_linked *linked);

#endif
