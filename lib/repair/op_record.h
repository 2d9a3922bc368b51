/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations as payloads of journal records, and back.
 */
#ifndef OVL_REPAIR_OP_RECORD_H
#define OVL_REPAIR_OP_RECORD_H

#include "format/record.h"
#include "repair/op.h"

/** ovl_op_encode - append; 0 or -ENOMEM */
int ovl_op_encode(struct ovl_buf *out, const struct ovl_op *op);

/**
 * ovl_op_decode - read one; @ret: owned, written on 0 only
 * 0; -EINVAL for bytes that no version of ours has written: unknown type, path that is not absolute or
 * has ".", "..", empty names or NUL in it, xattr without name; -ENOMEM.
 */
int ovl_op_decode(struct ovl_bytes in, struct ovl_op *ret);

/**
 * A lower file of several names, and the copy of it: whoever goes on after a crash has to give that one the
 * other names. A zeroed struct is empty; ovl_copied_done() it.
 */
struct ovl_copied {
	struct ovl_place from, to;
	uint64_t from_ino, to_ino;
};
typedef OVL_VEC(struct ovl_copied) ovl_copied_vec;

void ovl_copied_done(struct ovl_copied *copied);
/** ovl_copied_encode, ovl_copied_decode - as those of operations */
int ovl_copied_encode(struct ovl_buf *out, const struct ovl_copied *copied);
int ovl_copied_decode(struct ovl_bytes in, struct ovl_copied *ret);

#endif
