/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * May a layer be written to? Lower layers may be shared with other overlays, and a use as lower cannot
 * be probed; so whatever is known about them counts.
 */
#ifndef OVL_REPAIR_LOWER_H
#define OVL_REPAIR_LOWER_H

#include "repair/decide.h"

/**
 * ovl_lower_judge - what speaks against writing to a layer
 * Found out anew at each call: keep the answer. With OVL_LOWER_AUTO a lower is shared if any mount of any
 * namespace uses it, another line of fstab names it, or it lies in a container store.
 */
enum ovl_writable ovl_lower_judge(struct ovl_stack *stack, int layer, enum ovl_lower_policy policy);

/**
 * ovl_lower_judge_agreed - the same where the user has asked for changes in all layers
 * That a container store or fstab knows the layer is what is to be expected then; but a mount must not see
 * it change.
 */
enum ovl_writable ovl_lower_judge_agreed(struct ovl_stack *stack, int layer,
					 enum ovl_lower_policy policy);

#endif
