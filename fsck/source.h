/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which overlay is meant: the WHAT of the command line.
 */
#ifndef FSCK_SOURCE_H
#define FSCK_SOURCE_H

#include "options.h"
#include "overlayfs/mount.h"

struct ovl_source {
	struct ovl_config config;
	enum ovl_mount_source kind;
	char *label; /* how reports call the overlay: its mount point, else its topmost directory */
};

/**
 * ovl_source_resolve - find the layers and mount options that the command line means
 * @ret: written on success only; ovl_source_done() it
 * @e: what is wrong with it
 *
 * WHAT is the words of -o together, or one operand with mount options, or a mount point. Words of
 * -o are added to what an operand says, and win; but layers are named in one place only. An operand
 * is a place if it begins with '/' or '.', else mount options if it holds a '='.
 *
 * Returns 0; -EINVAL if there is none or more than one; what ovl_config_parse() and
 * ovl_mount_find() return.
 */
int ovl_source_resolve(const struct ovl_options *o, struct ovl_source *ret, struct ovl_error *e);

/** ovl_source_done - free and empty; NULL is fine */
void ovl_source_done(struct ovl_source *s);

#endif
