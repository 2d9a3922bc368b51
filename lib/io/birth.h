/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When an object was made.
 */
#ifndef OVL_IO_BIRTH_H
#define OVL_IO_BIRTH_H

#include "overlayfs/types.h"

/** The time of birth, which nobody can set; both 0 where the file system does not keep it. */
struct ovl_birth {
	uint64_t ino;
	uint32_t mode;
	int64_t sec;
	uint32_t nsec;
};

/** ovl_birth_get - of a name in a directory, never following; 0, -ENOENT, or another errno */
int ovl_birth_get(int dir, const char *name, struct ovl_birth *ret);

#endif
