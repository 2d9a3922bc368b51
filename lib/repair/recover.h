/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an earlier run left unfinished, at the start of the next one that may write.
 */
#ifndef OVL_REPAIR_RECOVER_H
#define OVL_REPAIR_RECOVER_H

#include "repair/store.h"
#include "repair/trees.h"
#include "repair/undo.h"

/**
 * ovl_recover - finish what was begun
 * @ret_open: true if a journal is open now: that of an unfinished repair, which goes on
 * @ret: its steps
 *
 * Writes nothing if nothing is unfinished. An unfinished undo is carried to its end. Journals that
 * cannot be read, or belong to other layers, are refused: somebody has to look at them.
 * 0; -EBUSY; -ESTALE; or why not.
 */
int ovl_recover(struct ovl_store *store, struct ovl_trees *trees, bool *ret_open,
		struct ovl_recovered *ret, struct ovl_error *e);

#endif
