/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words that every room shares: bytes, places, roles.
 */
#ifndef OVERLAYFS_TYPES_H
#define OVERLAYFS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ovl_path;
struct ovl_stack;

/** A run of bytes that somebody else owns: never freed through this, may hold NULs. */
struct ovl_bytes {
	const unsigned char *data;
	size_t len;
};

/**
 * Where a directory tree stands in the overlay.
 *
 * Layers are numbered as the kernel numbers them: 0 is the upper, 1 the topmost lower, and the
 * data-only layers follow the last ordinary lower. A stack without upper has no layer 0.
 */
enum ovl_role {
	OVL_ROLE_UPPER,
	OVL_ROLE_LOWER,
	OVL_ROLE_DATA,
	OVL_ROLE_WORK,  /* <workdir>: holds work/ and index/ */
	OVL_ROLE_INDEX, /* <workdir>/index */
	OVL_ROLE__MAX
};

/** Numbers for the trees that are no layer; they stand where a layer number may stand. */
enum {
	OVL_LAYER_UPPER = 0,
	OVL_LAYER_WORK = -1,
	OVL_LAYER_INDEX = -2,
	OVL_LAYER_NONE = -3, /* the overlay as a whole */
};

/**
 * How every message names a place: a tree and a path in it.
 *
 * @path is NULL for the root of the tree.
 */
struct ovl_loc {
	int layer;
	const struct ovl_path *path;
};

#endif
