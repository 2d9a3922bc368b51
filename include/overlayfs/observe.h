/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one object of a layer looks like.
 */
#ifndef OVERLAYFS_OBSERVE_H
#define OVERLAYFS_OBSERVE_H

#include "overlayfs/types.h"
#include "overlayfs/xattr.h"

/** What an object is to overlayfs; a whiteout is told from what carries it. */
enum ovl_kind {
	OVL_KIND_UNKNOWN, /* not looked at */
	OVL_KIND_DIR,
	OVL_KIND_REG,
	OVL_KIND_SYMLINK,
	OVL_KIND_FIFO,
	OVL_KIND_SOCK,
	OVL_KIND_CHR, /* any character device but 0:0 */
	OVL_KIND_BLK,
	OVL_KIND_WHITEOUT,  /* character device 0:0 */
	OVL_KIND_XWHITEOUT, /* empty regular file with the xattr "whiteout" */
	OVL_KIND__MAX
};

/** What stat tells, in fixed widths. */
struct ovl_stat {
	uint64_t dev; /* st_dev of the object itself, as the layer shows it */
	uint64_t ino;
	uint64_t nlink;
	uint64_t size;   /* bytes */
	uint64_t blocks; /* units of 512 bytes */
	uint64_t rdev;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
};

/**
 * One object as the scan saw it. All pointers are borrowed and valid until the callback returns.
 *
 * An xattr is in exactly one of three states: its bit is in neither mask (absent), in @xmask
 * (present, value in @x), or in @xbad (present, but its value could not be read).
 */
struct ovl_obs {
	struct ovl_stat stat;
	enum ovl_kind kind;
	uint32_t xmask;
	uint32_t xbad;
	int xerr; /* why, negative errno: of the last one in @xbad */
	struct ovl_bytes x[OVL_X__MAX];
	struct ovl_bytes names; /* the whole xattr list, NUL-separated, as the kernel gave it */
	bool has_unknown;       /* a name of OVL_XC_UNKNOWN is among @names */
	bool has_inactive;      /* a name of OVL_XC_INACTIVE is among @names */
	bool has_foreign_layer; /* a mark of another union format, e.g. "user.fuseoverlayfs." */
};

/** ovl_obs_has - the object carries this xattr, readable or not */
static inline bool ovl_obs_has(const struct ovl_obs *obs, enum ovl_xattr_id id)
{
	return ((obs->xmask | obs->xbad) & (1u << id)) != 0;
}

/** ovl_kind_of - the kind that stat alone tells: never OVL_KIND_XWHITEOUT */
enum ovl_kind ovl_kind_of(const struct ovl_stat *st);

/** ovl_kind_name - "directory", "regular file", "whiteout" ... for messages */
const char *ovl_kind_name(enum ovl_kind kind);

#endif
