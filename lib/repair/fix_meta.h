/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the planners of metacopy share: the file itself, and its content.
 */
#ifndef OVL_REPAIR_FIX_META_H
#define OVL_REPAIR_FIX_META_H

#include "repair/fix_origin.h"

/** A metacopy file, as a planner needs it. Zeroed: ovl_fix_meta_done() is safe. */
struct ovl_fix_meta {
	struct ovl_loc loc;
	struct ovl_stat st;
	struct ovl_buf origin; /* the value; empty: none */
};

/**
 * ovl_fix_meta_get - look at the file of the finding
 * Closes the way if it is no metacopy file by now, or has names outside of the upper. 1, 0, <0.
 */
int ovl_fix_meta_get(struct ovl_fixer *fx, struct ovl_fix_meta *ret);
void ovl_fix_meta_done(struct ovl_fix_meta *m);

/**
 * ovl_fix_meta_fill - complete it with the data of a lower file, which makes a file like any other of it
 * Closes the way where the file has data of its own, or the lower one is another than it should be by
 * its size or its digest. @with_origin: its origin goes as well. 1, 0, <0.
 */
int ovl_fix_meta_fill(struct ovl_fixer *fx, const struct ovl_fix_meta *m,
		      const struct ovl_found *data, bool with_origin);

/** ovl_fix_has_content - has a file any byte but zeros? 1, 0, <0 */
int ovl_fix_has_content(struct ovl_fixer *fx, struct ovl_loc file, const struct ovl_stat *st);

#endif
