/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects that somebody froze with chattr +i or +a. Nobody clears such a flag unasked, and what meets it
 * half way is hard to take back: a name can be put into an append-only directory, and not be removed
 * again. So it is looked for before anything is done.
 */
#ifndef OVL_REPAIR_FROZEN_H
#define OVL_REPAIR_FROZEN_H

#include "repair/trees.h"

/**
 * ovl_frozen_check - is there such an object among those that an operation changes, or taking it back?
 * @ret_why: "upper:/d is immutable (chattr +i)"; owned; NULL if there is no memory for it; on -EPERM only
 * 0; -EPERM. What cannot be reached is no matter here.
 */
int ovl_frozen_check(struct ovl_trees *trees, const struct ovl_op *op, char **ret_why);

/** ovl_frozen_check_all - the same for several */
int ovl_frozen_check_all(struct ovl_trees *trees, const ovl_op_vec *ops, char **ret_why);

#endif
