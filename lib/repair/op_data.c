/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DATA: the content of a file, in place: all its names, its xattrs and its times stay as they are.
 *
 * A write takes the capability away, and maybe the suid bit, and changes the time. So first the data,
 * then these; all becomes durable with the group. Until then the file may hold anything, and all that is
 * needed to take it back is in the journal and in saved/.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "io/beneath.h"
#include "repair/trees.h"
#include "stack/stack.h"

#include "base/banned.h"

static const char capability[] = "security.capability";

/** The file that is changed. */
struct file {
	int object, fd;
	struct ovl_stat st;
	struct ovl_times times;
};

#define FILE_INIT                      \
	{                              \
		.object = -1, .fd = -1 \
	}

static void file_done(struct file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->object >= 0)
		close(f->object);
	*f = (struct file)FILE_INIT;
}

static int open_file(struct ovl_trees *t, const struct ovl_place *place, uint64_t ino,
		     struct file *ret)
{
	_cleanup_(file_done) struct file f = FILE_INIT;
	int r = ovl_trees_hold(t, place, ino, &f.object, &f.st);

	if (r == 0)
		r = ovl_write_open(f.object, &f.fd);
	if (r == 0)
		r = ovl_write_times(f.object, &f.times);
	if (r < 0)
		return r;
	*ret = f;
	f = (struct file)FILE_INIT;
	return 0;
}

/* The file that the content comes from; @ret_fd -1 if there is none. */
static int open_source(struct ovl_trees *t, const struct ovl_op *op, int *ret_fd)
{
	struct ovl_reader *reader = t->stack->reader;
	struct ovl_reach reach = OVL_REACH_INIT;
	struct ovl_stat st;
	int r;

	*ret_fd = -1;
	if (!op->to.path)
		return 0;
	r = ovl_trees_open_source(t, &op->to, &reach);
	if (r == 0)
		r = reader->ops->stat(reader, reach.dir, reach.name, &st);
	if (r == 0 && (!S_ISREG(st.mode) || st.ino != op->source_ino || st.size != op->new_size))
		r = -ESTALE;
	if (r == 0)
		r = reader->ops->open_file(reader, reach.dir, reach.name, st.dev, st.ino, ret_fd);
	ovl_trees_close_source(t, &reach);
	return r;
}

static void close_source(struct ovl_trees *t, int fd)
{
	if (fd >= 0)
		t->stack->reader->ops->close(t->stack->reader, fd);
}

/* ---- The copy of the old content ---- */

/* Of a run that was killed between the copy and the record: the same copy once more? */
static int check_leftover(int saved, const char *name, int fd)
{
	_cleanup_close_ int object = -EBADF, old = -EBADF;
	int r = ovl_write_hold(saved, name, &object, NULL);

	if (r == 0)
		r = ovl_write_open(object, &old);
	if (r == 0)
		r = ovl_write_same(fd, old);
	return r < 0 ? r : r == 1 ? 0 : -EEXIST;
}

static int make_copy(int stage, int saved, const char *name, const struct file *f)
{
	_cleanup_close_ int fd = -EBADF;
	int r = ovl_write_make_file(stage, name, &fd);

	if (r == -EEXIST) {
		r = ovl_write_remove(stage, name);
		if (r == 0)
			r = ovl_write_make_file(stage, name, &fd);
	}
	if (r < 0)
		return r;
	r = ovl_write_copy(f->fd, fd, f->st.size, NULL, NULL);
	if (r == 0)
		r = ovl_write_sync(fd);
	if (r == 0)
		r = ovl_write_rename(stage, name, saved, name);
	if (r == -EEXIST)
		r = check_leftover(saved, name, f->fd) < 0 ? -EEXIST :
							     ovl_write_remove(stage, name);
	else if (r < 0)
		(void)ovl_write_remove(stage, name);
	return r == 0 ? ovl_write_sync(saved) : r;
}

static int save(struct ovl_trees *t, struct ovl_op *op, const struct file *f)
{
	_cleanup_close_ int stage = -EBADF, saved = -EBADF;
	char name[24];
	int r = ovl_write_has_data(f->fd);

	if (r == 0)
		op->saved = 0;
	if (r <= 0)
		return r;
	if (op->saved == 0 || t->store < 0)
		return -EINVAL;
	snprintf(name, sizeof(name), "%llu", (unsigned long long)op->saved);
	r = ovl_beneath_open_dir(t->store, "stage", &stage);
	if (r == 0)
		r = ovl_beneath_open_dir(t->store, "saved", &saved);
	return r == 0 ? make_copy(stage, saved, name, f) : r;
}

static int open_saved(struct ovl_trees *t, const struct ovl_op *op, struct file *ret)
{
	_cleanup_(ovl_place_done) struct ovl_place place = { 0 };
	int r = ovl_place_store(&place, "saved", op->saved);

	return r == 0 ? open_file(t, &place, 0, ret) : r;
}

static int remove_saved(struct ovl_trees *t, const struct ovl_op *op)
{
	_cleanup_close_ int saved = -EBADF;
	char name[24];
	int r = ovl_beneath_open_dir(t->store, "saved", &saved);

	snprintf(name, sizeof(name), "%llu", (unsigned long long)op->saved);
	return r == 0 ? ovl_write_remove(saved, name) : r;
}

/* ---- Before ---- */

static int note_capability(const struct file *f, struct ovl_op *op)
{
	int r = ovl_write_get_xattr(f->object, capability, &op->old_value);

	op->has_old = r == 0;
	if (r == -ENODATA || r == -EOPNOTSUPP)
		return 0;
	if (r < 0)
		return r;
	free(op->xattr);
	op->xattr = strdup(capability);
	return op->xattr ? 0 : -ENOMEM;
}

static int data_prepare(struct ovl_trees *t, struct ovl_op *op)
{
	_cleanup_(file_done) struct file f = FILE_INIT;
	int source = -1, r = open_file(t, &op->at, op->ino, &f);

	if (r < 0)
		return r;
	if (op->names != 0 && f.st.nlink > op->names)
		return -EMLINK;
	if (f.st.size != op->old_size)
		return -ESTALE;
	r = open_source(t, op, &source);
	close_source(t, source);
	if (r == 0)
		r = note_capability(&f, op);
	if (r == 0)
		r = save(t, op, &f);
	if (r < 0)
		return r;
	op->ino = f.st.ino;
	op->mode = f.st.mode;
	op->times[0] = f.times;
	return 0;
}

/* ---- There and back ---- */

/** What a write takes away. */
struct kept {
	uint32_t mode;
	struct ovl_times times;
	bool has_capability;
	struct ovl_bytes capability;
};

static struct kept kept_of(const struct ovl_op *op)
{
	return (struct kept){ op->mode, op->times[0], op->has_old, ovl_buf_bytes(&op->old_value) };
}

static int put_back(const struct file *f, const struct kept *kept)
{
	struct stat st;
	int r = 0;

	if (fstat(f->fd, &st) < 0)
		return -errno;
	if ((st.st_mode & 07777) != (kept->mode & 07777))
		r = ovl_write_set_mode(f->object, kept->mode);
	if (r == 0 && kept->has_capability)
		r = ovl_write_set_xattr(f->object, capability, kept->capability);
	if (r == 0)
		r = ovl_write_set_times(f->object, &kept->times);
	return r;
}

/* @source -1: one hole. @t: NULL: it must not be given up half way */
static int fill(struct ovl_trees *t, const struct file *f, int source, uint64_t size,
		const struct kept *kept)
{
	int r = ovl_write_hole(f->fd, size);

	if (r == 0 && source >= 0)
		r = ovl_write_copy(source, f->fd, size, t ? t->cancelled : NULL,
				   t ? t->cancelled_ctx : NULL);
	return r == 0 ? put_back(f, kept) : r;
}

static bool same_mtime(const struct ovl_times *a, const struct ovl_times *b)
{
	return a->modify.tv_sec == b->modify.tv_sec && a->modify.tv_nsec == b->modify.tv_nsec;
}

static int data_do(struct ovl_trees *t, const struct ovl_op *op)
{
	_cleanup_(file_done) struct file f = FILE_INIT, old = FILE_INIT;
	const struct kept kept = kept_of(op);
	int source = -1, r = open_file(t, &op->at, op->ino, &f);

	if (r < 0)
		return r;
	if (op->names != 0 && f.st.nlink > op->names)
		return -EMLINK;
	if (!same_mtime(&f.times, &op->times[0]) ||
	    (f.st.size != op->old_size && f.st.size != op->new_size))
		return -ESTALE;
	r = open_source(t, op, &source);
	if (r == 0 && op->saved != 0)
		r = open_saved(t, op, &old);
	if (r == 0) {
		r = fill(t, &f, source, op->new_size, &kept);
		if (r < 0 && fill(NULL, &f, old.fd, op->old_size, &kept) < 0)
			r = -EUCLEAN;
	}
	close_source(t, source);
	return r;
}

/* ---- An undo that was begun ---- */

/*
 * What is half taken back looks like what somebody else has changed. So a mark in stage/ tells that it
 * was begun, until it is done.
 */
struct mark {
	int stage;
	char name[64];
	bool begun;
};

static int open_mark(struct ovl_trees *t, const struct ovl_op *op, struct mark *ret)
{
	_cleanup_close_ int object = -EBADF;
	int r = t->store < 0 ? -ENOENT : ovl_beneath_open_dir(t->store, "stage", &ret->stage);

	if (r < 0)
		return r;
	snprintf(ret->name, sizeof(ret->name), "undo-%d-%llu", op->at.tree,
		 (unsigned long long)op->ino);
	r = ovl_write_hold(ret->stage, ret->name, &object, NULL);
	ret->begun = r == 0;
	return r == -ENOENT ? 0 : r;
}

static int set_mark(struct mark *m)
{
	_cleanup_close_ int fd = -EBADF;
	int r = m->begun ? 0 : ovl_write_make_file(m->stage, m->name, &fd);

	if (r < 0)
		return r;
	m->begun = true;
	return ovl_write_sync(m->stage);
}

static int clear_mark(struct mark *m)
{
	return m->begun ? ovl_write_remove(m->stage, m->name) : 0;
}

/* ---- Back ---- */

static int is_old(const struct file *f, const struct file *old, const struct ovl_op *op)
{
	int r;

	if (op->saved != 0)
		return ovl_write_same(f->fd, old->fd);
	if (f->st.size != op->old_size)
		return 0;
	r = ovl_write_has_data(f->fd);
	return r < 0 ? r : !r;
}

/* After a crash: whatever it holds, it was us. */
static int undo_recorded(struct ovl_trees *t, const struct ovl_op *op, const struct file *f,
			 const struct file *old)
{
	const struct kept kept = kept_of(op);
	int r = is_old(f, old, op);

	if (r >= 0)
		r = r ? put_back(f, &kept) : fill(NULL, f, old->fd, op->old_size, &kept);
	/* Nobody will ask for it any more. */
	return r == 0 && op->saved != 0 ? remove_saved(t, op) : r;
}

/* Of a finished run: only if nobody has written to it since. */
static int undo_finished(const struct ovl_op *op, const struct file *f, const struct file *old,
			 struct mark *mark)
{
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	struct kept kept = kept_of(op);
	int r = is_old(f, old, op);

	if (r < 0 || (r == 1 && !mark->begun))
		return r < 0 ? r : 0;
	if (!mark->begun) {
		if (f->st.size != op->new_size || !same_mtime(&f->times, &op->times[0]))
			return -ESTALE;
		r = ovl_write_get_xattr(f->object, capability, &value);
		if (r < 0 && r != -ENODATA && r != -EOPNOTSUPP)
			return r;
		kept = (struct kept){ f->st.mode, f->times, r == 0, ovl_buf_bytes(&value) };
	}
	r = set_mark(mark);
	if (r == 0)
		r = fill(NULL, f, old->fd, op->old_size, &kept);
	if (r == 0) /* the mark must not be gone before */
		r = ovl_write_sync(f->fd);
	return r == 0 ? clear_mark(mark) : r;
}

/* Where nothing was kept and nothing put in, it was one hole all the time. 0, or -ESTALE if it is not. */
static int check_hole(const struct file *f, const struct ovl_op *op)
{
	int r;

	if (op->saved != 0 || op->to.path)
		return 0;
	r = ovl_write_has_data(f->fd);
	return r > 0 ? -ESTALE : r;
}

static int data_undo(struct ovl_trees *t, const struct ovl_op *op, bool recorded_times)
{
	_cleanup_(file_done) struct file f = FILE_INIT, old = FILE_INIT;
	struct mark mark = { .stage = -1 };
	int r = open_file(t, &op->at, op->ino, &f);

	/* After a crash, names that it has got since then share what was half done. */
	if (r == 0 && !recorded_times && op->names != 0 && f.st.nlink > op->names)
		r = -EMLINK;
	if (r == 0)
		r = check_hole(&f, op);
	if (r == 0 && op->saved != 0)
		r = open_saved(t, op, &old);
	if (r == -ENOENT && f.fd >= 0 && recorded_times)
		return 0; /* the copy is removed when it was put back */
	if (r == 0 && recorded_times)
		return undo_recorded(t, op, &f, &old);
	if (r == 0)
		r = open_mark(t, op, &mark);
	if (r == 0)
		r = undo_finished(op, &f, &old, &mark);
	if (mark.stage >= 0)
		close(mark.stage);
	return r;
}

/* ---- Could it be? ---- */

/* The same, for reading. */
static int read_file(struct ovl_trees *t, const struct ovl_place *place, uint64_t ino,
		     struct file *ret)
{
	_cleanup_(ovl_reach_done) struct ovl_reach reach = OVL_REACH_INIT;
	_cleanup_(file_done) struct file f = FILE_INIT;
	struct ovl_reader *reader = t->stack->reader;
	int r = ovl_trees_hold(t, place, ino, &f.object, &f.st);

	if (r == 0)
		r = ovl_trees_reach(t, place, &reach);
	if (r == 0)
		r = reader->ops->open_file(reader, reach.dir, reach.name, f.st.dev, f.st.ino,
					   &f.fd);
	if (r == 0)
		r = ovl_write_times(f.object, &f.times);
	if (r < 0)
		return r;
	*ret = f;
	f = (struct file)FILE_INIT;
	return 0;
}

static int data_look(struct ovl_trees *t, const struct ovl_op *op)
{
	_cleanup_(file_done) struct file f = FILE_INIT, old = FILE_INIT;
	_cleanup_(ovl_place_done) struct ovl_place place = { 0 };
	struct mark mark = { .stage = -1 };
	int r = read_file(t, &op->at, op->ino, &f);

	if (r == 0 && op->names != 0 && f.st.nlink > op->names)
		r = -EMLINK;
	if (r == 0)
		r = check_hole(&f, op);
	if (r == 0 && op->saved != 0)
		r = ovl_place_store(&place, "saved", op->saved);
	if (r == 0 && op->saved != 0)
		r = read_file(t, &place, 0, &old);
	if (r == 0)
		r = open_mark(t, op, &mark);
	if (mark.stage >= 0)
		close(mark.stage);
	if (r < 0 || mark.begun)
		return r;
	if (f.st.size == op->new_size && same_mtime(&f.times, &op->times[0]))
		return 0;
	r = is_old(&f, &old, op);
	return r < 0 ? r : r ? 0 : -ESTALE;
}

const struct ovl_op_row ovl_op_data = {
	.name = "data",
	.prepare = data_prepare,
	.redo = data_do,
	.undo = data_undo,
	.look = data_look,
};
