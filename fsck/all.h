/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -A: every overlay that asks for it.
 */
#ifndef FSCK_ALL_H
#define FSCK_ALL_H

#include "overlayfs/mount.h"
#include "reporter.h"

/**
 * ovl_all_modes - what may be done to one overlay; pure
 * @given: OVL_MODE_* of the command line
 *
 * Where both the command line and the overlay say something, the more careful word counts. Returns a
 * mask as in struct ovl_options; 0: ask.
 */
unsigned ovl_all_modes(unsigned given, enum ovl_mount_wish wish);

/**
 * ovl_all - examine every overlay of fstab and of the mount units that asks for it
 *
 * Those that are mounted are left out, and told. What cannot be examined is told, and the others are
 * examined all the same. Returns all exit codes together.
 */
int ovl_all(struct ovl_reporting *r);

#endif
