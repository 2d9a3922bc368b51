/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Overlay file handles: how overlayfs names an inode of a real file system.
 *
 * The blob stands in the xattrs "origin" and "upper" and, as hex, in the names of index entries:
 * version, magic, length, flags, type, uuid of the file system, and the handle of that file system.
 */
#ifndef OVERLAYFS_FH_H
#define OVERLAYFS_FH_H

#include "overlayfs/types.h"

enum {
	OVL_FH_HEADER_LEN = 21,
	OVL_FH_MAX_FID = 128, /* MAX_HANDLE_SZ of the kernel */
	OVL_FH_MAX_LEN = OVL_FH_HEADER_LEN + OVL_FH_MAX_FID,
	OVL_FH_FLAG_BIG_ENDIAN = 1 << 0,
	OVL_FH_FLAG_ANY_ENDIAN = 1 << 1,
	OVL_FH_FLAG_PATH_UPPER = 1 << 2,
};

struct ovl_fh {
	uint8_t flags;
	uint8_t type;
	uint8_t uuid[16];
	uint8_t len;          /* the length that the blob states, header included */
	struct ovl_bytes fid; /* points into the raw value */
};

/**
 * ovl_fh_parse - read an overlay file handle as stored in an xattr
 * @raw: the value; borrowed, must outlive @ret_fh
 * @ret_fh: written on 0 only; its fid points into @raw
 *
 * Returns 0; -ENODATA if the kernel silently takes the origin for unknown (empty value, newer
 * version, unknown flag, other byte order); -EINVAL if it is malformed, also where the kernel only
 * fails later: a stated length below header + 4, a fid above OVL_FH_MAX_FID or not a multiple of 4.
 * Trailing bytes behind the stated length are tolerated (compare @raw.len with @ret_fh->len).
 * Pure: no I/O, no allocation.
 *
 * Kernel: fs/overlayfs/namei.c, ovl_check_fb_len() and ovl_get_fh().
 */
int ovl_fh_parse(struct ovl_bytes raw, struct ovl_fh *ret_fh);

/**
 * ovl_fh_build - the blob for a handle of a real file system
 * @flags: OVL_FH_FLAG_PATH_UPPER or 0; the byte order of this machine is added
 * @fid: 4 to OVL_FH_MAX_FID bytes, a multiple of 4
 * @ret_raw: at least OVL_FH_MAX_LEN bytes; written on success only
 *
 * Returns the length, or -EINVAL for a length of @fid that no blob can have. Pure. Kernel:
 * fs/overlayfs/copy_up.c, ovl_encode_real_fh().
 */
int ovl_fh_build(uint8_t flags, uint8_t type, const uint8_t uuid[16], struct ovl_bytes fid,
		 unsigned char *ret_raw);

/**
 * ovl_fh_parse_name - the blob that the name of an index entry stands for
 * @name: lower-case hex
 * @ret_raw: at least 128 bytes (a name has at most 255 characters); written on success only
 *
 * Returns the length of the blob, or -EINVAL if the name is shorter than 42 characters, longer than
 * 255, of odd length, or not hex. Pure. Kernel: fs/overlayfs/namei.c, ovl_verify_index(). It is
 * more lenient in two points: hex2bin takes both cases (as we do), and of a name of odd length the
 * last character is not looked at, so that the mount goes on. Such entries are never found again
 * by lookup, which writes lower case and full bytes.
 */
int ovl_fh_parse_name(const char *name, unsigned char *ret_raw);

#endif
