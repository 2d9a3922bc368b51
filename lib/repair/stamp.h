/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the stamp: what ends its validity. See overlayfs/stamp.h.
 */
#ifndef OVL_REPAIR_STAMP_H
#define OVL_REPAIR_STAMP_H

#include "overlayfs/stamp.h"

/** ovl_stamp_forget - layers are going to be changed: no stamp is left; 0 or why not */
int ovl_stamp_forget(struct ovl_stack *stack);

#endif
