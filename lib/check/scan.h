/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory while it is walked: what its entries inherit from it, and what it is in the overlay.
 *
 * Each directory of each layer is walked once. What it is merged with is found out by lookup, at
 * once in the upper, and only when a check asks in the lowers, where most directories are plain.
 */
#ifndef OVL_CHECK_SCAN_H
#define OVL_CHECK_SCAN_H

#include "overlayfs/observe.h"
#include "stack/lookup.h"

/** An entry that was asked for: not yet, there, or not to be had. */
enum ovl_scan_state { OVL_SCAN_UNASKED, OVL_SCAN_READY, OVL_SCAN_FAILED };

struct ovl_scan_dir {
	unsigned refs;
	struct ovl_scan_dir *parent; /* counted; NULL: the root of the layer */
	struct ovl_dir *dir;

	/* What its own xattrs say. */
	bool opaque;     /* "y" */
	bool xwhiteouts; /* "x": may hold xattr whiteouts */
	bool old_marker; /* the mark for xattr whiteouts of Linux 6.7.0 */
	bool has_origin;
	bool has_impure; /* some value */
	bool impure;     /* the value "y" */

	bool below_opaque; /* a directory above is opaque, and nothing was merged in since */
	int lost;          /* 1 + number of the layer in which its redirect, or that of a directory
			    * above, leads nowhere, if nothing was merged in since; 0: none; atomic, known
			    * once the entry is */
	bool quiet;        /* storage of another overlay: not judged */
	bool sought_work;  /* was a work directory of another overlay looked for in it? */
	bool has_work;     /* and found? */

	/* Collected while its entries are seen, for the checks of OVL_SCOPE_DIR; upper only. */
	unsigned n_origin; /* entries that need this directory to be impure: their inode number is
			      * that of an origin */
	unsigned n_moved; /* others of which that is to be seen when all is known: see impure-missing */
	unsigned n_merged; /* merged subdirectories without origin (the kernel adds it at lookup) */
	unsigned n_unsure; /* others with an origin: whether it counts depends on the options */

	int shown; /* enum ovl_shown once it was asked for, see ovl_view_dir_shown(); -1 before */

	/* The entry of the part of the stack from this layer down; atomic, see ovl_scan_entry(). */
	struct ovl_entry *entry;
	int entry_failed;
};

/** ovl_scan_new - a directory to be walked; @dir is taken; NULL: out of memory (@dir is dropped) */
struct ovl_scan_dir *ovl_scan_new(struct ovl_scan_dir *parent, struct ovl_dir *dir);
struct ovl_scan_dir *ovl_scan_ref(struct ovl_scan_dir *d);
struct ovl_scan_dir *ovl_scan_unref(struct ovl_scan_dir *d); /* iterative; returns NULL */

/** ovl_scan_note - take what the xattrs of the directory itself say into its fields */
void ovl_scan_note(struct ovl_scan_dir *d, const struct ovl_obs *obs);

/**
 * ovl_scan_entry - what this directory is merged with, seen from its own layer down
 * @ret: borrowed, as long as @d lives; its topmost directory is @d itself
 *
 * Returns 0; -ENOENT if a lookup gives an error on the way here (a bad redirect above, say: then
 * nothing below can be judged by lookup, and that object has its own finding); -ENOMEM.
 * Any thread may ask.
 */
int ovl_scan_entry(struct ovl_scan_dir *d, struct ovl_entry **ret);

/**
 * ovl_scan_set_entry - the same from a lookup that was made already
 * @hit: what ovl_lookup() gave for @d in the entry of its parent
 * 0 or -ENOMEM.
 */
int ovl_scan_set_entry(struct ovl_scan_dir *d, const struct ovl_hit *hit);

/**
 * ovl_scan_drop_entry - the entry will not be asked for any more
 *
 * Of a directory whose subdirectories have all got theirs: a deep path through hundreds of layers
 * would keep hundreds of directories a level otherwise.
 */
void ovl_scan_drop_entry(struct ovl_scan_dir *d);

/** ovl_scan_is_on_top - the hit shows a directory with @d on top */
bool ovl_scan_is_on_top(const struct ovl_scan_dir *d, const struct ovl_hit *hit);

#endif
