/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The uuid of a file system, as overlayfs puts it into handles. See root.h.
 */
#include "io/root.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <string.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"

#include "base/banned.h"

/* From Linux 6.9; the headers of the distributions that we build on are older. */
struct fsuuid {
	uint8_t len;
	uint8_t uuid[16];
};
#ifndef FS_IOC_GETFSUUID
#define FS_IOC_GETFSUUID _IOR(0x15, 0, struct fsuuid)
#endif

/* 0; -ENODATA if the kernel says that there is none; -ENOTTY if it may not know how to answer */
static int by_ioctl(int fd, uint8_t ret_uuid[16])
{
	_cleanup_close_ int known = -EBADF;
	struct fsuuid u = { 0 };

	if (ioctl(fd, FS_IOC_GETFSUUID, &u) == 0) {
		memset(ret_uuid, 0, 16);
		memcpy(ret_uuid, u.uuid, u.len < 16 ? u.len : 16);
		return 0;
	}
	/* The kernel's own tmpfs has one, so it tells whether the question was understood. */
	known = memfd_create("overlay-check", MFD_CLOEXEC);
	if (known >= 0 && ioctl(known, FS_IOC_GETFSUUID, &u) == 0)
		return -ENODATA;
	return -ENOTTY;
}

/* Btrfs sets s_uuid past the function that makes it known to the ioctl above. */
static int by_btrfs(int fd, uint8_t ret_uuid[16])
{
	struct btrfs_ioctl_fs_info_args info = { 0 };

	if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0)
		return -ENODATA;
	/* not metadata_uuid: the fsid is the one that may be changed, or be made up for one mount */
	memcpy(ret_uuid, info.fsid, 16);
	return 0;
}

/* File systems that never set s_uuid. */
static bool is_without_uuid(uint64_t type)
{
	switch (type) {
	case SQUASHFS_MAGIC:
	case RAMFS_MAGIC:
	case FUSE_SUPER_MAGIC:
	case NFS_SUPER_MAGIC:
	case V9FS_MAGIC:
	case ISOFS_SUPER_MAGIC:
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC:
		return true;
	default:
		return false;
	}
}

/* What stands on the disk, for kernels that cannot be asked. */
static int by_device(int fd, uint8_t ret_uuid[16])
{
	_cleanup_free_ char *device = NULL;
	struct stat st;
	blkid_probe probe;
	const char *text;
	size_t len;
	int r = -ENODATA;

	if (fstat(fd, &st) < 0)
		return -ENODATA;
	device = blkid_devno_to_devname(st.st_dev);
	if (!device)
		return -ENODATA;
	probe = blkid_new_probe_from_filename(device);
	if (!probe)
		return -ENODATA;
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_UUIDRAW);
	if (blkid_do_safeprobe(probe) == 0 &&
	    blkid_probe_lookup_value(probe, "UUID_RAW", &text, &len) == 0 && len == 16) {
		memcpy(ret_uuid, text, 16);
		r = 0;
	}
	blkid_free_probe(probe);
	return r;
}

int ovl_root_uuid(int fd, uint8_t ret_uuid[16])
{
	struct statfs fs;
	uint64_t type;
	int r;

	r = by_ioctl(fd, ret_uuid);
	if (r == 0)
		return 0;
	if (fstatfs(fd, &fs) < 0)
		return -ENODATA;
	type = (uint64_t)(unsigned long)fs.f_type;
	if (type == BTRFS_SUPER_MAGIC)
		return by_btrfs(fd, ret_uuid);
	if (r == -ENODATA || is_without_uuid(type)) {
		memset(ret_uuid, 0, 16);
		return 0;
	}
	return by_device(fd, ret_uuid);
}

bool ovl_root_folds_case(int fd)
{
	unsigned flags = 0;

	/* What does not know the flags has no such directories. */
	return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_CASEFOLD_FL);
}
