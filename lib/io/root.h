/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The root of a layer, opened as the kernel opens it, and what its file system can do.
 */
#ifndef OVL_IO_ROOT_H
#define OVL_IO_ROOT_H

#include "overlayfs/error.h"
#include "overlayfs/observe.h"
#include "overlayfs/types.h"

/** File systems that need to be told apart (statfs f_type). */
#define OVL_FS_OVERLAY 0x794c7630u
#define OVL_FS_BTRFS 0x9123683eu
#define OVL_FS_TMPFS 0x01021994u

struct ovl_root {
	int fd;     /* our view: a private, detached, read-only, noatime clone of the one mount, as
		     * overlayfs makes for itself; where that is not possible, the plain directory */
	bool clone; /* fd is such a clone: mounts inside the layer are not seen */
	int plain;  /* O_PATH of the directory as everybody sees it, for mount checks */
	struct ovl_stat stat;
	uint64_t mnt_id;      /* of @plain; 0 if unknown */
	uint64_t fs_type;     /* statfs f_type */
	uint8_t uuid[16];     /* of the file system, zeros if it has none */
	bool has_uuid;        /* @uuid could be found out (it may be zeros all the same) */
	bool has_handles;     /* name_to_handle_at works */
	bool folds_case;      /* names in it are looked up without regard to case (chattr +F) */
	bool mount_read_only; /* the mount or the file system is read-only */
};

/**
 * ovl_root_open - open a layer directory
 * @path: as given; symlinks in it are followed, as mount(8) does
 * @what: "lower layer", "upper layer" ... for the error text
 *
 * Fails with -ENOTDIR for anything but a directory (a FIFO is not opened), -ENOENT, -EACCES ...
 * Never blocks, never changes an access time.
 */
int ovl_root_open(const char *path, const char *what, struct ovl_root *ret, struct ovl_error *e);

/** ovl_root_done - close; a zeroed or closed root is fine */
void ovl_root_done(struct ovl_root *root);

/** The empty root, for initialisation. */
#define OVL_ROOT_INIT                 \
	{                             \
		.fd = -1, .plain = -1 \
	}

/**
 * ovl_root_uuid - s_uuid of a file system, as overlayfs uses it in handles
 * @fd: any fd on it
 * FS_IOC_GETFSUUID, then BTRFS_IOC_FS_INFO, then what is known to have none (zeros), then libblkid
 * on the device. Returns 0 or -ENODATA if it could not be found out.
 */
int ovl_root_uuid(int fd, uint8_t ret_uuid[16]);

/** ovl_root_folds_case - are names in this directory looked up without regard to case? */
bool ovl_root_folds_case(int fd);

/** ovl_root_trusted_visible - may this process see trusted.* xattrs? (CAP_SYS_ADMIN in the initial
 *                             user namespace) 1 or 0 */
int ovl_root_trusted_visible(void);

/** ovl_root_handles_refused - is this process refused whatever handle it wants to open?
 *                             (no CAP_DAC_READ_SEARCH, or a filter of system calls) 1 or 0 */
int ovl_root_handles_refused(int fd);

#endif
