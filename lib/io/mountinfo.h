/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mounts of a process, as the kernel lists them in /proc/<pid>/mountinfo.
 *
 * Read line by line with the escapes left in place: in the options of an overlay a bare comma
 * separates and an escaped one (\054) belongs to a path, so they must be cut apart before the
 * escapes are taken out. (libmount takes them out first.)
 */
#ifndef OVL_IO_MOUNTINFO_H
#define OVL_IO_MOUNTINFO_H

#include "overlayfs/error.h"
#include "overlayfs/option.h"
#include "overlayfs/types.h"

/** One mount. The strings are valid, and may be changed, until the callback returns. */
struct ovl_mountinfo_row {
	uint64_t id;
	uint64_t parent;
	char *dev;           /* "major:minor" of the superblock */
	char *root;          /* the directory of its file system that is mounted, escaped */
	char *target;        /* where it is mounted, escaped */
	char *mount_options; /* "rw,relatime" */
	char *fs_type;
	char *fs_options; /* of the superblock, escaped */
};

/**
 * ovl_mountinfo_read - call a function for each mount
 * @path: "/proc/self/mountinfo" or that of another process
 * @row: returns 0 to go on; anything else ends the reading and is returned
 *
 * Lines of any length; one that cannot be understood is skipped. Returns 0, what @row returned, or
 * a negative errno.
 */
int ovl_mountinfo_read(const char *path, int (*row)(struct ovl_mountinfo_row *row, void *ctx),
		       void *ctx);

/** ovl_mountinfo_unescape - replace \ooo (three octal digits) in place; returns @s */
char *ovl_mountinfo_unescape(char *s);

/** ovl_mountinfo_has_option - is @name among the comma-separated words of @options? */
bool ovl_mountinfo_has_option(const char *options, const char *name);

/**
 * ovl_mountinfo_config - the layers and options of an overlay mount
 * @row: of type overlay; its strings are used up
 * @layers_only: leave out all other options, which a newer kernel may have and we not know
 * @ret: written on success only; ovl_config_done() it
 *
 * The layers are as the mounter typed them: perhaps relative, perhaps seen from another root.
 * 0, -EINVAL for options that no overlay can have, or -ENOMEM.
 */
int ovl_mountinfo_config(struct ovl_mountinfo_row *row, bool layers_only, struct ovl_config *ret,
			 struct ovl_error *e);

#endif
