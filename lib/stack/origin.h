/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Origins: from the file handle in an upper object to the inode it was copied up from.
 */
#ifndef OVL_STACK_ORIGIN_H
#define OVL_STACK_ORIGIN_H

#include "overlayfs/fh.h"
#include "stack/stack.h"

enum ovl_origin_state {
	OVL_ORIGIN_NONE,      /* no handle */
	OVL_ORIGIN_EMPTY,     /* copied up from a file system without handles */
	OVL_ORIGIN_MALFORMED, /* -EINVAL of ovl_fh_parse() */
	OVL_ORIGIN_FOREIGN,   /* newer version, unknown flag, other byte order */
	OVL_ORIGIN_NO_LAYER,  /* no layer lies on a file system with this uuid */
	OVL_ORIGIN_STALE,     /* the file system is there, the inode is not */
	OVL_ORIGIN_FOUND,
	OVL_ORIGIN_UNKNOWN, /* could not be decoded for another reason, see @err */
};

struct ovl_origin {
	enum ovl_origin_state state;
	int err;              /* OVL_ORIGIN_UNKNOWN: negative errno */
	struct ovl_fh fh;     /* from OVL_ORIGIN_NO_LAYER on; its fid points into the raw value */
	int layer;            /* FOUND: topmost layer on the file system where the inode is */
	struct ovl_stat stat; /* FOUND */
	enum ovl_kind kind;   /* FOUND */
	bool same_bytes; /* FOUND and asked for: encoding the inode again gives the same handle */
};

/**
 * ovl_origin_decode - follow a handle
 * @raw: value of "origin" or "upper", or the bytes of an index entry's name; must outlive @ret
 * @from, @to: the layers to try, in this order (1 to n_lower for an origin, 0 to 0 for "upper")
 * @compare: also encode the inode again and set @same_bytes
 *
 * A layer is tried if its file system has the uuid of the handle, and every file system once; the
 * first that knows the inode wins. The inode may lie anywhere on that file system, not only in the
 * layer: it is an identity (device, inode, generation), nothing to read from.
 *
 * Kernel: ovl_check_origin_fh(), ovl_decode_real_fh().
 */
void ovl_origin_decode(struct ovl_stack *stack, struct ovl_bytes raw, int from, int to,
		       bool compare, struct ovl_origin *ret);

/**
 * ovl_origin_of - the handle that overlayfs would store for an object of a layer
 * @dir, @name: a directory of the layer, and a name in it
 * @ret_raw: at least OVL_FH_MAX_LEN bytes
 * Returns the length, -EOPNOTSUPP if the file system has no handles, or another errno. Kernel:
 * ovl_encode_real_fh().
 */
int ovl_origin_of(struct ovl_stack *stack, int layer, int dir, const char *name, uint8_t flags,
		  unsigned char *ret_raw);

/**
 * ovl_origin_of_root - the handle that overlayfs would store for the root of a layer
 * @ret_raw: at least OVL_FH_MAX_LEN bytes
 * Returns the length, -EOPNOTSUPP if the file system has no handles, or another errno.
 */
int ovl_origin_of_root(struct ovl_stack *stack, int layer, uint8_t flags, unsigned char *ret_raw);

#endif
