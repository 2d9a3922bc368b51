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

#endif
