/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One more name for an inode.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "repair/trees.h"

#include "base/banned.h"

static int prepare(struct ovl_trees *trees, struct ovl_op *op)
{
	_cleanup_(ovl_reach_done) struct ovl_reach to = { -1, NULL };
	_cleanup_close_ int object = -EBADF;
	struct ovl_stat st;
	int r = ovl_trees_hold(trees, &op->at, op->ino, &object, &st);

	if (r == 0)
		r = ovl_trees_reach(trees, &op->to, &to);
	if (r < 0)
		return r;
	op->ino = st.ino;
	op->mode = st.mode;
	return ovl_write_times(to.dir, &op->times[1]);
}

static int redo(struct ovl_trees *trees, const struct ovl_op *op)
{
	_cleanup_(ovl_reach_done) struct ovl_reach to = { -1, NULL };
	_cleanup_close_ int object = -EBADF, there = -EBADF;
	struct ovl_times now;
	int r = ovl_trees_hold(trees, &op->at, op->ino, &object, NULL);

	if (r == 0)
		r = ovl_trees_reach(trees, &op->to, &to);
	if (r == 0)
		r = ovl_write_times(to.dir, &now);
	if (r < 0)
		return r;
	if (ovl_trees_hold(trees, &op->to, op->ino, &there, NULL) == 0)
		return 0;
	r = ovl_write_link(object, to.dir, to.name);
	return r < 0 ? r : ovl_write_set_times(to.dir, &now);
}

/*
 * The name is moved out of the layer before it is removed, and only if what was moved is the inode:
 * somebody may have put something else there just now.
 */
static int take_name(struct ovl_trees *trees, const struct ovl_op *op, struct ovl_reach *from)
{
	static const char aside[] = "unlinked";
	_cleanup_close_ int object = -EBADF;
	int store, r = ovl_trees_root(trees, OVL_TREE_STORE, &store);
	struct ovl_stat st;

	if (r < 0)
		return r;
	r = ovl_write_rename(from->dir, from->name, store, aside);
	if (r == -EEXIST) { /* of a run that was killed: it has other names */
		r = ovl_write_hold(store, aside, &object, &st);
		if (r == 0 && st.nlink > 1)
			r = ovl_write_remove(store, aside);
		if (r == 0)
			r = ovl_write_rename(from->dir, from->name, store, aside);
		if (object >= 0)
			close(TAKE_FD(object));
	}
	if (r < 0)
		return r;
	r = ovl_write_hold(store, aside, &object, &st);
	if (r == 0 && st.ino == op->ino && st.nlink > 1)
		return ovl_write_remove(store, aside);
	ovl_write_rename(store, aside, from->dir, from->name);
	return r < 0 ? r : -ESTALE;
}

static int undo(struct ovl_trees *trees, const struct ovl_op *op, bool recorded_times)
{
	_cleanup_(ovl_reach_done) struct ovl_reach to = { -1, NULL };
	_cleanup_close_ int there = -EBADF;
	struct ovl_times now;
	struct ovl_stat st;
	int r = ovl_trees_reach(trees, &op->to, &to);

	if (r == 0)
		r = ovl_write_times(to.dir, &now);
	if (r < 0)
		return r;
	r = ovl_trees_hold(trees, &op->to, op->ino, &there, &st);
	if (r == -ENOENT)
		return recorded_times ? ovl_write_set_times(to.dir, &op->times[1]) : 0;
	if (r == 0)
		r = st.nlink > 1 ? take_name(trees, op, &to) : -ESTALE;
	return r < 0 ? r : ovl_write_set_times(to.dir, recorded_times ? &op->times[1] : &now);
}

const struct ovl_op_row ovl_op_link = { "link", prepare, redo, undo };
