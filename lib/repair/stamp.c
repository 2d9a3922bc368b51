/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stamp in its file. See overlayfs/stamp.h.
 *
 * Whoever is root may have put anything there; nobody else can, for the folder is ours alone. A stamp
 * that is not as we write it is none, and the overlay is checked.
 */
#include "repair/stamp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "format/record.h"
#include "format/stamp.h"
#include "io/birth.h"
#include "io/write.h"
#include "repair/store_folder.h"

#include "base/banned.h"

static const char name[] = "state", new_name[] = "state.new";

enum { MAX_SIZE = 64 * 1024 }; /* of a file that is read: 500 layers take a quarter of it */

static bool has_place(const struct ovl_stack *stack)
{
	return stack->has_upper && stack->work.root.plain >= 0;
}

static int put_root(struct ovl_buf *out, const struct ovl_layer *layer)
{
	struct ovl_bytes uuid = { layer->root.uuid, sizeof(layer->root.uuid) };
	int r = ovl_field_put_u32(out, (uint32_t)layer->number);

	if (r == 0)
		r = ovl_field_put_u32(out, (uint32_t)layer->role);
	if (r == 0)
		r = ovl_field_put_u64(out, layer->root.stat.ino);
	return r == 0 && layer->root.has_uuid ? ovl_field_put_bytes(out, uuid) : r;
}

/* Not by device number, which another boot may give to another disk, nor by path. */
static int describe(const struct ovl_stack *stack, struct ovl_buf *out)
{
	const struct ovl_config *c = stack->given;
	const uint32_t options[] = { (uint32_t)c->redirect_dir, (uint32_t)c->index,
				     (uint32_t)c->nfs_export,   (uint32_t)c->metacopy,
				     (uint32_t)c->xino,         (uint32_t)c->uuid,
				     (uint32_t)c->verity,       c->userxattr };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(options); i++)
		r = ovl_field_put_u32(out, options[i]);
	for (size_t i = 0; r == 0 && i < stack->n_layer; i++)
		if (stack->layer[i].root.plain >= 0)
			r = put_root(out, &stack->layer[i]);
	return r == 0 ? put_root(out, &stack->work) : r;
}

/* Where it is nothing but a directory that can be looked at. */
static void look_at_work(struct ovl_stack *stack, struct ovl_stamp_seen *seen, bool *ret_known)
{
	struct ovl_birth birth;
	int r = ovl_birth_get(stack->work.root.plain, "work", &birth);

	*ret_known = r == -ENOENT || (r == 0 && S_ISDIR(birth.mode) && (birth.sec || birth.nsec));
	if (r < 0 || !*ret_known)
		return;
	seen->ino = birth.ino;
	seen->sec = birth.sec;
	seen->nsec = birth.nsec;
}

/* A regular file of ours, or none: 1, 0 or -ENOMEM. */
static int read_file(int dir, struct ovl_buf *ret)
{
	struct ovl_reader *reader = ovl_reader_linux();
	_cleanup_close_ int fd = -EBADF;
	_cleanup_free_ char *data = NULL;
	struct ovl_stat st;
	int64_t n;

	if (reader->ops->stat(reader, dir, name, &st) < 0 || !S_ISREG(st.mode) ||
	    st.uid != geteuid() || (st.mode & 077) != 0 || st.size == 0 || st.size > MAX_SIZE ||
	    reader->ops->open_file(reader, dir, name, st.dev, st.ino, &fd) < 0)
		return 0;
	data = malloc((size_t)st.size);
	if (!data)
		return -ENOMEM;
	n = reader->ops->pread(reader, fd, data, (size_t)st.size, 0);
	if (n != (int64_t)st.size)
		return 0;
	return ovl_buf_add(ret, data, (size_t)n) < 0 ? -ENOMEM : 1;
}

/* The stamp in the file, if it is one of this overlay: 1, 0 or -ENOMEM. @ret points into @file */
static int load(struct ovl_stack *stack, struct ovl_buf *file, struct ovl_stamp *ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf now = { 0 };
	_cleanup_close_ int dir = -EBADF;
	int r;

	if (ovl_store_open_own(stack->work.root.plain, OVL_STORE_FOLDER, &dir) < 0)
		return 0;
	r = read_file(dir, file);
	if (r <= 0 || ovl_stamp_get(ovl_buf_bytes(file), ret) < 0)
		return r < 0 ? r : 0;
	r = describe(stack, &now);
	if (r < 0)
		return r;
	return ret->overlay.len == now.len && memcmp(ret->overlay.data, now.data, now.len) == 0;
}

static bool is_same_work(const struct ovl_stamp_work *a, const struct ovl_stamp_seen *b)
{
	return a->ino == b->ino && a->sec == b->sec && a->nsec == b->nsec;
}

static enum ovl_stamp_state judge(const struct ovl_stamp *stamp, const struct ovl_stamp_seen *seen,
				  bool known)
{
	if (known && is_same_work(&stamp->work, seen))
		return OVL_STAMP_CLEAN;
	return known && seen->watched && !is_same_work(&stamp->ended, seen) ? OVL_STAMP_UNCLEAN :
									      OVL_STAMP_OLD;
}

int ovl_stamp_look(struct ovl_stack *stack, struct ovl_stamp_seen *ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf file = { 0 };
	struct ovl_stamp stamp;
	bool known;
	int r;

	*ret = (struct ovl_stamp_seen){ .state = OVL_STAMP_NO_PLACE };
	if (!has_place(stack))
		return 0;
	ret->state = OVL_STAMP_NONE;
	look_at_work(stack, ret, &known);
	r = load(stack, &file, &stamp);
	if (r <= 0)
		return r;
	ret->time = stamp.time;
	ret->watched = stamp.ended.sec || stamp.ended.nsec;
	ret->state = judge(&stamp, ret, known);
	return 0;
}

/* As a whole or not at all, also if the power goes. */
static int write_file(int dir, const struct ovl_buf *data)
{
	_cleanup_close_ int fd = -EBADF;
	int r = ovl_write_make_file(dir, new_name, &fd);

	if (r == -EEXIST) {
		/* Of a run that was killed right here. */
		r = ovl_write_remove(dir, new_name);
		if (r == 0)
			r = ovl_write_make_file(dir, new_name, &fd);
	}
	if (r < 0)
		return r;
	r = ovl_write_append(fd, data->data, data->len);
	if (r == 0)
		r = ovl_write_sync(fd);
	if (r == 0)
		r = ovl_write_replace(dir, new_name, name);
	if (r < 0)
		ovl_write_remove(dir, new_name);
	return r == 0 ? ovl_write_sync(dir) : r;
}

static int write_stamp(struct ovl_stack *stack, const struct ovl_stamp *stamp, struct ovl_error *e)
{
	_cleanup_(ovl_buf_done) struct ovl_buf data = { 0 };
	struct ovl_store store;
	int r = ovl_stamp_put(&data, stamp);

	if (r < 0)
		return ovl_fail(e, r, "cannot note that it is clean");
	r = ovl_store_init(&store, stack, NULL, e);
	if (r == 0)
		r = ovl_store_lock(&store, e);
	if (r == 0) {
		r = write_file(store.lock, &data);
		if (r < 0)
			ovl_fail(e, r, "cannot note in '%s' that it is clean", OVL_STORE_FOLDER);
	}
	ovl_store_done(&store);
	return r;
}

int ovl_stamp_leave(struct ovl_stack *stack, const struct ovl_stamp_seen *seen, uint64_t now,
		    struct ovl_error *e)
{
	_cleanup_(ovl_buf_done) struct ovl_buf overlay = { 0 };
	struct ovl_stamp stamp = { .time = now, .work = { seen->ino, seen->sec, seen->nsec } };
	int r;

	if (!has_place(stack))
		return 0;
	if (seen->watched)
		stamp.ended = stamp.work;
	r = describe(stack, &overlay);
	if (r < 0)
		return ovl_fail(e, r, "cannot note that it is clean");
	stamp.overlay = ovl_buf_bytes(&overlay);
	return write_stamp(stack, &stamp, e);
}

int ovl_stamp_end(struct ovl_stack *stack, struct ovl_error *e)
{
	_cleanup_(ovl_buf_done) struct ovl_buf file = { 0 };
	struct ovl_stamp_seen seen = { 0 };
	struct ovl_stamp stamp;
	bool known;
	int r;

	if (!has_place(stack))
		return 0;
	look_at_work(stack, &seen, &known);
	r = load(stack, &file, &stamp);
	if (r < 0)
		return ovl_fail(e, r, "cannot note that it was unmounted");
	/* Where births are not told there is nothing that could be noted. */
	if (r == 0 || !known || seen.ino == 0 || is_same_work(&stamp.ended, &seen))
		return 0;
	stamp.ended = (struct ovl_stamp_work){ seen.ino, seen.sec, seen.nsec };
	return write_stamp(stack, &stamp, e);
}

int ovl_stamp_forget(struct ovl_stack *stack)
{
	_cleanup_close_ int dir = -EBADF;
	int r;

	/* A folder that is not ours holds no stamp that anybody believes. */
	if (!has_place(stack) ||
	    ovl_store_open_own(stack->work.root.plain, OVL_STORE_FOLDER, &dir) < 0)
		return 0;
	r = ovl_write_remove(dir, name);
	if (r == -ENOENT)
		return 0;
	return r == 0 ? ovl_write_sync(dir) : r;
}
