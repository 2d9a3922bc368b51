/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One xattr: set, changed or removed.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "repair/trees.h"

#include "base/banned.h"

/** One of the two states. */
struct value {
	bool has;
	const struct ovl_buf *bytes;
};

static bool is_value(const struct value *v, bool has, const struct ovl_buf *now)
{
	if (v->has != has)
		return false;
	return !has || (v->bytes->len == now->len &&
			(now->len == 0 || memcmp(v->bytes->data, now->data, now->len) == 0));
}

/* Reads it by name; that the name still leads to the held object is compared before and after. */
static int read_now(struct ovl_trees *trees, const struct ovl_op *op, bool *ret_has,
		    struct ovl_buf *ret)
{
	_cleanup_(ovl_reach_done) struct ovl_reach at = { -1, NULL };
	struct ovl_reader *reader = trees->stack->reader;
	int r = ovl_trees_reach(trees, &op->at, &at);

	if (r < 0)
		return r;
	r = reader->ops->get_xattr(reader, at.dir, at.name, op->xattr, ret);
	*ret_has = r == 0;
	return r == -ENODATA ? 0 : r;
}

static int change(struct ovl_trees *trees, const struct ovl_op *op, const struct value *from,
		  const struct value *to)
{
	_cleanup_(ovl_buf_done) struct ovl_buf now = { 0 };
	_cleanup_close_ int object = -EBADF;
	bool has;
	int r = ovl_trees_hold(trees, &op->at, op->ino, &object, NULL);

	if (r == 0)
		r = read_now(trees, op, &has, &now);
	if (r < 0)
		return r;
	if (is_value(to, has, &now))
		return 0;
	if (!is_value(from, has, &now))
		return -ESTALE;
	return to->has ? ovl_write_set_xattr(object, op->xattr, ovl_buf_bytes(to->bytes)) :
			 ovl_write_remove_xattr(object, op->xattr);
}

static int prepare(struct ovl_trees *trees, struct ovl_op *op)
{
	const struct value old = { op->has_old, &op->old_value };
	_cleanup_(ovl_buf_done) struct ovl_buf now = { 0 };
	_cleanup_close_ int object = -EBADF;
	struct ovl_stat st;
	bool has;
	int r = ovl_trees_hold(trees, &op->at, op->ino, &object, &st);

	if (r == 0)
		r = read_now(trees, op, &has, &now);
	if (r < 0)
		return r;
	op->ino = st.ino;
	op->mode = st.mode;
	return is_value(&old, has, &now) ? 0 : -ESTALE;
}

static int redo(struct ovl_trees *trees, const struct ovl_op *op)
{
	const struct value old = { op->has_old, &op->old_value };
	const struct value new = { op->has_new, &op->new_value };

	return change(trees, op, &old, &new);
}

static int undo(struct ovl_trees *trees, const struct ovl_op *op, bool recorded_times)
{
	const struct value old = { op->has_old, &op->old_value };
	const struct value new = { op->has_new, &op->new_value };

	(void)recorded_times; /* an xattr changes no time but ctime */
	return change(trees, op, &new, &old);
}

const struct ovl_op_row ovl_op_xattr = { "xattr", prepare, redo, undo };
