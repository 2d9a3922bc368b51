/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing, reading and comparing snapshots. See snapshot.h.
 */
#include "check/snapshot_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/vec.h"

#include "base/banned.h"

/* What stands before the name; in the byte order of the machine, since nobody else reads it. */
struct head {
	uint32_t depth, len;
	struct ovl_key sum;
};

/** A place in a snapshot that is read. */
struct cursor {
	FILE *file;
	bool end;
	uint64_t number; /* of the directory, from 1 on */
	struct head head;
	struct ovl_buf path;  /* of the directory, "/a/b"; "/" for the root */
	OVL_VEC(size_t) ends; /* bytes of the path at each depth */
};

/* In early boot there may be no place for temporary files: then memory has to do. */
static FILE *open_unnamed(void)
{
	FILE *file = tmpfile();
	int fd;

	if (file)
		return file;
	fd = memfd_create("fsck.overlay", MFD_CLOEXEC);
	if (fd < 0)
		return NULL;
	file = fdopen(fd, "w+");
	if (!file)
		close(fd);
	return file;
}

int ovl_snapshot_new(struct ovl_snapshot **ret)
{
	struct ovl_snapshot *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->file = open_unnamed();
	if (!s->file) {
		free(s);
		return -errno;
	}
	*ret = s;
	return 0;
}

struct ovl_snapshot *ovl_snapshot_free(struct ovl_snapshot *s)
{
	if (!s)
		return NULL;
	fclose(s->file);
	ovl_vec_done(&s->link);
	ovl_map_done(&s->by_name);
	free(s);
	return NULL;
}

int ovl_snapshot_add(struct ovl_snapshot *s, uint32_t depth, const char *name, size_t len,
		     struct ovl_key sum)
{
	const struct head head = { depth, (uint32_t)len, sum };

	if (fwrite(&head, sizeof(head), 1, s->file) != 1 || fwrite(name, 1, len, s->file) != len)
		return errno ? -errno : -EIO;
	s->n_dirs++;
	return 0;
}

/* ---- Reading ---- */

static void cursor_done(struct cursor *c)
{
	ovl_buf_done(&c->path);
	ovl_vec_done(&c->ends);
}

/* The path of the directory, from that of the one before. */
static int enter(struct cursor *c, const char *name)
{
	size_t kept = c->head.depth > 1 ? c->ends.data[c->head.depth - 2] : 0;
	int r = 0;

	c->path.len = kept;
	if (c->head.depth == 0)
		return ovl_buf_addc(&c->path, '/');
	c->ends.len = c->head.depth - 1;
	r = ovl_buf_addc(&c->path, '/');
	if (r == 0)
		r = ovl_buf_add(&c->path, name, c->head.len);
	return r == 0 ? ovl_vec_push(&c->ends, c->path.len) : r;
}

static int next(struct cursor *c)
{
	_cleanup_free_ char *name = NULL;

	if (fread(&c->head, sizeof(c->head), 1, c->file) != 1) {
		c->end = true;
		return ferror(c->file) ? -EIO : 0;
	}
	c->number++;
	if (c->head.depth > c->ends.len + 1)
		return -EIO;
	name = malloc((size_t)c->head.len + 1);
	if (!name)
		return -ENOMEM;
	if (fread(name, 1, c->head.len, c->file) != c->head.len)
		return -EIO;
	return enter(c, name);
}

static int begin(struct cursor *c, struct ovl_snapshot *s)
{
	c->file = s->file;
	if (fflush(s->file) != 0 || fseek(s->file, 0, SEEK_SET) != 0)
		return errno ? -errno : -EIO;
	return next(c);
}

/* A directory comes before all that is in it, and that before its next sibling. */
static unsigned order_of(char c)
{
	return c == '/' ? 0 : (unsigned char)c;
}

static int compare_paths(const struct cursor *a, const struct cursor *b)
{
	size_t n = a->path.len < b->path.len ? a->path.len : b->path.len;

	if (a->end || b->end)
		return a->end - b->end;
	for (size_t i = 0; i < n; i++) {
		unsigned x = order_of(a->path.data[i]), y = order_of(b->path.data[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return a->path.len == b->path.len ? 0 : a->path.len < b->path.len ? -1 : 1;
}

static int tell(struct cursor *c, int (*differs)(void *ctx, const char *path), void *ctx)
{
	int r = ovl_buf_addc(&c->path, '\0');

	if (r == 0)
		r = differs(ctx, c->path.data);
	c->path.len--;
	return r;
}

/* Two directories of one path. */
static bool is_other(const struct cursor *a, const struct cursor *b, const struct ovl_map *bad)
{
	const struct ovl_key number = { b->number - 1, 1 };

	return memcmp(&a->head.sum, &b->head.sum, sizeof(a->head.sum)) != 0 ||
	       ovl_map_get(bad, number);
}

int64_t ovl_snapshot_compare(struct ovl_snapshot *a, struct ovl_snapshot *b,
			     int (*differs)(void *ctx, const char *path), void *ctx)
{
	_cleanup_(cursor_done) struct cursor x = { 0 }, y = { 0 };
	struct ovl_map bad = { 0 };
	int64_t n = 0;
	int r = ovl_snapshot_compare_links(a, b, &bad), order;

	if (r == 0)
		r = begin(&x, a);
	if (r == 0)
		r = begin(&y, b);
	while (r == 0 && !(x.end && y.end)) {
		order = compare_paths(&x, &y);
		if (order == 0 && is_other(&x, &y, &bad)) {
			n++;
			r = tell(&x, differs, ctx);
		}
		if (r == 0 && order <= 0)
			r = next(&x);
		if (r == 0 && order >= 0)
			r = next(&y);
	}
	ovl_map_done(&bad);
	return r < 0 ? r : n;
}
