/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --inspect: why does the overlay show a path as it does?
 */
#ifndef FSCK_INSPECT_H
#define FSCK_INSPECT_H

#include "reporter.h"

/** ovl_inspect_text - reporter.inspection() of the text report */
int ovl_inspect_text(struct ovl_reporting *r, const char *path,
		     const struct ovl_inspection *inspection);

/** ovl_inspect_part - the i-th word for a part an object has in what is shown; NULL: no more
 *
 * @ret_part: the OVL_PART_* that the word stands for
 */
const char *ovl_inspect_part(size_t i, unsigned *ret_part);

/** ovl_inspect_errno - "ENOENT" for a negative errno that a lookup can give; NULL for others */
const char *ovl_inspect_errno(int error);

#endif
