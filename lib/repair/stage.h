/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New objects are made whole in the folder stage/ of the journal, out of everybody's sight, and then
 * moved into place.
 */
#ifndef OVL_REPAIR_STAGE_H
#define OVL_REPAIR_STAGE_H

#include "repair/trees.h"

/**
 * ovl_stage_make - make the object that a MOVE is going to publish
 * @op: MOVE whose @at is "stage/N" and whose @make says what; its ino and mode are written
 *
 * What an earlier run left at that place is removed first. It becomes durable with its group. 0; -ESTALE if the source is not @source_ino any more; -EOPNOTSUPP for what cannot be copied
 * (a whole directory is no single object); or why it failed.
 */
int ovl_stage_make(struct ovl_trees *trees, struct ovl_op *op);

/** ovl_stage_remove - take away what was made and not published; 0 also if there is nothing */
int ovl_stage_remove(struct ovl_trees *trees, const struct ovl_op *op);

#endif
