/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mount unit of systemd for a mount point.
 */
#ifndef OVL_IO_UNIT_FILE_H
#define OVL_IO_UNIT_FILE_H

#include "overlayfs/error.h"
#include "overlayfs/types.h"

/** What the [Mount] section says, drop-ins included; NULL for what it does not say. */
struct ovl_unit_file {
	char *path; /* of the unit file itself */
	char *where;
	char *type;
	char *options;
};

/** ovl_unit_file_done - free and empty; NULL is fine */
void ovl_unit_file_done(struct ovl_unit_file *u);

/**
 * ovl_unit_file_find - read the mount unit for a mount point, as systemd would
 * @dirs: folders of unit files, the first is the strongest, ends with NULL; NULL for systemd's own
 *        (what its generators make is left out, it comes from fstab)
 * @where: absolute path without double slashes; names the unit ("/a/b" is in "a-b.mount")
 *
 * The first folder that has the file decides; a file that is empty or leads to /dev/null masks the
 * unit. Drop-ins (*.conf of "a-b.mount.d", "a-.mount.d" and "mount.d") add to it in the order of
 * their names. "%%" is understood, other specifiers are not.
 *
 * Returns 1 and @ret, 0 if there is no such unit or it is masked, -ENODATA if it cannot be
 * understood (specifier, another Where=), or another errno, with the path in @e.
 */
int ovl_unit_file_find(const char *const *dirs, const char *where, struct ovl_unit_file *ret,
		       struct ovl_error *e);

#endif
