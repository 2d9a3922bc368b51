/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies above a directory.
 */
#ifndef OVL_IO_ANCESTORS_H
#define OVL_IO_ANCESTORS_H

#include "io/mounttable.h"
#include "io/root.h"

/**
 * ovl_ancestors_each - the directories above a directory, from the nearest one
 * @mounts: of our namespace; an empty table means that no bind mount is seen through
 * @fn: told device and inode of each; anything but 0 ends the climb and is returned
 *
 * Parents are those that the file system has, as overlayfs compares its layers: the climb goes on
 * above the root of a bind mount, if another mount of our namespace shows what is there, and it ends
 * at the root of the file system, whatever that is mounted on. Names play no part.
 *
 * Returns 0, what @fn returned, -ENOMEM, or why a parent could not be looked at.
 * Kernel: fs/overlayfs/super.c, ovl_check_layer().
 */
int ovl_ancestors_each(const struct ovl_mounttable *mounts, const struct ovl_root *root,
		       int (*fn)(void *ctx, uint64_t dev, uint64_t ino), void *ctx);

#endif
