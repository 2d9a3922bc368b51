/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where an overlay is described: live mounts, fstab, systemd mount units.
 */
#ifndef OVERLAYFS_MOUNT_H
#define OVERLAYFS_MOUNT_H

#include "overlayfs/error.h"
#include "overlayfs/option.h"

enum ovl_mount_source {
	OVL_SOURCE_OPTIONS, /* -o or an operand with "lowerdir=" */
	OVL_SOURCE_MOUNTED, /* mountinfo of our namespace */
	OVL_SOURCE_FSTAB,
	OVL_SOURCE_UNIT, /* a .mount unit */
};

/**
 * ovl_mount_find - the layers and options of the overlay at a mount point
 * @where: a directory; compared by device and inode with live mounts, by canonical path with fstab
 *         and units. If it is no mount point, also the spec field of fstab is compared, provided that
 *         exactly one overlay line has it.
 * @fstab: path of fstab, NULL for /etc/fstab ($FSTAB_FILE if set)
 * @ret_config: added to (parsed as ovl_config_parse() does, after the escapes of the file)
 * @ret_source: where it was found
 * @ret_target: the mount point, free() it
 *
 * For a live mount relative layer paths, or paths that no longer lead to a directory, are refused
 * with -ENODATA and a text that asks for -o. Returns 0, -ENOENT if nothing describes an overlay
 * there, -ENODATA if what describes it is of no use, -EINVAL of its options, -ENOTUNIQ (several candidates, named in the text), or another errno.
 */
int ovl_mount_find(const char *where, const char *fstab, struct ovl_config *ret_config,
		   enum ovl_mount_source *ret_source, char **ret_target, struct ovl_error *e);

/**
 * ovl_mount_each - all overlays that fstab describes
 * @fstab: as above
 * @each: told the mount point as it is written and the layers, both borrowed; 0 to go on
 *
 * Lines that make no sense are left out: mount(8) does so, too. Returns 0, what @each returned, -ENOMEM,
 * or why the file could not be read.
 */
int ovl_mount_each(const char *fstab,
		   int (*each)(void *ctx, const char *target, const struct ovl_config *config),
		   void *ctx, struct ovl_error *e);

#endif
