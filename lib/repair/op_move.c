/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MOVE: an object gets another name, whole and in one step: aside, out of the stage, or elsewhere.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "repair/op_ends.h"

#include "base/banned.h"

static int rename_back(const struct ovl_reach *from, const struct ovl_reach *to)
{
	return ovl_write_rename(to->dir, to->name, from->dir, from->name);
}

/* 1 if it was moved, 0 if it was there already. */
static int carry(const struct ovl_reach *from, const struct ovl_reach *to, const struct ovl_op *op)
{
	int r = ovl_ends_check(from, op);

	if (r == 0) {
		r = ovl_ends_check(to, op);
		return r == 1 ? 0 : r == 0 ? -ESTALE : r;
	}
	if (r == 1)
		r = ovl_ends_rename(from, to, op);
	if (r < 0)
		return r;
	/* Between the look and the rename somebody may have put something else there. */
	if (ovl_ends_check(to, op) == 1)
		return 1;
	return rename_back(from, to) < 0 ? -EUCLEAN : -ESTALE;
}

static int move_do(struct ovl_trees *t, const struct ovl_op *op)
{
	_cleanup_(ovl_ends_done) struct ovl_ends ends = OVL_ENDS_INIT;
	int r = ovl_ends_open(t, op, &ends), moved;

	if (r < 0)
		return r;
	moved = carry(&ends.at, &ends.to, op);
	if (moved < 0)
		return moved;
	r = ovl_ends_set_times(&ends, op, op->times);
	if (r == 0 || !moved)
		return r;
	if (rename_back(&ends.at, &ends.to) < 0)
		return -EUCLEAN;
	(void)ovl_ends_set_times(&ends, op, op->times);
	return r;
}

/* A copy that somebody has written to since it was published is not ours to take away any more. */
static int check_unused(const struct ovl_reach *at, const struct ovl_op *op)
{
	const struct timespec *made = &op->times[0].modify;
	_cleanup_close_ int object = -EBADF;
	struct ovl_times now;
	int r;

	if (!ovl_op_is_copy(op) || !S_ISREG(op->mode))
		return 0;
	r = ovl_write_hold(at->dir, at->name, &object, NULL);
	if (r == 0)
		r = ovl_write_times(object, &now);
	if (r < 0)
		return r;
	return now.modify.tv_sec == made->tv_sec && now.modify.tv_nsec == made->tv_nsec ? 0 :
											  -ESTALE;
}

static int move_undo(struct ovl_trees *t, const struct ovl_op *op, bool recorded_times)
{
	_cleanup_(ovl_ends_done) struct ovl_ends ends = OVL_ENDS_INIT;
	int r = ovl_ends_open(t, op, &ends), at, to;

	/* Also where an earlier try has left other steps, and this one is taken back already. */
	if (r == -ENOENT && ovl_ends_unmade(t, op))
		return 0;
	if (r < 0)
		return r;
	at = ovl_ends_check(&ends.at, op);
	to = ovl_ends_check(&ends.to, op);
	if (op->make != OVL_MAKE_NONE && at == 0 && to != 1) {
		/*
		 * What was made is gone. If its name is free, that is how it was before; and if the
		 * run was interrupted, it may never have been published.
		 */
		return to == 0 || recorded_times ? 0 : to;
	}
	if (at == -ESTALE && to == 1)
		return -ESTALE; /* another object has taken its place */
	r = to == 1 && !recorded_times ? check_unused(&ends.to, op) : 0;
	if (r < 0)
		return r;
	r = at == 1 && to != 1 ? 0 : carry(&ends.to, &ends.at, op);
	if (r < 0 || (r == 0 && !recorded_times))
		return r == -EEXIST ? -ESTALE : r;
	return ovl_ends_set_times(&ends, op, recorded_times ? op->times : ends.now);
}

static int move_look(struct ovl_trees *t, const struct ovl_op *op)
{
	_cleanup_(ovl_ends_done) struct ovl_ends ends = OVL_ENDS_INIT;
	int r = ovl_ends_open(t, op, &ends), at, to;

	if (r < 0)
		return r == -ENOENT && ovl_ends_unmade(t, op) ? 0 : r;
	at = ovl_ends_check(&ends.at, op);
	to = ovl_ends_check(&ends.to, op);
	if (op->make != OVL_MAKE_NONE && at == 0 && to != 1)
		return to;
	if (at == -ESTALE && to == 1)
		return -ESTALE;
	r = to == 1 ? check_unused(&ends.to, op) : 0;
	if (r < 0 || at == 1 || (at == 0 && to == 1))
		return r;
	return at < 0 ? at : to < 0 ? to : -ESTALE;
}

const struct ovl_op_row ovl_op_move = {
	.name = "move",
	.prepare = ovl_ends_prepare,
	.redo = move_do,
	.undo = move_undo,
	.look = move_look,
};
