/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations by type.
 */
#include "repair/op.h"

#include <assert.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "repair/trees.h"

#include "base/banned.h"

static const struct ovl_op_row *const rows[OVL_OP__MAX] = {
	[OVL_OP_XATTR] = &ovl_op_xattr,
	[OVL_OP_MOVE] = &ovl_op_move,
	[OVL_OP_LINK] = &ovl_op_link,
	[OVL_OP_DATA] = &ovl_op_data,
};

void ovl_op_done(struct ovl_op *op)
{
	ovl_place_done(&op->at);
	ovl_place_done(&op->to);
	ovl_place_done(&op->source);
	free(op->xattr);
	ovl_buf_done(&op->old_value);
	ovl_buf_done(&op->new_value);
	*op = (struct ovl_op){ 0 };
}

int ovl_op_prepare(struct ovl_trees *trees, struct ovl_op *op)
{
	assert(op->type > 0 && op->type < OVL_OP__MAX);
	return rows[op->type]->prepare(trees, op);
}

int ovl_op_do(struct ovl_trees *trees, const struct ovl_op *op)
{
	assert(op->type > 0 && op->type < OVL_OP__MAX);
	return rows[op->type]->redo(trees, op);
}

int ovl_op_undo(struct ovl_trees *trees, const struct ovl_op *op, bool recorded_times)
{
	assert(op->type > 0 && op->type < OVL_OP__MAX);
	return rows[op->type]->undo(trees, op, recorded_times);
}
