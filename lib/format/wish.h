/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of an option string that say whether the overlay is to be checked before it is mounted.
 */
#ifndef OVL_FORMAT_WISH_H
#define OVL_FORMAT_WISH_H

#include "overlayfs/mount.h"

enum { OVL_WISH_MAX_DAYS = 36500 };

struct ovl_wish {
	bool given;              /* "x-fsck.overlay" in some form */
	bool no;                 /* "x-fsck.overlay=no" */
	bool noauto;             /* not mounted at boot */
	bool nofail;             /* it may be that its layers are not there */
	bool initrd;             /* "x-initrd.mount": mounted before / is */
	enum ovl_mount_wish how; /* if @given and not @no */
	int interval; /* "x-fsck.overlay.interval=DAYS"; -1: not given. Asks for nothing by itself */
};

/**
 * ovl_wish_parse - find these words in an option string
 * @options: NULL: none
 * @ret: always written; of several words the last counts
 *
 * Returns 0, or -EINVAL if a word has a value that it does not know.
 */
int ovl_wish_parse(const char *options, struct ovl_wish *ret, struct ovl_error *e);

/** ovl_wish_days - a number of days, 0 to OVL_WISH_MAX_DAYS; -EINVAL for everything else */
int ovl_wish_days(const char *text, size_t len);

#endif
