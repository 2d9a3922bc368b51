/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of the extended attributes that overlayfs keeps on the objects of its layers.
 *
 * One of two prefixes is active for a mount: "trusted.overlay." or, with the option userxattr,
 * "user.overlay.". A name with one more "overlay." behind the prefix is escaped: user data of an
 * overlay that is nested in this one, never to be interpreted.
 */
#ifndef OVERLAYFS_XATTR_H
#define OVERLAYFS_XATTR_H

#include "overlayfs/types.h"

enum ovl_xattr_id {
#define XATTR(NAME, name) OVL_X_##NAME,
#include "overlayfs/xattrs.def"
#undef XATTR
	OVL_X__MAX
};

/** The bit of an xattr in the masks of struct ovl_obs and struct ovl_problem. */
#define OVL_XBIT(NAME) (1u << OVL_X_##NAME)

/** What a full xattr name is to overlayfs. */
enum ovl_xattr_class {
	OVL_XC_FOREIGN,  /* no overlay xattr at all */
	OVL_XC_KNOWN,    /* active prefix, known name */
	OVL_XC_UNKNOWN,  /* active prefix, unknown name: inert, hidden from users */
	OVL_XC_ESCAPED,  /* active prefix, then "overlay.": belongs to a nested overlay */
	OVL_XC_INACTIVE, /* the other prefix, known name: ordinary data for this mount */
};

/**
 * ovl_xattr_classify - what a name means under the prefix in force
 * @name: full name, NUL-terminated
 * @userxattr: true if "user.overlay." is the active prefix
 * @ret_id: written for OVL_XC_KNOWN and OVL_XC_INACTIVE only; may be NULL
 *
 * Pure. Kernel: fs/overlayfs/xattrs.c, ovl_is_own_xattr() and ovl_is_escaped_xattr().
 */
enum ovl_xattr_class ovl_xattr_classify(const char *name, bool userxattr,
					enum ovl_xattr_id *ret_id);

/** ovl_xattr_name - the full name under the prefix in force; static storage, never NULL */
const char *ovl_xattr_name(enum ovl_xattr_id id, bool userxattr);

/** ovl_xattr_short - the name without prefix, e.g. "opaque" */
const char *ovl_xattr_short(enum ovl_xattr_id id);

#endif
