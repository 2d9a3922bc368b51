/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Were the layers copied? A file handle names an inode, so those in a copy lead to the original, or
 * nowhere if that is gone. The first to notice is the kernel: with index=on it compares the origin of
 * the upper root with the topmost lower.
 */
#ifndef OVL_CHECK_COPIED_H
#define OVL_CHECK_COPIED_H

#include "check/view.h"

enum ovl_copied {
	OVL_COPIED_NO,
	OVL_COPIED_BYTES, /* the handle of the topmost lower, written with another option uuid */
	OVL_COPIED_TOP,   /* the root of the upper was made upon another topmost lower */
	OVL_COPIED_ALL,   /* and no origin in the upper leads to these lowers */
	OVL_COPIED_OLD, /* the same, but the root of the upper has no origin: there was no index */
};

/**
 * ovl_copied_judge - what the origins of the upper say about the lowers given
 * For OVL_SCOPE_CROSS; ovl_copied_root() for earlier ones. 0 or -ENOMEM.
 */
int ovl_copied_judge(const struct ovl_view *v, enum ovl_copied *ret);

/**
 * ovl_copied_root - what the origin of the upper root alone says: never ALL or OLD
 * @ret_layer: for OVL_COPIED_TOP, the lower layer that it leads to; 0 if to none; may be NULL
 * 0 or -ENOMEM; what cannot be read says nothing.
 */
int ovl_copied_root(const struct ovl_view *v, enum ovl_copied *ret, int *ret_layer);

/** ovl_copied_count - upper objects whose origin leads to an inode outside of the layers */
uint64_t ovl_copied_count(const struct ovl_view *v);

#endif
