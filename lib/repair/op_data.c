/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The content of a file: filled from a lower one, or taken away where it is not the file's own.
 *
 * Writing takes capabilities away and changes times: both are put back.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "repair/trees.h"

#include "base/banned.h"

#define CAPABILITY "security.capability"

/** A file that is being written to. */
struct target {
	int object; /* held */
	int fd;     /* open for writing */
	struct ovl_stat st;
	struct ovl_times times;
	struct ovl_buf capability;
	bool has_capability;
};

static void target_done(struct target *t)
{
	if (t->fd >= 0)
		close(t->fd);
	if (t->object >= 0)
		close(t->object);
	ovl_buf_done(&t->capability);
}

static int target_open(struct ovl_trees *trees, const struct ovl_op *op, struct target *t)
{
	_cleanup_(ovl_reach_done) struct ovl_reach at = { -1, NULL };
	struct ovl_reader *reader = trees->stack->reader;
	int r = ovl_trees_hold(trees, &op->at, op->ino, &t->object, &t->st);

	if (r == 0)
		r = ovl_trees_reach(trees, &op->at, &at);
	if (r == 0)
		r = ovl_write_times(t->object, &t->times);
	if (r == 0)
		r = reader->ops->get_xattr(reader, at.dir, at.name, CAPABILITY, &t->capability);
	t->has_capability = r == 0;
	if (r < 0 && r != -ENODATA && r != -EOPNOTSUPP)
		return r;
	return ovl_write_open(t->object, &t->fd);
}

/* What writing took away. */
static int target_close(struct target *t, const struct ovl_times *times)
{
	int r = 0;

	if (t->has_capability)
		r = ovl_write_set_xattr(t->object, CAPABILITY, ovl_buf_bytes(&t->capability));
	if (r == 0)
		r = ovl_write_set_mode(t->object, t->st.mode);
	if (r == 0)
		r = ovl_write_set_times(t->object, times);
	return r == 0 ? ovl_write_sync(t->fd) : r;
}

static int open_source(struct ovl_trees *trees, const struct ovl_place *place, uint64_t ino,
		       int *ret_fd)
{
	_cleanup_(ovl_reach_done) struct ovl_reach at = { -1, NULL };
	_cleanup_close_ int object = -EBADF;
	struct ovl_reader *reader = trees->stack->reader;
	struct ovl_stat st;
	int r = ovl_trees_hold(trees, place, ino, &object, &st);

	if (r == 0)
		r = ovl_trees_reach(trees, place, &at);
	return r < 0 ? r : reader->ops->open_file(reader, at.dir, at.name, st.dev, st.ino, ret_fd);
}

static int saved_place(const struct ovl_op *op, struct ovl_place *ret)
{
	return ovl_place_store(ret, "saved", op->saved);
}

/* A copy of what is there now, so that it can come back. */
static int save_content(struct ovl_trees *trees, struct ovl_op *op, struct target *t)
{
	_cleanup_(ovl_place_done) struct ovl_place place = { 0 };
	_cleanup_(ovl_reach_done) struct ovl_reach at = { -1, NULL };
	_cleanup_close_ int fd = -EBADF;
	int r = saved_place(op, &place);

	if (r == 0)
		r = ovl_trees_reach(trees, &place, &at);
	if (r == 0)
		r = ovl_write_make_file(at.dir, at.name, &fd);
	if (r == -EEXIST) { /* of a run that was killed before it was recorded */
		r = ovl_write_remove(at.dir, at.name);
		if (r == 0)
			r = ovl_write_make_file(at.dir, at.name, &fd);
	}
	if (r == 0)
		r = ovl_write_copy(t->fd, fd, t->st.size, NULL, NULL);
	if (r == 0)
		r = ovl_write_sync(fd);
	return r == 0 ? ovl_write_sync(at.dir) : r;
}

static int prepare(struct ovl_trees *trees, struct ovl_op *op)
{
	_cleanup_(target_done) struct target t = { .object = -1, .fd = -1 };
	enum ovl_extents extents;
	int r = target_open(trees, op, &t);

	if (r < 0)
		return r;
	if (op->names && t.st.nlink != op->names)
		return -EMLINK; /* others would be changed with it */
	op->ino = t.st.ino;
	op->mode = t.st.mode;
	op->times[0] = t.times;
	op->old_size = t.st.size;
	if (!op->to.path)
		op->new_size = t.st.size;
	r = ovl_reader_extents(trees->stack->reader, t.fd, &extents);
	if (r < 0)
		return r;
	if (extents == OVL_EXTENTS_NONE) {
		op->saved = 0;
		return 0;
	}
	return save_content(trees, op, &t);
}

static int redo(struct ovl_trees *trees, const struct ovl_op *op)
{
	_cleanup_(target_done) struct target t = { .object = -1, .fd = -1 };
	_cleanup_close_ int source = -EBADF;
	int r = target_open(trees, op, &t);

	if (r == 0 && op->to.path)
		r = open_source(trees, &op->to, op->source_ino, &source);
	if (r == 0)
		r = op->to.path ? ovl_write_copy(source, t.fd, op->new_size, NULL, NULL) :
				  ovl_write_punch(t.fd);
	return r == 0 ? target_close(&t, &op->times[0]) : r;
}

static int undo(struct ovl_trees *trees, const struct ovl_op *op, bool recorded_times)
{
	_cleanup_(target_done) struct target t = { .object = -1, .fd = -1 };
	_cleanup_(ovl_place_done) struct ovl_place place = { 0 };
	_cleanup_close_ int saved = -EBADF;
	int r = target_open(trees, op, &t);

	(void)recorded_times; /* the file has its old content again, and so its old times */
	if (r == 0 && op->saved) {
		r = saved_place(op, &place);
		if (r == 0)
			r = open_source(trees, &place, 0, &saved);
	}
	if (r < 0)
		return r;
	if (saved >= 0) {
		r = ovl_write_copy(saved, t.fd, op->old_size, NULL, NULL);
	} else {
		r = ovl_write_truncate(t.fd, 0);
		if (r == 0)
			r = ovl_write_truncate(t.fd, op->old_size);
	}
	return r == 0 ? target_close(&t, &op->times[0]) : r;
}

const struct ovl_op_row ovl_op_data = { "data", prepare, redo, undo };
