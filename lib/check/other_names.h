/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of upper inodes that are neither in the upper nor entries of the index: temporary objects of the
 * kernel, and what repairs have set aside.
 */
#ifndef OVL_CHECK_OTHER_NAMES_H
#define OVL_CHECK_OTHER_NAMES_H

#include "stack/stack.h"

/** Zeroed: not counted yet. */
struct ovl_other_names {
	bool known;
	struct ovl_map count; /* inode number -> names */
};

/**
 * ovl_other_names - how many there are of an inode; the first call counts those of all
 * What cannot be read is left out: the walk of the work directory tells of it. 0 or -ENOMEM.
 */
int ovl_other_names(struct ovl_other_names *names, struct ovl_stack *stack, uint64_t ino,
		    uint64_t *ret);
void ovl_other_names_done(struct ovl_other_names *names);

#endif
