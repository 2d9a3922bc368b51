/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks at boot: what the kernel command line says about them, and how systemd names its units.
 */
#ifndef OVERLAYFS_BOOT_H
#define OVERLAYFS_BOOT_H

#include "overlayfs/error.h"
#include "overlayfs/mount.h"
#include "overlayfs/types.h"

/** "fsck.mode=" of the kernel command line. */
enum ovl_boot_mode {
	OVL_BOOT_AUTO, /* also if nothing is said */
	OVL_BOOT_FORCE,
	OVL_BOOT_SKIP,
};

/** What the kernel command line says about checks. Zeroed = nothing. */
struct ovl_boot {
	enum ovl_boot_mode mode;
	enum ovl_mount_wish repair; /* "fsck.repair=": preen, yes, or "no", which is to report */
	bool is_off;                /* "fsck.overlay=no": as if we were not installed */
};

/**
 * ovl_boot_read - what the kernel command line says about checks
 * @ret: written on 0 only
 *
 * Read from where systemd reads it: $SYSTEMD_PROC_CMDLINE (for tests; not heeded in a set-user-ID
 * program), in a container the arguments of process 1, else /proc/cmdline. It is a container if
 * /run/host/container-manager or /run/systemd/container says so, or "container" in the environment
 * of process 1, or if /run/.containerenv or /.dockerenv is there.
 *
 * Words: "fsck.mode=auto|force|skip", "fastboot" (skip), "forcefsck" (force),
 * "fsck.repair=preen|BOOL", "fsck.overlay=BOOL"; the last one of a kind counts, a value that is
 * none of these does not. Words that begin with "rd." are for the initrd, and heeded there without
 * that prefix. Returns 0, or why it could not be read.
 */
int ovl_boot_read(struct ovl_boot *ret, struct ovl_error *e);

/** ovl_boot_in_initrd - are we in an initrd? As $SYSTEMD_IN_INITRD says, else /etc/initrd-release. */
bool ovl_boot_in_initrd(void);

/**
 * ovl_boot_escape - the name that systemd gives to the units of a mount point, without suffix
 * @path: absolute; "/srv/my-data" becomes "srv-my\x2ddata", "/" becomes "-"
 * @ret: written on 0 only, free() it
 *
 * As `systemd-escape --path`. Returns 0, -EINVAL for a path that is not absolute or has "..", or
 * -ENOMEM.
 */
int ovl_boot_escape(const char *path, char **ret);

/**
 * ovl_boot_unescape - the way back
 * @ret: written on 0 only, free() it
 *
 * As `systemd-escape --unescape --path`. Returns 0, -EINVAL if no path has that name, or -ENOMEM.
 */
int ovl_boot_unescape(const char *name, char **ret);

/**
 * ovl_boot_plain - a path without double slashes and "."
 * @path: absolute
 * @ret: written on 0 only, free() it
 *
 * Looks at nothing. Returns 0 or -ENOMEM.
 */
int ovl_boot_plain(const char *path, char **ret);

/**
 * ovl_boot_chase - the same, without the symlinks on the root file system
 *
 * For what runs while systemd waits for it: neither an automount nor a server that does not answer
 * may be touched, so what is mounted below / is not looked into. At boot nothing is, and later the
 * answer is the same. What is not there is taken as it is written; so is a path that cannot be
 * followed (loops of symlinks, ".." behind what was not looked into). Returns 0 or -ENOMEM.
 */
int ovl_boot_chase(const char *path, char **ret);

#endif
