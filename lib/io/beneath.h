/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening what lies beneath a directory, whatever somebody has put there in the meantime.
 */
#ifndef OVL_IO_BENEATH_H
#define OVL_IO_BENEATH_H

#include "overlayfs/types.h"

/**
 * ovl_beneath_open_dir - open a directory below another one for reading
 * @path: names joined by single slashes, none of them "." or ".."; "" reopens @dir
 *
 * No symlink is followed, no mount is crossed, no access time is changed (as far as O_NOATIME is
 * permitted). By openat2() (Linux 5.6), else name by name. @path may be longer than PATH_MAX.
 * Returns 0, -ENOENT, -ENOTDIR, -ELOOP for a symlink, -EXDEV for a mount point, or another errno.
 */
int ovl_beneath_open_dir(int dir, const char *path, int *ret_fd);

/**
 * ovl_beneath_hold - get hold of an object of any type, a symlink too, without opening it (O_PATH)
 * @name: one name in @dir; "" for @dir itself
 * 0, -EXDEV for a mount point, or another errno.
 */
int ovl_beneath_hold(int dir, const char *name, int *ret_fd);

/**
 * ovl_beneath_open_file - open a regular file for reading
 * @name: one name in @dir
 * @dev, @ino: the file that is expected
 *
 * Nothing but a regular file is ever opened (an open of a FIFO blocks, an open of a device has
 * effects), no access time is changed, and a lease is not waited for (-EAGAIN). Returns 0, -ESTALE
 * if the object is another one, or another errno.
 */
int ovl_beneath_open_file(int dir, const char *name, uint64_t dev, uint64_t ino, int *ret_fd);

#endif
