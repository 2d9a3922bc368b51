/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trees that a repair may write to, by number, and how an object in one is reached: from the root
 * of the tree, through no symlink and no mount point.
 *
 * Roots are opened as everybody sees them, not as the private clones that the scan reads: a rename
 * works within one mount only.
 */
#ifndef OVL_REPAIR_TREES_H
#define OVL_REPAIR_TREES_H

#include "repair/op.h"
#include "stack/stack.h"

struct ovl_trees {
	struct ovl_stack *stack; /* borrowed */
	int store;        /* directory of the open journal, -1 while there is none; borrowed */
	unsigned threads; /* to copy trees with; 0: one */
	bool (*cancelled)(void *ctx); /* asked while much is copied, by any thread; NULL: never */
	void *cancelled_ctx;
	char *why; /* what hindered the last tree, if there is more to say than an errno; owned */
	int index; /* opened when it is asked for, since a repair may make or move it; -1 */
};

void ovl_trees_init(struct ovl_trees *t, struct ovl_stack *stack);
void ovl_trees_done(struct ovl_trees *t);

/**
 * ovl_trees_root - directory of a tree, borrowed; -ENOENT if there is no such tree
 * That of the index is the one that is in its place now; good until the next call for it.
 */
int ovl_trees_root(struct ovl_trees *t, int tree, int *ret_fd);

/** A place that was reached: its directory, and its name there ("" for the root of a tree). */
struct ovl_reach {
	int dir;          /* owned; -1: not reached */
	const char *name; /* in the place */
};

/** ovl_trees_reach - open the directory of a place; ovl_reach_done() it. -ENOENT, -ELOOP, -EXDEV ... */
int ovl_trees_reach(struct ovl_trees *t, const struct ovl_place *place, struct ovl_reach *ret);
void ovl_reach_done(struct ovl_reach *reach);

#define OVL_REACH_INIT     \
	{                  \
		.dir = -1, \
	}

/**
 * ovl_trees_open_source - the same in a layer that is read only, through the reader of the stack
 * What is mounted in the layer is not seen, as overlayfs does not see it. ovl_trees_close_source() it.
 */
int ovl_trees_open_source(struct ovl_trees *t, const struct ovl_place *place,
			  struct ovl_reach *ret);
void ovl_trees_close_source(struct ovl_trees *t, struct ovl_reach *reach);

/**
 * ovl_trees_hold - hold the object at a place (see ovl_write_hold())
 * @ino: -ESTALE if it has another inode number; 0: any
 * @ret_stat: may be NULL
 */
int ovl_trees_hold(struct ovl_trees *t, const struct ovl_place *place, uint64_t ino,
		   int *ret_object, struct ovl_stat *ret_stat);

/** ovl_place_set - a copy of a location; 0 or -ENOMEM */
int ovl_place_set(struct ovl_place *place, struct ovl_loc loc);
/** ovl_place_store - "/saved/7"; @folder: "saved" or "stage"; 0 or -ENOMEM */
int ovl_place_store(struct ovl_place *place, const char *folder, uint64_t number);
void ovl_place_done(struct ovl_place *place);

#endif
