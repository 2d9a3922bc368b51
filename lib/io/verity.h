/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fs-verity digest of a file: measured by the kernel, else computed from its content.
 */
#ifndef OVL_IO_VERITY_H
#define OVL_IO_VERITY_H

#include "io/reader.h"

enum { OVL_VERITY_MAX_DIGEST = 64 };

/**
 * ovl_verity_digest - the digest that "metacopy" of an overlay records
 * @fd: regular file from open_file()
 * @size: its size in bytes
 * @algo: OVL_METACOPY_ALGO_*
 * @ret_digest: @ret_len bytes are written
 *
 * First asks the kernel (FS_IOC_MEASURE_VERITY); a file without fs-verity is hashed with libfsverity
 * (4096-byte blocks, no salt). Returns 0; -EBADMSG if the file has fs-verity with another algorithm
 * than @algo (no kernel takes that for a match); -EINVAL for an @algo that nobody knows; -EOPNOTSUPP
 * if built without libfsverity and the kernel does not know; -ESTALE if the file is shorter than
 * @size; a read error.
 */
int ovl_verity_digest(struct ovl_reader *r, int fd, uint64_t size, uint8_t algo,
		      unsigned char ret_digest[OVL_VERITY_MAX_DIGEST], unsigned *ret_len);

#endif
