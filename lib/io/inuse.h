/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a layer in use by a live overlay mount?
 */
#ifndef OVL_IO_INUSE_H
#define OVL_IO_INUSE_H

#include "base/buf.h"
#include "overlayfs/error.h"

enum ovl_inuse {
	OVL_INUSE_NO,
	OVL_INUSE_YES,
	OVL_INUSE_UNKNOWN, /* the probe could not tell (no file handles, old kernel, no privilege) */
};

/**
 * ovl_inuse_probe - ask the kernel whether a directory is upper or work base of a live overlay
 * @dir: the directory (or one below an upper or work base)
 *
 * Makes a private, never attached overlay with @dir as lower and a fresh tmpfs as upper and work,
 * index=on: EBUSY means in use, in whatever mount namespace, also if lazily unmounted or detached.
 * Nothing is written to @dir. The answer is UNKNOWN if index fell back to off.
 */
enum ovl_inuse ovl_inuse_probe(const char *dir);

struct ovl_root;
struct ovl_mount_user {
	int pid;          /* a process whose mount namespace has it; 0 for our own */
	char *mountpoint; /* as that namespace sees it */
	int which;        /* the layer of ours that it uses: index into the roots given */
	enum { OVL_USED_AS_UPPER, OVL_USED_AS_WORK, OVL_USED_AS_LOWER } as;
};

/**
 * ovl_inuse_scan - which overlay mounts, in any mount namespace, use these directories?
 * @roots: directories, compared by device and inode
 * @ret: array of @ret_n users, free with ovl_inuse_users_free()
 *
 * Reads mountinfo of every process that can be read, each namespace once; resolves layer paths in
 * the root of that process. Finds no detached or lazily unmounted mounts: that is what
 * ovl_inuse_probe() is for. 0 or negative errno.
 */
int ovl_inuse_scan(const struct ovl_root *const *roots, size_t n, struct ovl_mount_user **ret,
		   size_t *ret_n);
void ovl_inuse_users_free(struct ovl_mount_user *users, size_t n);

#endif
