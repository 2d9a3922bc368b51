/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks through trees of our own. See manifest.h.
 */
#include "repair/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/siphash.h"
#include "base/vec.h"
#include "io/beneath.h"
#include "io/reader.h"
#include "io/write.h"

#include "base/banned.h"

/* The same in all runs, since the journal keeps the result: it tells of changes, it is no secret. */
static const struct ovl_siphash_key fixed = { { UINT64_C(0x6f7665726c617966), 0x7321 } };

/* The parts of what is hashed, one behind the other. */
struct parts {
	unsigned char data[96 + 256];
	size_t len;
};

static void add(struct parts *p, const void *data, size_t len)
{
	size_t room = sizeof(p->data) - p->len;

	if (len > room)
		len = room;
	memcpy(p->data + p->len, data, len);
	p->len += len;
}

static uint64_t hash_of(const struct parts *p)
{
	uint64_t hash[2];

	ovl_siphash_128(&fixed, p->data, p->len, hash);
	return hash[0];
}

uint64_t ovl_manifest_key(uint64_t above, const char *name)
{
	struct parts p = { .len = 0 };

	add(&p, &above, sizeof(above));
	add(&p, name, strlen(name));
	return hash_of(&p);
}

uint64_t ovl_manifest_hash(uint64_t key, const char *name, const struct ovl_stat *st)
{
	const uint64_t numbers[] = { key, st->ino, st->mode, (uint64_t)st->uid << 32 | st->gid };
	struct parts p = { .len = 0 };

	add(&p, numbers, sizeof(numbers));
	if (S_ISREG(st->mode)) {
		const uint64_t content[] = { st->size, (uint64_t)st->mtime_sec, st->mtime_nsec };

		add(&p, content, sizeof(content));
	}
	add(&p, name, strlen(name));
	return hash_of(&p);
}

/** A directory of the tree; its names are to be read. */
struct place {
	struct ovl_path *path; /* below the directory that was given; counted */
	uint64_t key;
};

/** A walk, the deepest first. */
struct walk {
	int top; /* what was given */
	struct ovl_manifest manifest;
	OVL_VEC(struct place) place;
	struct ovl_path *last; /* what was read last, and is open; counted */
	int last_fd;
	unsigned char *buf;
};

static void walk_done(struct walk *w)
{
	for (size_t i = 0; i < w->place.len; i++)
		ovl_path_unref(w->place.data[i].path);
	ovl_vec_done(&w->place);
	ovl_path_unref(w->last);
	if (w->last_fd >= 0)
		close(w->last_fd);
	free(w->buf);
}

/* From the directory above, if that is open: however deep it is. */
static int open_place(const struct walk *w, const struct ovl_path *path, int *ret_fd)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r;

	if (w->last && path->parent == w->last)
		return ovl_beneath_open_dir(w->last_fd, path->name, ret_fd);
	r = ovl_path_add(&b, path);
	return r == 0 ? ovl_beneath_open_dir(w->top, b.data + 1, ret_fd) : r;
}

/* @in: of the directory that it is in; NULL: the one that was given */
static int visit(struct walk *w, const struct place *in, int dir, const char *name)
{
	struct ovl_reader *reader = ovl_reader_linux();
	const uint64_t key = in ? in->key : 0;
	struct place place = { 0 };
	struct ovl_stat st;
	int r = reader->ops->stat(reader, dir, name, &st);

	if (r < 0)
		return r;
	w->manifest.sum += ovl_manifest_hash(key, name, &st);
	w->manifest.n++;
	if (!S_ISDIR(st.mode))
		return 0;
	place.path = ovl_path_new(in ? in->path : NULL, name, strlen(name));
	place.key = ovl_manifest_key(key, name);
	if (!place.path || ovl_vec_push(&w->place, place) < 0) {
		ovl_path_unref(place.path);
		return -ENOMEM;
	}
	return 0;
}

static int read_place(struct walk *w, const struct place *in)
{
	struct ovl_reader *reader = ovl_reader_linux();
	struct ovl_dirstream stream = { .buf = w->buf, .room = OVL_DIRBUF_SIZE };
	struct ovl_dirent d;
	int fd, r = open_place(w, in->path, &fd);

	if (r < 0)
		return r;
	ovl_path_unref(w->last);
	if (w->last_fd >= 0)
		close(w->last_fd);
	w->last = ovl_path_ref(in->path);
	w->last_fd = fd;
	while (r == 0 && (r = reader->ops->read_dir(reader, fd, &stream, &d)) > 0)
		r = visit(w, in, fd, d.name);
	return r;
}

int ovl_manifest_take(int dir, const char *name, struct ovl_manifest *ret)
{
	_cleanup_(walk_done) struct walk w = { .top = dir,
					       .last_fd = -1,
					       .buf = malloc(OVL_DIRBUF_SIZE) };
	int r = w.buf ? visit(&w, NULL, dir, name) : -ENOMEM;

	while (r == 0 && w.place.len > 0) {
		struct place in = w.place.data[--w.place.len];

		r = read_place(&w, &in);
		ovl_path_unref(in.path);
	}
	if (r == 0)
		*ret = w.manifest;
	return r;
}

/* ---- Removal ---- */

/** What is removed: directories of any depth come up to the top first. */
struct removal {
	int top;
	uint64_t number; /* of the next one that comes up */
};

static int bring_up(struct removal *rm, int dir, const char *name)
{
	char up[32];
	int r;

	do {
		snprintf(up, sizeof(up), "#%llu", (unsigned long long)rm->number++);
		r = ovl_write_rename(dir, name, rm->top, up);
	} while (r == -EEXIST);
	return r;
}

static int empty_dir(struct removal *rm, int dir);

/* Something in the top, or in a directory of the top (@dir); 1: there is more to do */
static int remove_one(struct removal *rm, int dir, const char *name)
{
	_cleanup_close_ int fd = -EBADF;
	int r = ovl_write_remove(dir, name);

	if (r != -EISDIR && r != -EPERM)
		return r;
	r = ovl_write_remove_dir(dir, name);
	if (r != -ENOTEMPTY && r != -EEXIST)
		return r == -ENOTDIR ? -EPERM : r; /* it is immutable */
	if (dir != rm->top)
		return bring_up(rm, dir, name);
	r = ovl_beneath_open_dir(dir, name, &fd);
	if (r == 0)
		r = empty_dir(rm, fd);
	return r == 0 ? ovl_write_remove_dir(dir, name) : r;
}

/* Only the top calls itself through remove_one(), once: what is in its directories comes up. */
static int empty_dir(struct removal *rm, int dir)
{
	struct ovl_reader *reader = ovl_reader_linux();
	_cleanup_free_ unsigned char *buf = malloc(OVL_DIRBUF_SIZE);
	size_t n = 1;
	int r = buf ? 0 : -ENOMEM;

	while (r == 0 && n > 0) {
		struct ovl_dirstream stream = { .buf = buf, .room = OVL_DIRBUF_SIZE };
		_cleanup_close_ int fd = -EBADF;
		struct ovl_dirent d;

		n = 0;
		r = ovl_beneath_open_dir(dir, "", &fd);
		while (r == 0 && (r = reader->ops->read_dir(reader, fd, &stream, &d)) > 0) {
			r = remove_one(rm, dir, d.name);
			n++;
		}
	}
	return r;
}

int ovl_manifest_remove(int dir, const char *name)
{
	struct removal rm = { .top = -1 };
	int r = ovl_write_remove_dir(dir, name);

	if (r == -ENOTDIR)
		return ovl_write_remove(dir, name);
	if (r != -ENOTEMPTY && r != -EEXIST)
		return r;
	r = ovl_beneath_open_dir(dir, name, &rm.top);
	if (r == 0)
		r = empty_dir(&rm, rm.top);
	if (rm.top >= 0)
		close(rm.top);
	return r == 0 ? ovl_write_remove_dir(dir, name) : r;
}
