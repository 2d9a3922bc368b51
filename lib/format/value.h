/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The small values: opaque, impure, nlink, uuid, protattr. Pure.
 */
#ifndef OVL_FORMAT_VALUE_H
#define OVL_FORMAT_VALUE_H

#include "overlayfs/types.h"

enum ovl_opaque {
	OVL_OPAQUE_NO,     /* no value, or one that the kernel does not take for opaque */
	OVL_OPAQUE_YES,    /* "y": hides everything below */
	OVL_OPAQUE_XWHITE, /* "x": the directory may hold xattr whiteouts */
};

/**
 * ovl_value_opaque - what the kernel makes of an opaque value
 * @ret: always written
 *
 * Returns 0, or -EINVAL for a value that is neither "y" nor "x" (@ret is then OVL_OPAQUE_NO: that
 * is how the kernel acts). Kernel: fs/overlayfs/util.c, ovl_get_dir_xattr_val().
 */
int ovl_value_opaque(struct ovl_bytes v, enum ovl_opaque *ret);

/** ovl_value_is_y - exactly the byte 'y', the only value of impure that counts */
bool ovl_value_is_y(struct ovl_bytes v);

enum ovl_nlink_base { OVL_NLINK_UPPER, OVL_NLINK_LOWER };

/**
 * ovl_value_nlink - parse "U+1", "L-2"
 * @ret_base, @ret_diff: written on 0 only
 *
 * Lenient where the kernel is: leading zeros, one newline at the end, anything behind a NUL. Not
 * more than 12 bytes, no second sign, no blanks, no number beyond int.
 * Returns 0 or -EINVAL. Kernel: fs/overlayfs/inode.c, ovl_get_nlink(), which also refuses a sum
 * below 1.
 */
int ovl_value_nlink(struct ovl_bytes v, enum ovl_nlink_base *ret_base, int *ret_diff);

/**
 * ovl_value_protattr - parse the letters of "protattr"
 * @ret_flags: bit 0 immutable ('i'), bit 1 append-only ('a'); written on 0 only
 *
 * 1 to 32 letters in any order, also repeated.
 * Returns 0 or -EINVAL. Kernel: fs/overlayfs/util.c, ovl_check_protattr().
 */
int ovl_value_protattr(struct ovl_bytes v, unsigned *ret_flags);

#endif
