/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of several names that an earlier run had copied when it was killed: the names that are left become
 * names of those copies, as if that run had gone on.
 */
#ifndef OVL_REPAIR_COPIED_H
#define OVL_REPAIR_COPIED_H

#include "repair/tx.h"

/**
 * ovl_copied_recall - from the journal that goes on; nothing if there is none
 * A copy that is not there any more, or is another file, is forgotten.
 */
int ovl_copied_recall(struct ovl_tx *tx, struct ovl_plan_memory *memory, struct ovl_error *e);

#endif
