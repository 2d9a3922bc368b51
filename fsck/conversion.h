/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is told of a conversion: what there was to do, by kind, and how the target is to mount the tree.
 */
#ifndef FSCK_CONVERSION_H
#define FSCK_CONVERSION_H

#include "reporter.h"

/** ovl_conversion_is_routine - one of many things to be converted, of which nothing special is to be told */
bool ovl_conversion_is_routine(const struct ovl_result *result);

/** ovl_conversion_target - "Linux 4.14", or "this kernel without metacopy"; free() it; NULL: no memory */
char *ovl_conversion_target(const struct ovl_profile *profile);

/** ovl_conversion_text - the last lines of a report about a conversion; nothing if there was none */
int ovl_conversion_text(struct ovl_reporting *r, const struct ovl_summary *s);

#endif
