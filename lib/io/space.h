/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Room on a file system, and whether files on it can share blocks.
 */
#ifndef OVL_IO_SPACE_H
#define OVL_IO_SPACE_H

#include <stdbool.h>
#include <stdint.h>

struct ovl_space {
	uint64_t bytes;  /* free, for us */
	uint64_t inodes; /* free; UINT64_MAX if they are made as they are needed */
	uint64_t block;  /* bytes */
	bool clones;     /* FICLONE works there */
};

/** ovl_space_of - of the file system that a descriptor is on; 0 or negative errno */
int ovl_space_of(int fd, struct ovl_space *ret);

#endif
