/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the planners of origins, handles and metacopy share.
 */
#ifndef OVL_REPAIR_FIX_ORIGIN_H
#define OVL_REPAIR_FIX_ORIGIN_H

#include "repair/plan.h"

/**
 * ovl_fix_origin_reset - put something right in place of an origin of no use
 * A merged directory gets the handle of the directory below; one that is not merged an empty value,
 * since without any its whiteouts would be listed; a file that the index knows what its entry is named
 * after; anything else none. As a planner; says what it does.
 */
int ovl_fix_origin_reset(struct ovl_fixer *fx);

/** ovl_fix_origin_index - the number of the index entry of an upper inode, plus one; 0: it has none */
size_t ovl_fix_origin_index(const struct ovl_fixer *fx, uint64_t ino);

/**
 * ovl_fix_is_known - are all names of the upper file known? Else the way is closed, and that is said
 * 1, 0 or negative errno.
 */
int ovl_fix_is_known(struct ovl_fixer *fx, struct ovl_loc loc);

/**
 * ovl_fix_below - the topmost lower object that an upper one is merged with
 * @ret_loc: its path is counted
 * 1, 0 if there is none, or negative errno.
 */
int ovl_fix_below(struct ovl_fixer *fx, struct ovl_loc loc, struct ovl_loc *ret_loc);

/** ovl_fix_is_told - was it told for information only, as something normal? Then the way is closed: 1 */
bool ovl_fix_is_told(struct ovl_fixer *fx);

#endif
