/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LINK: one more name for an inode. UNLINK: one less, the same backwards.
 */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "io/beneath.h"
#include "repair/op_ends.h"

#include "base/banned.h"

enum { MAX_TRIES = 16 };

/* -ESTALE unless it is our inode and would not be lost with this name. */
static int check_spare(int dir, const char *name, const struct ovl_op *op)
{
	_cleanup_close_ int object = -EBADF;
	struct ovl_stat st;
	int r = ovl_write_hold(dir, name, &object, &st);

	if (r < 0)
		return r;
	return st.ino == op->ino && st.nlink > 1 ? 0 : -ESTALE;
}

/*
 * Removes the name, first from everybody's sight: nobody can put something else there between the
 * look and the removal then.
 */
static int remove_aside(int stage, const struct ovl_reach *to, const struct ovl_op *op)
{
	char name[64];
	int r = -EEXIST;

	for (unsigned i = 0; r == -EEXIST && i < MAX_TRIES; i++) {
		snprintf(name, sizeof(name), "unlink-%llu-%u", (unsigned long long)op->ino, i);
		r = ovl_write_rename(to->dir, to->name, stage, name);
	}
	if (r < 0)
		return r;
	r = check_spare(stage, name, op);
	if (r == 0)
		r = ovl_write_remove(stage, name);
	if (r == 0)
		return 0;
	return ovl_write_rename(stage, name, to->dir, to->name) < 0 ? -EUCLEAN : r;
}

static int remove_name(struct ovl_trees *t, const struct ovl_reach *to, const struct ovl_op *op)
{
	_cleanup_close_ int stage = -EBADF;
	int r = check_spare(to->dir, to->name, op);

	if (r < 0)
		return r;
	r = t->store < 0 ? -EXDEV : ovl_beneath_open_dir(t->store, "stage", &stage);
	if (r == 0)
		r = remove_aside(stage, to, op);
	/* The store is on another file system. */
	return r == -EXDEV ? ovl_write_remove(to->dir, to->name) : r;
}

/* Is the inode still at the name that it keeps? */
static int hold_kept(const struct ovl_ends *ends, const struct ovl_op *op, int *ret_object)
{
	struct ovl_stat st;
	int r = ovl_write_hold(ends->at.dir, ends->at.name, ret_object, &st);

	return r == 0 && st.ino != op->ino ? -ESTALE : r;
}

/* @times: of the directory that gets the name */
static int make_name(struct ovl_trees *t, const struct ovl_op *op, const struct ovl_ends *ends,
		     const struct ovl_times *times)
{
	_cleanup_close_ int object = -EBADF;
	int r = hold_kept(ends, op, &object);

	if (r == 0)
		r = ovl_write_link(object, ends->to.dir, ends->to.name);
	if (r < 0)
		return r;
	r = ovl_ends_set_time(ends, op, times);
	if (r < 0 && remove_name(t, &ends->to, op) < 0)
		return -EUCLEAN;
	return r;
}

static int link_do(struct ovl_trees *t, const struct ovl_op *op)
{
	_cleanup_(ovl_ends_done) struct ovl_ends ends = OVL_ENDS_INIT;
	_cleanup_close_ int object = -EBADF;
	int r = ovl_ends_open(t, op, &ends);

	if (r == 0)
		r = hold_kept(&ends, op, &object);
	if (r < 0)
		return r;
	r = ovl_ends_check(&ends.to, op);
	if (r == 1)
		return ovl_ends_set_time(&ends, op, &op->times[1]);
	if (r < 0)
		return r == -ESTALE ? -EEXIST : r;
	return make_name(t, op, &ends, &op->times[1]);
}

static int link_undo(struct ovl_trees *t, const struct ovl_op *op, bool recorded_times)
{
	_cleanup_(ovl_ends_done) struct ovl_ends ends = OVL_ENDS_INIT;
	int r = ovl_ends_open(t, op, &ends);

	/* Also where an earlier try has left other steps, and this one is taken back already. */
	if (r == -ENOENT && ovl_ends_unmade(t, op))
		return 0;
	if (r < 0)
		return r;
	r = ovl_ends_check(&ends.to, op);
	if (r == 1)
		r = remove_name(t, &ends.to, op);
	else if (!recorded_times)
		return r;
	else if (r == -ESTALE)
		return 0; /* it was never made, since something was there */
	if (r < 0)
		return r;
	return ovl_ends_set_time(&ends, op, recorded_times ? &op->times[1] : &ends.now[1]);
}

/* The name that is kept may be one that an operation before this one makes: redo() will look. */
static int unlink_prepare(struct ovl_trees *t, struct ovl_op *op)
{
	_cleanup_(ovl_ends_done) struct ovl_ends ends = OVL_ENDS_INIT;
	int r = op->ino == 0 ? ovl_ends_prepare(t, op) : 0;

	if (r == 0)
		r = ovl_ends_open(t, op, &ends);
	if (r < 0)
		return r;
	op->times[0] = ends.now[0];
	op->times[1] = ends.now[1];
	r = ovl_ends_check(&ends.to, op);
	return r < 0 ? r : r == 1 ? 0 : -ESTALE;
}

static int unlink_do(struct ovl_trees *t, const struct ovl_op *op)
{
	_cleanup_(ovl_ends_done) struct ovl_ends ends = OVL_ENDS_INIT;
	_cleanup_close_ int object = -EBADF;
	int r = ovl_ends_open(t, op, &ends);

	if (r == 0)
		r = hold_kept(&ends, op, &object);
	if (r == 0)
		r = ovl_ends_check(&ends.to, op);
	if (r == 1)
		r = remove_name(t, &ends.to, op);
	if (r < 0)
		return r;
	r = ovl_ends_set_time(&ends, op, &op->times[1]);
	if (r < 0 && make_name(t, op, &ends, &op->times[1]) < 0)
		return -EUCLEAN;
	return r;
}

static int unlink_undo(struct ovl_trees *t, const struct ovl_op *op, bool recorded_times)
{
	_cleanup_(ovl_ends_done) struct ovl_ends ends = OVL_ENDS_INIT;
	const struct ovl_times *times = recorded_times ? &op->times[1] : &ends.now[1];
	int r = ovl_ends_open(t, op, &ends);

	if (r == 0)
		r = ovl_ends_check(&ends.to, op);
	if (r < 0)
		return r;
	return r == 1 ? ovl_ends_set_time(&ends, op, times) : make_name(t, op, &ends, times);
}

static int link_look(struct ovl_trees *t, const struct ovl_op *op)
{
	_cleanup_(ovl_ends_done) struct ovl_ends ends = OVL_ENDS_INIT;
	int r = ovl_ends_open(t, op, &ends);

	if (r == -ENOENT && ovl_ends_unmade(t, op))
		return 0;
	if (r == 0)
		r = ovl_ends_check(&ends.to, op);
	return r == 1 ? check_spare(ends.to.dir, ends.to.name, op) : r;
}

static int unlink_look(struct ovl_trees *t, const struct ovl_op *op)
{
	_cleanup_(ovl_ends_done) struct ovl_ends ends = OVL_ENDS_INIT;
	int r = ovl_ends_open(t, op, &ends);

	if (r == 0)
		r = ovl_ends_check(&ends.to, op);
	if (r != 0)
		return r < 0 ? r : 0;
	r = ovl_ends_check(&ends.at, op);
	return r < 0 ? r : r == 1 ? 0 : -ESTALE;
}

const struct ovl_op_row ovl_op_link = {
	.name = "link",
	.prepare = ovl_ends_prepare,
	.redo = link_do,
	.undo = link_undo,
	.look = link_look,
};

const struct ovl_op_row ovl_op_unlink = {
	.name = "unlink",
	.prepare = unlink_prepare,
	.redo = unlink_do,
	.undo = unlink_undo,
	.look = unlink_look,
};
