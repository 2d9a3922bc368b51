/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mount units of systemd: the one for a mount point, and which there are.
 */
#ifndef OVL_IO_UNIT_FILE_H
#define OVL_IO_UNIT_FILE_H

#include "base/vec.h"
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
 * @dirs: folders of unit files, the first is the strongest, ends with NULL; an empty name stands
 *        where units come that systemd makes of fstab. NULL for systemd's own (what its generators
 *        make is left out, it comes from fstab)
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

/**
 * ovl_unit_file_read - the first half of ovl_unit_file_find(): what is written, not yet understood
 * ovl_unit_file_settle - the second half: take out the specifiers, compare Where=; 0 or -ENODATA
 *
 * Who looks for units of a kind can tell that a unit is none of it before it is refused.
 */
int ovl_unit_file_read(const char *const *dirs, const char *where, struct ovl_unit_file *ret,
		       struct ovl_error *e);
int ovl_unit_file_settle(struct ovl_unit_file *u, const char *where, struct ovl_error *e);

/**
 * ovl_unit_file_over_fstab - what unit files say about a mount that fstab describes
 * @ret: written on 0 only: what drop-ins put in place of the words of fstab, NULL where they do not;
 *       as ovl_unit_file_read() leaves it
 *
 * systemd makes a unit of the line. It is weaker than unit files of /etc and /run, which replace or
 * mask it, and stronger than those of /usr.
 *
 * Returns 0, 1 if such a file stands in the place of the line, or an errno as ovl_unit_file_read().
 */
int ovl_unit_file_over_fstab(const char *const *dirs, const char *where, struct ovl_unit_file *ret,
			     struct ovl_error *e);

/** Mount points, absolute; owned. */
struct ovl_unit_places {
	OVL_VEC(char *) path;
};

/**
 * ovl_unit_file_list - the mount points that unit files are named for, sorted, each once
 * @ret: written on 0 only; ovl_unit_places_done() it
 *
 * Masked units and units that are no overlays are among them. Returns 0 or an errno.
 */
int ovl_unit_file_list(const char *const *dirs, struct ovl_unit_places *ret, struct ovl_error *e);
void ovl_unit_places_done(struct ovl_unit_places *p);

#endif
