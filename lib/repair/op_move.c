/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rename that replaces nothing, and leaves the times of directories in the layers alone.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "repair/trees.h"

#include "base/banned.h"

/* Is the object there? 1, 0 if another one or none is, or why that is unknown. */
static int is_at(struct ovl_trees *trees, const struct ovl_place *place, uint64_t ino)
{
	int object, r = ovl_trees_hold(trees, place, ino, &object, NULL);

	if (r == -ESTALE || r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	close(object);
	return 1;
}

/* The times of a directory before something in it is renamed: nobody looks at those of the store. */
static int note_times(struct ovl_trees *trees, const struct ovl_place *place, struct ovl_times *ret)
{
	_cleanup_(ovl_reach_done) struct ovl_reach at = { -1, NULL };
	int r = ovl_trees_reach(trees, place, &at);

	return r < 0 ? r : ovl_write_times(at.dir, ret);
}

static int prepare(struct ovl_trees *trees, struct ovl_op *op)
{
	_cleanup_close_ int object = -EBADF;
	struct ovl_stat st;
	int r = ovl_trees_hold(trees, &op->at, op->ino, &object, &st);

	if (r < 0)
		return r;
	op->ino = st.ino;
	op->mode = st.mode;
	r = note_times(trees, &op->at, &op->times[0]);
	return r < 0 ? r : note_times(trees, &op->to, &op->times[1]);
}

static int put_times(int dir, const struct ovl_place *place, const struct ovl_times *times)
{
	return place->tree == OVL_TREE_STORE ? 0 : ovl_write_set_times(dir, times);
}

/* The rename itself; what arrived may not be what was looked at. */
static int rename_checked(struct ovl_reach *from, struct ovl_reach *to, uint64_t ino)
{
	_cleanup_close_ int object = -EBADF;
	struct ovl_stat st;
	int r = ovl_write_rename(from->dir, from->name, to->dir, to->name);

	if (r < 0)
		return r;
	r = ovl_write_hold(to->dir, to->name, &object, &st);
	if (r == 0 && st.ino == ino)
		return 0;
	ovl_write_rename(to->dir, to->name, from->dir, from->name);
	return r < 0 ? r : -ESTALE;
}

/* @recorded: times to give the directories of @from and @to; NULL: those that they have. */
static int move(struct ovl_trees *trees, const struct ovl_place *from, const struct ovl_place *to,
		uint64_t ino, const struct ovl_times *from_times, const struct ovl_times *to_times)
{
	_cleanup_(ovl_reach_done) struct ovl_reach a = { -1, NULL }, b = { -1, NULL };
	struct ovl_times now[2];
	bool done = false;
	int r = ovl_trees_reach(trees, from, &a);

	if (r == 0)
		r = ovl_trees_reach(trees, to, &b);
	if (r == 0)
		r = ovl_write_times(a.dir, &now[0]);
	if (r == 0)
		r = ovl_write_times(b.dir, &now[1]);
	if (r < 0)
		return r;
	r = is_at(trees, from, ino);
	if (r == 0) { /* there already? then only the times may be missing */
		r = is_at(trees, to, ino);
		done = r == 1;
		r = r == 0 ? -ESTALE : r;
	}
	if (r > 0)
		r = done ? 0 : rename_checked(&a, &b, ino);
	if (r < 0)
		return r;
	if (done && !from_times)
		return 0;
	r = put_times(a.dir, from, from_times ? from_times : &now[0]);
	return r < 0 ? r : put_times(b.dir, to, to_times ? to_times : &now[1]);
}

static int redo(struct ovl_trees *trees, const struct ovl_op *op)
{
	return move(trees, &op->at, &op->to, op->ino, NULL, NULL);
}

/* What was made by us and is nowhere any more: a crash took it before it was published. */
static bool is_gone(struct ovl_trees *trees, const struct ovl_op *op)
{
	_cleanup_close_ int staged = -EBADF, published = -EBADF;

	return op->at.tree == OVL_TREE_STORE &&
	       ovl_trees_hold(trees, &op->at, 0, &staged, NULL) == -ENOENT &&
	       ovl_trees_hold(trees, &op->to, 0, &published, NULL) == -ENOENT;
}

static int undo(struct ovl_trees *trees, const struct ovl_op *op, bool recorded_times)
{
	if (is_gone(trees, op))
		return 0;
	return move(trees, &op->to, &op->at, op->ino, recorded_times ? &op->times[1] : NULL,
		    recorded_times ? &op->times[0] : NULL);
}

const struct ovl_op_row ovl_op_move = { "move", prepare, redo, undo };
