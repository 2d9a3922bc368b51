/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The value of the xattr "redirect". Pure.
 */
#ifndef OVL_FORMAT_REDIRECT_H
#define OVL_FORMAT_REDIRECT_H

#include "overlayfs/types.h"

enum {
	OVL_REDIRECT_NUL = 1 << 0, /* bytes follow an embedded NUL: the kernel ignores them */
	/* A component is "." or "..", or nothing stands before the NUL: lookup fails, EACCES. */
	OVL_REDIRECT_DOTDOT = 1 << 1,
};

struct ovl_redirect {
	struct ovl_bytes path; /* effective value: up to the first NUL; borrowed */
	bool absolute;
	unsigned flaws; /* OVL_REDIRECT_*: accepted by the syntax check, harmful all the same */
};

/**
 * ovl_redirect_parse - the kernel's syntax check
 * @ret: written on 0 only
 *
 * Returns 0, or -EINVAL: empty; relative with a slash; absolute with an empty component or a
 * trailing slash, or "/" alone (all of this before the first NUL only).
 * Kernel: fs/overlayfs/namei.c, ovl_check_redirect() and util.c, ovl_get_redirect_xattr().
 */
int ovl_redirect_parse(struct ovl_bytes v, struct ovl_redirect *ret);

#endif
