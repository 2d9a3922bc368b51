/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XATTR: one xattr is set, changed or removed. No time but the ctime changes with it.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "repair/trees.h"

#include "base/banned.h"

static bool is_value(const struct ovl_buf *now, bool has_now, const struct ovl_buf *value, bool has)
{
	if (!has_now || !has)
		return has_now == has;
	return now->len == value->len &&
	       (now->len == 0 || memcmp(now->data, value->data, now->len) == 0);
}

/* In which of the two states is it? Both, if they are the same. */
static int compare(int object, const struct ovl_op *op, bool *ret_old, bool *ret_new)
{
	_cleanup_(ovl_buf_done) struct ovl_buf now = { 0 };
	int r = ovl_write_get_xattr(object, op->xattr, &now);

	if (r < 0 && r != -ENODATA)
		return r;
	*ret_old = is_value(&now, r == 0, &op->old_value, op->has_old);
	*ret_new = is_value(&now, r == 0, &op->new_value, op->has_new);
	return 0;
}

static int set(int object, const char *xattr, bool has, const struct ovl_buf *value)
{
	return has ? ovl_write_set_xattr(object, xattr, ovl_buf_bytes(value)) :
		     ovl_write_remove_xattr(object, xattr);
}

static int xattr_prepare(struct ovl_trees *t, struct ovl_op *op)
{
	_cleanup_close_ int object = -EBADF;
	bool is_old, is_new;
	struct ovl_stat st;
	int r;

	if (!op->xattr)
		return -EINVAL;
	r = ovl_trees_hold(t, &op->at, op->ino, &object, &st);
	if (r == 0 && op->names != 0 && st.nlink > op->names)
		r = -EMLINK;
	if (r == 0)
		r = compare(object, op, &is_old, &is_new);
	if (r < 0)
		return r;
	op->ino = st.ino;
	op->mode = st.mode;
	return is_old ? 0 : -ESTALE;
}

/* The object, and is it in the old (1) or in the new state (0)? @shared: names since are no matter */
static int find(struct ovl_trees *t, const struct ovl_op *op, bool back, bool shared,
		int *ret_object)
{
	bool is_old, is_new;
	struct ovl_stat st;
	int r;

	if (!op->xattr)
		return -EINVAL;
	r = ovl_trees_hold(t, &op->at, op->ino, ret_object, &st);
	if (r == 0 && !shared && op->names != 0 && st.nlink > op->names)
		r = -EMLINK;
	if (r == 0)
		r = compare(*ret_object, op, &is_old, &is_new);
	if (r < 0)
		return r;
	if (is_old || is_new)
		return is_old && is_new ? back : is_old;
	return -ESTALE;
}

/* From one of the states to the other. */
static int change(struct ovl_trees *t, const struct ovl_op *op, bool back, bool shared)
{
	_cleanup_close_ int object = -EBADF;
	int r = find(t, op, back, shared, &object);

	if (r < 0 || r == back)
		return r < 0 ? r : 0;
	return back ? set(object, op->xattr, op->has_old, &op->old_value) :
		      set(object, op->xattr, op->has_new, &op->new_value);
}

static int xattr_do(struct ovl_trees *t, const struct ovl_op *op)
{
	/* The run may have linked it since it was prepared. */
	return change(t, op, false, true);
}

static int xattr_undo(struct ovl_trees *t, const struct ovl_op *op, bool recorded_times)
{
	/* After a crash: names that it has got since then share what was half done. */
	int r = change(t, op, true, recorded_times);

	/* What is in stage/ is gone when it is taken back. */
	return r == -ENOENT && op->at.tree == OVL_TREE_STORE ? 0 : r;
}

static int xattr_look(struct ovl_trees *t, const struct ovl_op *op)
{
	_cleanup_close_ int object = -EBADF;
	int r = find(t, op, true, false, &object);

	return r < 0 ? r : 0;
}

const struct ovl_op_row ovl_op_xattr = {
	.name = "xattr",
	.prepare = xattr_prepare,
	.redo = xattr_do,
	.undo = xattr_undo,
	.look = xattr_look,
};
