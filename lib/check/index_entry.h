/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the checks of an index entry ask of it. Its name is the handle of the lower inode that was
 * copied up; if it is no directory and no whiteout, it is one more name of the upper inode.
 */
#ifndef OVL_CHECK_INDEX_ENTRY_H
#define OVL_CHECK_INDEX_ENTRY_H

#include "check/view.h"

/** The origin of an entry, compared with its name as the kernel does at mount. */
enum ovl_index_origin {
	OVL_INDEX_ORIGIN_NONE,  /* absent or empty */
	OVL_INDEX_ORIGIN_BAD,   /* no handle, or none that this kernel knows: to it, absent */
	OVL_INDEX_ORIGIN_FLAG,  /* differs in the flag that tells upper from lower only */
	OVL_INDEX_ORIGIN_OTHER, /* another handle */
	OVL_INDEX_ORIGIN_SAME,
	OVL_INDEX_ORIGIN_UNREADABLE,
};

/** ovl_index_entry_decode - what the name of an entry leads to; all but the name of @ret is written */
void ovl_index_entry_decode(struct ovl_stack *stack, const char *name, struct ovl_fact_index *ret);

/** ovl_index_entry_is_file - a name of an upper inode: the name is a handle, the object no mere mark */
bool ovl_index_entry_is_file(const struct ovl_view *v);

enum ovl_index_origin ovl_index_entry_origin(const struct ovl_view *v);

/**
 * ovl_index_entry_is_typed - its name leads to a lower inode of its own file type
 * Kernel: fs/overlayfs/namei.c, ovl_lookup_index(), which compares nothing but S_IFMT.
 */
bool ovl_index_entry_is_typed(const struct ovl_view *v);

/**
 * ovl_index_entry_is_sound - it is right in all that the kernel compares, and its lower inode is there
 * Then its link count can be judged.
 */
bool ovl_index_entry_is_sound(const struct ovl_view *v);

/** ovl_index_entry_link - the record of its inode, with the upper names that were counted */
const struct ovl_fact_link *ovl_index_entry_link(const struct ovl_view *v);

/** ovl_index_entry_upper_name - a place in the upper where its inode is; OVL_LAYER_NONE without */
struct ovl_loc ovl_index_entry_upper_name(const struct ovl_view *v);

/**
 * ovl_index_entry_is_astray - is a lower object shown where it should not be, because of a redirect?
 * @lower: the object
 * @at: the overlay path that shows it
 *
 * Two directories lead to one above it, or one leads there and the old name is not covered. That is
 * told as redirect-duplicate or redirect-uncovered; the index is not to blame.
 */
bool ovl_index_entry_is_astray(const struct ovl_view *v, struct ovl_loc lower,
			       const struct ovl_path *at);

/** The names under which the overlay shows the lower inode of an entry. */
struct ovl_index_shown {
	uint64_t n;           /* names without an upper object: the entry stands in for it */
	struct ovl_loc first; /* one of them; borrowed from the facts */
	uint64_t moved;  /* those of them that a redirect shows under another path than their own */
	uint64_t astray; /* more such names, but see ovl_index_entry_is_astray() */
};

/**
 * ovl_index_entry_shown - count the lower names that have no upper object
 * Each is looked up in the whole stack. 0 or -ENOMEM.
 */
int ovl_index_entry_shown(const struct ovl_view *v, struct ovl_index_shown *ret);

/** Where the overlay shows the lower directory of an entry. */
struct ovl_index_home {
	bool shown;
	bool bare;         /* without an upper directory */
	bool astray;       /* because of a redirect that is wrong */
	struct ovl_loc at; /* of the lower one; borrowed from the facts */
	uint64_t upper_ino;
	struct ovl_path *upper_path; /* counted; NULL if bare */
};

/**
 * ovl_index_entry_home - find it, if the entry leads to a lower directory
 * Only where that is the topmost lower one does the kernel look the entry up. 0 or -ENOMEM;
 * ovl_index_home_done() it.
 */
int ovl_index_entry_home(const struct ovl_view *v, struct ovl_index_home *ret);
void ovl_index_home_done(struct ovl_index_home *h);

#endif
