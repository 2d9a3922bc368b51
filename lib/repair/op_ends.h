/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on names: the two places of a MOVE or LINK, and the times of their directories.
 */
#ifndef OVL_REPAIR_OP_ENDS_H
#define OVL_REPAIR_OP_ENDS_H

#include "repair/trees.h"

/** The places of an operation, reached. ovl_ends_done() it. */
struct ovl_ends {
	struct ovl_reach at, to;
	struct ovl_times now[2]; /* of the two directories, as they were found */
};

#define OVL_ENDS_INIT                                                                      \
	{                                                                                  \
		.at = OVL_REACH_INIT, .to = OVL_REACH_INIT, .now = { { .access = { 0 } } } \
	}

/** ovl_ends_open - errors as ovl_trees_reach() */
int ovl_ends_open(struct ovl_trees *t, const struct ovl_op *op, struct ovl_ends *ret);
void ovl_ends_done(struct ovl_ends *ends);

/** ovl_ends_check - is the object of an operation at a name? 1; 0: nothing is; -ESTALE: another one */
int ovl_ends_check(const struct ovl_reach *reach, const struct ovl_op *op);

/**
 * ovl_ends_rename - ovl_write_rename() of the object of an operation
 * After a cut of the power btrfs may show a file under both names of a rename that was on its way; then the
 * first one is removed, as the rename would have done.
 */
int ovl_ends_rename(const struct ovl_reach *from, const struct ovl_reach *to,
		    const struct ovl_op *op);

/** ovl_ends_prepare - what prepare() of a MOVE and of a LINK notes: see ovl_op_prepare() */
int ovl_ends_prepare(struct ovl_trees *t, struct ovl_op *op);

/** ovl_ends_set_times - give both directories these times, unless they are folders of the store */
int ovl_ends_set_times(const struct ovl_ends *ends, const struct ovl_op *op,
		       const struct ovl_times times[2]);

/** ovl_ends_set_time - only that of @to */
int ovl_ends_set_time(const struct ovl_ends *ends, const struct ovl_op *op,
		      const struct ovl_times *to);

/** ovl_ends_unmade - was @to to be in a directory that was made in stage/, and is gone with it? */
bool ovl_ends_unmade(struct ovl_trees *t, const struct ovl_op *op);

#endif
