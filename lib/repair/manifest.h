/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a tree consists of, in two numbers: is it still the one that was made, with nothing more in it
 * and nothing written to? And its removal.
 */
#ifndef OVL_REPAIR_MANIFEST_H
#define OVL_REPAIR_MANIFEST_H

#include <stddef.h>

#include "overlayfs/observe.h"

/** A sum over all objects of a tree, in any order. */
struct ovl_manifest {
	uint64_t sum; /* of a hash of place, inode number, mode, owner, and of files size and time */
	uint64_t n;   /* objects */
};

/** ovl_manifest_key - stands for the place of a directory; @above: that of the one it is in; 0: none */
uint64_t ovl_manifest_key(uint64_t above, const char *name);

/** ovl_manifest_hash - of one object; @key: of the directory that it is in */
uint64_t ovl_manifest_hash(uint64_t key, const char *name, const struct ovl_stat *st);

/**
 * ovl_manifest_take - of what is at a name now, with all that is below
 * No symlink is followed and no mount is crossed. 0, -ENOENT, or why it could not be read.
 */
int ovl_manifest_take(int dir, const char *name, struct ovl_manifest *ret);

/** ovl_manifest_remove - remove all of it, which is ours; -ENOENT */
int ovl_manifest_remove(int dir, const char *name);

#endif
