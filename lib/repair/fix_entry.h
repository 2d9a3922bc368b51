/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An entry of the index, as the planners look at it: anew, with the eyes of the check.
 */
#ifndef OVL_REPAIR_FIX_ENTRY_H
#define OVL_REPAIR_FIX_ENTRY_H

#include "check/index_entry.h"
#include "repair/plan.h"

struct ovl_fix_entry {
	struct ovl_view v;
	struct ovl_obs obs;
	struct ovl_fact_index entry; /* its name is borrowed */
	struct ovl_view_shared shared;
	bool temporary; /* its name begins with '#' */
};

/**
 * ovl_fix_entry_load - the entry that the finding is about
 * 1; 0 and refused if the check would not say the same of it now; or why it could not be read.
 * ovl_fix_entry_done() it in any case, if it was zeroed.
 */
int ovl_fix_entry_load(struct ovl_fixer *fx, struct ovl_fix_entry *ret);
void ovl_fix_entry_done(struct ovl_fix_entry *e);

/**
 * ovl_fix_entry_stands_for - is the inode of the entry the upper object at the name of a lower inode?
 * @lower: (dev, ino). 1, 0 or -ENOMEM
 */
int ovl_fix_entry_stands_for(struct ovl_fixer *fx, const struct ovl_fix_entry *e,
			     struct ovl_key lower);

/** ovl_fix_entry_name - the name in hex of an entry for a handle, as a place; unref its path; 0, -ENOMEM */
int ovl_fix_entry_name(const unsigned char *raw, size_t len, struct ovl_loc *ret);

/** ovl_fix_entry_is_free - is there no entry at a place? 1, 0, or why that is unknown */
int ovl_fix_entry_is_free(struct ovl_fixer *fx, struct ovl_loc at);

#endif
