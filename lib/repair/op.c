/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations of any type.
 */
#include "repair/op.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "repair/tree.h"

#include "base/banned.h"

static const struct ovl_op_row *const rows[OVL_OP__MAX] = {
	[OVL_OP_XATTR] = &ovl_op_xattr,   [OVL_OP_MOVE] = &ovl_op_move,
	[OVL_OP_LINK] = &ovl_op_link,     [OVL_OP_DATA] = &ovl_op_data,
	[OVL_OP_UNLINK] = &ovl_op_unlink, [OVL_OP_SPREAD] = &ovl_op_spread,
};

static const struct ovl_op_row *row_of(const struct ovl_op *op)
{
	return (unsigned)op->type < ARRAY_LEN(rows) ? rows[op->type] : NULL;
}

void ovl_op_done(struct ovl_op *op)
{
	ovl_place_done(&op->at);
	ovl_place_done(&op->to);
	ovl_place_done(&op->source);
	ovl_place_done(&op->data);
	ovl_tree_links_unref(op->links);
	free(op->xattr);
	ovl_buf_done(&op->old_value);
	ovl_buf_done(&op->new_value);
	ovl_buf_done(&op->origin);
	*op = (struct ovl_op){ 0 };
}

int ovl_op_prepare(struct ovl_trees *trees, struct ovl_op *op)
{
	const struct ovl_op_row *row = row_of(op);

	if (!row)
		return -EINVAL;
	return row->prepare ? row->prepare(trees, op) : 0;
}

int ovl_op_do(struct ovl_trees *trees, const struct ovl_op *op)
{
	const struct ovl_op_row *row = row_of(op);

	return row && row->redo ? row->redo(trees, op) : -EINVAL;
}

int ovl_op_undo(struct ovl_trees *trees, const struct ovl_op *op, bool recorded_times)
{
	const struct ovl_op_row *row = row_of(op);

	return row && row->undo ? row->undo(trees, op, recorded_times) : -EINVAL;
}

int ovl_op_look(struct ovl_trees *trees, const struct ovl_op *op)
{
	const struct ovl_op_row *row = row_of(op);

	return row && row->look ? row->look(trees, op) : -EINVAL;
}
