/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories that a layer has to get, since something is to be put into them: as they are shown, and
 * empty, so that what is below is merged with them as before.
 *
 * What is wanted is collected first; then there is one step for each topmost missing directory, with all
 * that is wanted below it.
 */
#ifndef OVL_REPAIR_PARENTS_H
#define OVL_REPAIR_PARENTS_H

#include "base/map.h"
#include "repair/plan.h"

/** A directory that is missing. */
struct ovl_parents_dir {
	struct ovl_path *path; /* in the layer; counted */
	struct ovl_loc source; /* the topmost of what is merged there; path counted */
	uint64_t ino;          /* of that */
	size_t parent;         /* 1 + number of the missing directory that it is in; 0: none */
	size_t next,
		inside; /* 1 + number of the next one in the same directory, of the first in it */
};

struct ovl_parents {
	int layer;
	OVL_VEC(struct ovl_parents_dir) dir;
	OVL_VEC(size_t) top;  /* those whose directory is there */
	struct ovl_map known; /* hash of a path -> 1 + number in dir; 0: it is there */
};

/** ovl_parents_init - @layer: OVL_LAYER_UPPER or a lower; ovl_parents_done() it */
void ovl_parents_init(struct ovl_parents *p, int layer);
void ovl_parents_done(struct ovl_parents *p);

/**
 * ovl_parents_want - a directory of the overlay, as seen from the layer down, is to be in it
 * @path: NULL: the root
 * 1; 0 if no directory is shown there; negative errno if it could not be found out.
 */
int ovl_parents_want(struct ovl_parents *p, struct ovl_stack *stack, const struct ovl_path *path);

/** ovl_parents_len - how many steps it takes; ovl_parents_path - what the step makes, and what is in it */
static inline size_t ovl_parents_len(const struct ovl_parents *p)
{
	return p->top.len;
}

static inline const struct ovl_path *ovl_parents_path(const struct ovl_parents *p, size_t step)
{
	return p->dir.data[p->top.data[step]].path;
}

/**
 * ovl_parents_emit - the operations of one step, into the way of @fx
 * Copies of the directories without what is in them, put together in stage/, with the xattrs that overlayfs
 * gives what it copies up; only the first (impure) and the last operation change the layer. 0 or negative errno.
 */
int ovl_parents_emit(const struct ovl_parents *p, struct ovl_fixer *fx, size_t step);

#endif
