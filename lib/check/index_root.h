/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose index is it? Two handles tell, which the kernel compares at every mount with index=on: the
 * index directory names the upper that it belongs to, and the upper names its topmost lower.
 *
 * If they do not fit, the mount fails. Whatever the entries look like then, it is no damage of theirs.
 */
#ifndef OVL_CHECK_INDEX_ROOT_H
#define OVL_CHECK_INDEX_ROOT_H

#include "stack/origin.h"

/** What a handle stored on a root has to do with the root of a layer. */
enum ovl_index_handle {
	OVL_INDEX_HANDLE_NONE,    /* there is no usable one: the next mount writes it */
	OVL_INDEX_HANDLE_SAME,    /* it is what the kernel would write */
	OVL_INDEX_HANDLE_FLAG,    /* but for the flag that tells upper from lower */
	OVL_INDEX_HANDLE_ENCODED, /* it leads there, but the file system encodes it otherwise now */
	OVL_INDEX_HANDLE_OTHER,   /* it leads elsewhere, or nowhere */
};

/**
 * ovl_index_root_in_force - does a mount with these options use an index?
 *
 * Not without index=on, and not if one of the file systems has no file handles or shares its uuid
 * with another one: then the kernel goes on with index=off. Says nothing about whether there is an
 * index directory. Kernel: fs/overlayfs/super.c, ovl_lower_dir(), ovl_lower_uuid_ok().
 */
bool ovl_index_root_in_force(const struct ovl_stack *stack);

/**
 * ovl_index_root_compare - does a stored handle name the root of a layer?
 * @raw: value of the xattr
 * @layer: OVL_LAYER_UPPER for "upper" of the index, 1 for "origin" of the upper root
 *
 * Where the option uuid was not given, a handle written with uuid=off is as good as any.
 * Kernel: fs/overlayfs/namei.c, ovl_verify_fh().
 */
enum ovl_index_handle ovl_index_root_compare(struct ovl_stack *stack, struct ovl_bytes raw,
					     int layer);

/**
 * ovl_index_root_origin - the same for the "origin" on the root of the upper
 * 0; or a negative errno if it could not be read.
 */
int ovl_index_root_origin(struct ovl_stack *stack, enum ovl_index_handle *ret);

/**
 * ovl_index_root_judged - can the entries of the index be judged one by one?
 * True if the index is in force, is there, and both roots fit. 0, or why the roots could not be read:
 * then *@ret is false.
 */
int ovl_index_root_judged(struct ovl_stack *stack, bool *ret);

#endif
