/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The value of the xattr "metacopy": empty, or a header with an fs-verity digest. Pure.
 */
#ifndef OVL_FORMAT_METACOPY_H
#define OVL_FORMAT_METACOPY_H

#include "overlayfs/types.h"

enum {
	OVL_METACOPY_ALGO_NONE = 0,
	OVL_METACOPY_ALGO_SHA256 = 1, /* FS_VERITY_HASH_ALG_SHA256: 32 bytes */
	OVL_METACOPY_ALGO_SHA512 = 2, /* 64 bytes */
};

struct ovl_metacopy {
	uint8_t algo;
	struct ovl_bytes digest; /* borrowed; empty without digest */
};

/** How bad a value is to the kernel. */
enum ovl_metacopy_state {
	OVL_METACOPY_GOOD,
	OVL_METACOPY_TOO_SMALL, /* 1 to 3 bytes: every lookup fails with EIO */
	OVL_METACOPY_BAD,       /* nobody writes such a value; it fails with verity at most */
};

/**
 * ovl_metacopy_parse - read the value
 * @ret: written for OVL_METACOPY_GOOD only
 *
 * OVL_METACOPY_BAD is: a version or flags other than 0, a length field that is not the length of
 * the value, an unknown algorithm, a digest that does not have the size of its algorithm. Without
 * verity the kernel looks at none of these. With verity=on or require, opening the file fails with
 * EIO (ERANGE above 68 bytes) for all but flags, a digest under algorithm 0, and whatever stands in
 * a value of exactly 4 bytes, which it takes for "no digest".
 *
 * Kernel: fs/overlayfs/util.c, ovl_check_metacopy_xattr() and ovl_validate_verity().
 */
enum ovl_metacopy_state ovl_metacopy_parse(struct ovl_bytes v, struct ovl_metacopy *ret);

#endif
