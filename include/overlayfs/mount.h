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
 * In the initrd, mount points below /sysroot are also looked for in its fstab.
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

/** What is to be done about problems: "x-fsck.overlay=..." of the mount options. */
enum ovl_mount_wish {
	OVL_WISH_ANY, /* nothing is said: "x-fsck.overlay", or a check number alone */
	OVL_WISH_REPORT,
	OVL_WISH_PREEN,
	OVL_WISH_YES,
};

/** An overlay that asks to be checked. All borrowed. */
struct ovl_mount_asked {
	enum ovl_mount_source source; /* OVL_SOURCE_FSTAB or OVL_SOURCE_UNIT */
	enum ovl_mount_wish wish;
	const char *target;       /* its mount point; of fstab as it is written there */
	const char *where;        /* the same as systemd names the unit; NULL if only -A asks */
	const char *path;         /* the file that describes it; NULL: not known */
	bool nofail;              /* "nofail": it is no error if its layers are not there */
	bool is_live;             /* an overlay is mounted there; @config is empty */
	struct ovl_config config; /* empty after an error */
	const struct ovl_error *failed; /* why it cannot be looked at; NULL: it can */
};

/** One overlay as fstab or a mount unit describes it, mounted or not. */
struct ovl_mount_described {
	enum ovl_mount_source source; /* OVL_SOURCE_FSTAB or OVL_SOURCE_UNIT */
	char *target;                 /* its mount point, owned */
	struct ovl_config config;
	enum ovl_mount_wish wish;
	bool declines; /* "x-fsck.overlay=no" */
	int interval;  /* "x-fsck.overlay.interval=DAYS"; -1: not given */
	bool is_live;  /* an overlay is mounted there now */
};

/**
 * ovl_mount_describe - how an overlay is described, whatever is mounted there
 * @where, @fstab: as above
 * @ret: ovl_mount_described_done() it, also after a failure
 *
 * Nothing below @where is looked at, so that no automount is triggered. Returns 0, or an error as of
 * ovl_mount_find().
 */
int ovl_mount_describe(const char *where, const char *fstab, struct ovl_mount_described *ret,
		       struct ovl_error *e);
void ovl_mount_described_done(struct ovl_mount_described *d);

/**
 * ovl_mount_asked - all overlays of fstab and of mount units that ask to be checked
 * @fstab: as above
 * @each: told one after the other, those of fstab first, in its order, then units by mount point; 0
 *        to go on
 *
 * A line of fstab asks by "x-fsck.overlay" in its options, unless that is "=no", or, if it is not
 * "noauto", by its check number (the sixth field, passno); a mount unit asks by "x-fsck.overlay" in its
 * Options=. Each mount point is told once: the first line of fstab that has it. A unit file of /etc
 * or /run replaces a line, a line one of /usr; drop-ins add to both. What is wrong with one is told
 * by @failed, and the next one's turn comes; if fstab or the folders of units cannot be read, @target
 * is their name.
 *
 * Returns 0, what @each returned, or -ENOMEM.
 */
int ovl_mount_asked(const char *fstab, int (*each)(void *ctx, struct ovl_mount_asked *asked),
		    void *ctx, struct ovl_error *e);

/** Where ovl_mount_for_boot() looks. */
struct ovl_mount_places {
	const char *fstab; /* NULL: no fstab; a file that is not there has no lines */
	const char *below; /* fstab is that of a system that is mounted here; NULL: our own */
	bool units;        /* mount units, too */
};

/**
 * ovl_mount_for_boot - all overlays that ask to be checked whenever systemd mounts them
 *
 * As ovl_mount_asked(), for a systemd generator: a check number asks also where a line is "noauto",
 * since an automount or the administrator may mount it later; lines whose mount points are symlinks
 * have the unit that systemd gives them. Whether it is mounted already is not looked at, and no
 * file system but that of / is touched (see ovl_boot_chase()): systemd would wait for it.
 *
 * With @below, only lines that systemd mounts in the initrd count ("x-initrd.mount", and that for
 * /usr), and their mount points are below that folder; layers are as they are written. Without,
 * these lines do not count outside the initrd: what they describe is mounted already.
 *
 * Returns 0, what @each returned, or -ENOMEM.
 */
int ovl_mount_for_boot(const struct ovl_mount_places *places,
		       int (*each)(void *ctx, struct ovl_mount_asked *asked), void *ctx,
		       struct ovl_error *e);

#endif
