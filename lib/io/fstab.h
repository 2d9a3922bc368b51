/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The overlay lines of fstab. libmount reads the file, so that we see what mount(8) sees.
 */
#ifndef OVL_IO_FSTAB_H
#define OVL_IO_FSTAB_H

#include "overlayfs/error.h"
#include "overlayfs/types.h"

struct libmnt_table;
struct libmnt_iter;

struct ovl_fstab {
	struct libmnt_table *table;
	struct libmnt_iter *iter;
};

/** A line of type overlay, escapes taken out; borrowed from the table. */
struct ovl_fstab_line {
	const char *spec;    /* NULL: none */
	const char *target;  /* as it is written */
	const char *options; /* NULL: none */
	int passno;
};

/** ovl_fstab_path - the file that is read: @given, else $FSTAB_FILE, else the usual one */
const char *ovl_fstab_path(const char *given);

/**
 * ovl_fstab_open - read fstab
 * @path: as above; a file that was not named and is not there has no lines
 * @ret: written on 0 only; ovl_fstab_done() it
 *
 * Lines that make no sense are left out: mount(8) does so, too. Returns 0, or why it could not be
 * read.
 */
int ovl_fstab_open(const char *path, struct ovl_fstab *ret, struct ovl_error *e);

/** ovl_fstab_done - free; a zeroed one is fine */
void ovl_fstab_done(struct ovl_fstab *t);

/** ovl_fstab_next - the next overlay line; false at the end */
bool ovl_fstab_next(struct ovl_fstab *t, struct ovl_fstab_line *ret);

/** ovl_fstab_rewind - begin again */
void ovl_fstab_rewind(struct ovl_fstab *t);

#endif
