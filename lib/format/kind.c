/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds of objects, in words.
 */
#include <sys/stat.h>

#include "overlayfs/observe.h"

#include "base/banned.h"

const char *ovl_kind_name(enum ovl_kind kind)
{
	static const char *const names[OVL_KIND__MAX] = {
		[OVL_KIND_UNKNOWN] = "unknown object",
		[OVL_KIND_DIR] = "directory",
		[OVL_KIND_REG] = "regular file",
		[OVL_KIND_SYMLINK] = "symbolic link",
		[OVL_KIND_FIFO] = "fifo",
		[OVL_KIND_SOCK] = "socket",
		[OVL_KIND_CHR] = "character device",
		[OVL_KIND_BLK] = "block device",
		[OVL_KIND_WHITEOUT] = "whiteout",
		[OVL_KIND_XWHITEOUT] = "xattr whiteout",
	};

	return names[kind < OVL_KIND__MAX ? kind : OVL_KIND_UNKNOWN];
}

enum ovl_kind ovl_kind_of(const struct ovl_stat *st)
{
	switch (st->mode & S_IFMT) {
	case S_IFDIR:
		return OVL_KIND_DIR;
	case S_IFREG:
		return OVL_KIND_REG;
	case S_IFLNK:
		return OVL_KIND_SYMLINK;
	case S_IFIFO:
		return OVL_KIND_FIFO;
	case S_IFSOCK:
		return OVL_KIND_SOCK;
	case S_IFBLK:
		return OVL_KIND_BLK;
	case S_IFCHR:
		return st->rdev == 0 ? OVL_KIND_WHITEOUT : OVL_KIND_CHR;
	default:
		return OVL_KIND_UNKNOWN;
	}
}
