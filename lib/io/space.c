/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Free space. See space.h.
 */
#include "io/space.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>

#include "base/banned.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#ifndef BCACHEFS_SUPER_MAGIC
#define BCACHEFS_SUPER_MAGIC 0xca451a4e
#endif

/* The geometry of an XFS as its ioctl gives it, as far as we read it; xfslibs-dev would have it all. */
struct xfs_geometry {
	uint32_t numbers[23];
	uint32_t flags;
	uint64_t rest[20];
};
#define XFS_GEOMETRY _IOR('X', 126, struct xfs_geometry)
#define XFS_HAS_REFLINK (UINT32_C(1) << 20)

static bool can_clone(int fd, long type)
{
	struct xfs_geometry g = { 0 };

	switch (type) {
	case BTRFS_SUPER_MAGIC:
	case BCACHEFS_SUPER_MAGIC:
		return true;
	case XFS_SUPER_MAGIC:
		return ioctl(fd, XFS_GEOMETRY, &g) == 0 && (g.flags & XFS_HAS_REFLINK);
	default:
		return false;
	}
}

int ovl_space_of(int fd, struct ovl_space *ret)
{
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return -errno;
	*ret = (struct ovl_space){
		.bytes = (uint64_t)st.f_bfree * (uint64_t)st.f_bsize,
		.inodes = st.f_files ? st.f_ffree : UINT64_MAX,
		.block = (uint64_t)st.f_bsize,
		.clones = can_clone(fd, st.f_type),
	};
	return 0;
}
