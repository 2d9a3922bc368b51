/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a conversion takes of space and inodes, before anything is written.
 */
#ifndef OVL_REPAIR_ESTIMATE_H
#define OVL_REPAIR_ESTIMATE_H

#include "repair/plan.h"

/**
 * ovl_estimate - plan all that is to be converted, and add up what it takes
 * @facts: of the check that made the report
 * @ret_lacking: layer on whose file system there is too little; OVL_LAYER_NONE: none
 * Plans are dropped one by one, so memory does not grow. 0 or negative errno.
 */
int ovl_estimate(struct ovl_stack *stack, const struct ovl_report *report,
		 const struct ovl_facts *facts, unsigned threads, struct ovl_estimate *ret,
		 int *ret_lacking);

#endif
