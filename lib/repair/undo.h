/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking back: what was not committed after a crash, or a whole run when somebody wishes.
 */
#ifndef OVL_REPAIR_UNDO_H
#define OVL_REPAIR_UNDO_H

#include "overlayfs/repair.h"
#include "repair/store.h"
#include "repair/trees.h"

/** ovl_undo_step_back - take one recorded step back; 0, or what hindered an operation of it */
int ovl_undo_step_back(struct ovl_trees *trees, const struct ovl_logged_step *step,
		       bool recorded_times);

/** Steps of a run that was not finished. */
struct ovl_recovered {
	size_t back; /* taken back */
	size_t left; /* not, since somebody else has changed their objects after the crash */
};

/**
 * ovl_undo_uncommitted - take back what no COMMIT stands behind, and say so in the journal
 * @tell: its step() is told of those that are left; NULL
 * The layers are durable then. What others have changed since is theirs and left alone: the check that
 * follows finds whatever is wrong with it. 0; or why not: then the next run tries again.
 */
int ovl_undo_uncommitted(struct ovl_store *store, struct ovl_trees *trees,
			 const struct ovl_log *log, const struct ovl_undo_options *tell,
			 struct ovl_recovered *ret, struct ovl_error *e);

/** ovl_undo_log - take a whole journal back, newest step first; see ovl_undo() */
int ovl_undo_log(struct ovl_store *store, struct ovl_trees *trees, const struct ovl_log *log,
		 const struct ovl_undo_options *options, size_t *ret_left, struct ovl_error *e);

/**
 * ovl_undo_log_dry - which steps of a journal could be taken back? Tells of them as ovl_undo_log() would,
 *                    and changes nothing
 * What a later step has changed is not compared for an earlier one: it will be as that left it.
 */
int ovl_undo_log_dry(struct ovl_trees *trees, const struct ovl_log *log,
		     const struct ovl_undo_options *options, size_t *ret_left, struct ovl_error *e);

/** ovl_undo_tell - hand a step on; @r: 0, or why it is left: then counted; @why: NULL */
void ovl_undo_tell(const struct ovl_logged_step *step, const struct ovl_undo_options *options,
		   int r, const char *why, size_t *left);

/** ovl_undo_sync - make all layers that may have been written to durable */
int ovl_undo_sync(struct ovl_trees *trees);

/**
 * ovl_undo_alone - is nobody else using the layers? -EBUSY and who, if somebody does
 */
int ovl_undo_alone(struct ovl_stack *stack, struct ovl_error *e);

#endif
