/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The number of a mount, as mountinfo prints it.
 */
#ifndef OVL_IO_MOUNTID_H
#define OVL_IO_MOUNTID_H

#include "overlayfs/types.h"

/**
 * ovl_mountid_get - which mount does a file descriptor look through?
 * @fd: any descriptor, also an O_PATH one
 * @ret: the id, unique among the mounts that exist at this time; never 0
 *
 * By statx (Linux 5.8), else from /proc/self/fdinfo (3.15). Returns 0, or -ENODATA if neither is
 * to be had.
 */
int ovl_mountid_get(int fd, uint64_t *ret);

/**
 * ovl_mountid_same - do two descriptors look through the same mount?
 *
 * Where mount ids cannot be had, the device numbers decide, which takes a bind mount for no mount
 * and a btrfs subvolume for one. 1, 0 or negative errno.
 */
int ovl_mountid_same(int a, int b);

#endif
