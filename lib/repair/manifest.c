/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks through trees of our own. See manifest.h.
 */
#include "repair/manifest.h"

#include <errno.h>
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

/** A walk: each directory before those in it. */
struct walk {
	int top; /* what was given */
	bool removes;
	struct ovl_manifest *manifest; /* NULL: is not asked for */
	OVL_VEC(struct place) place;
	unsigned char *buf;
};

static void walk_done(struct walk *w)
{
	for (size_t i = 0; i < w->place.len; i++)
		ovl_path_unref(w->place.data[i].path);
	ovl_vec_done(&w->place);
	free(w->buf);
}

static int open_place(const struct walk *w, const struct ovl_path *path, int *ret_fd)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = path ? ovl_path_add(&b, path) : ovl_buf_adds(&b, "/");

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
	if (w->manifest) {
		w->manifest->sum += ovl_manifest_hash(key, name, &st);
		w->manifest->n++;
	}
	if (!S_ISDIR(st.mode))
		return w->removes ? ovl_write_remove(dir, name) : 0;
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
	_cleanup_close_ int fd = -EBADF;
	struct ovl_dirent d;
	int r = open_place(w, in->path, &fd);

	while (r == 0 && (r = reader->ops->read_dir(reader, fd, &stream, &d)) > 0)
		r = visit(w, in, fd, d.name);
	return r;
}

/* The one that was read last is the deepest. */
static int remove_dirs(struct walk *w)
{
	int r = 0;

	for (size_t i = w->place.len; r == 0 && i-- > 0;) {
		const struct ovl_path *path = w->place.data[i].path;
		_cleanup_close_ int dir = -EBADF;

		r = open_place(w, path->parent, &dir);
		if (r == 0)
			r = ovl_write_remove_dir(dir, path->name);
	}
	return r;
}

static int walk(struct walk *w, const char *name)
{
	int r;

	w->buf = malloc(OVL_DIRBUF_SIZE);
	r = w->buf ? visit(w, NULL, w->top, name) : -ENOMEM;
	for (size_t i = 0; r == 0 && i < w->place.len; i++) {
		const struct place in = w->place.data[i]; /* the list grows */

		r = read_place(w, &in);
	}
	return r == 0 && w->removes ? remove_dirs(w) : r;
}

int ovl_manifest_take(int dir, const char *name, struct ovl_manifest *ret)
{
	struct ovl_manifest manifest = { 0 };
	_cleanup_(walk_done) struct walk w = { .top = dir, .manifest = &manifest };
	int r = walk(&w, name);

	if (r == 0)
		*ret = manifest;
	return r;
}

int ovl_manifest_remove(int dir, const char *name)
{
	_cleanup_(walk_done) struct walk w = { .top = dir, .removes = true };

	return walk(&w, name);
}
