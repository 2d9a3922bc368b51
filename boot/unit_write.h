/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing drop-ins into the folder of a generator, and nowhere else.
 */
#ifndef BOOT_UNIT_WRITE_H
#define BOOT_UNIT_WRITE_H

/** ovl_unit_write_open - the folder that systemd gave; a file descriptor or a negative errno */
int ovl_unit_write_open(const char *dir);

/**
 * ovl_unit_write - write "UNIT.d/FILE"
 * @dir: from ovl_unit_write_open()
 * @unit, @file: without slashes
 *
 * What is there already is neither followed, if it is a symlink, nor written over; a file that could
 * not be written whole is taken away again. Returns 0, -EEXIST, -ELOOP or -ENOTDIR (something else
 * stands where the folder should), or another errno.
 */
int ovl_unit_write(int dir, const char *unit, const char *file, const char *text);

#endif
