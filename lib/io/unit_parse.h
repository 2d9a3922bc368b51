/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One file of a mount unit: the unit itself, or a drop-in.
 */
#ifndef OVL_IO_UNIT_PARSE_H
#define OVL_IO_UNIT_PARSE_H

#include "io/unit_file.h"

/**
 * ovl_unit_parse - read a file over what others have said
 * @u: what the file says replaces what is there; specifiers stay as they are
 * @ret_masked: the file is empty or a device: there shall be no such unit; written on 1 only
 *
 * Returns 1, 0 if there is no such file, -ENODATA if it is no regular file, or another errno.
 */
int ovl_unit_parse(const char *path, struct ovl_unit_file *u, bool *ret_masked,
		   struct ovl_error *e);

#endif
