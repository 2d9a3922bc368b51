/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The content of a file into another one: shared where the file system can share it, else copied
 * without the holes.
 */
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "io/write.h"

#include "base/banned.h"

enum { CHUNK = 1 << 20 };

/** One copy on its way. */
struct copy {
	int from, to;
	bool plain; /* copy_file_range() does not work between these two */
	char *buf;
	bool (*cancelled)(void *ctx);
	void *ctx;
};

static int64_t copy_plain(struct copy *c, off_t at, size_t len)
{
	ssize_t n, done = 0;

	if (!c->buf)
		c->buf = malloc(CHUNK);
	if (!c->buf)
		return -ENOMEM;
	n = pread(c->from, c->buf, len, at);
	while (n > 0 && done < n) {
		ssize_t w = pwrite(c->to, c->buf + done, (size_t)(n - done), at + done);

		if (w < 0 && errno != EINTR)
			return -errno;
		done += w > 0 ? w : 0;
	}
	return n < 0 ? -errno : n;
}

static int64_t copy_some(struct copy *c, off_t at, size_t len)
{
	loff_t in = at, out = at;
	ssize_t n;

	if (!c->plain) {
		n = copy_file_range(c->from, &in, c->to, &out, len, 0);
		if (n > 0)
			return n;
		if (n < 0 && errno != EXDEV && errno != EINVAL && errno != ENOSYS &&
		    errno != EOPNOTSUPP && errno != EINTR)
			return -errno;
		c->plain = n == 0 || errno != EINTR;
	}
	return copy_plain(c, at, len);
}

static int copy_range(struct copy *c, off_t at, off_t end)
{
	while (at < end) {
		size_t len = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		int64_t n = copy_some(c, at, len);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? (int)n : -EIO; /* shorter than it was */
		at += n;
		if (c->cancelled && c->cancelled(c->ctx))
			return -ECANCELED;
	}
	return 0;
}

/* From hole to hole; a file system that knows none has one range of data. */
static int copy_ranges(struct copy *c, off_t size)
{
	off_t data = 0, hole;
	int r = 0;

	while (r == 0 && data < size) {
		off_t from = lseek(c->from, data, SEEK_DATA);

		if (from < 0 && errno == ENXIO)
			return 0; /* a hole until the end */
		if (from < 0)
			return copy_range(c, data, size);
		hole = lseek(c->from, from, SEEK_HOLE);
		if (hole < 0 || hole > size)
			hole = size;
		r = copy_range(c, from, hole);
		data = hole;
	}
	return r;
}

int ovl_write_copy(int from, int to, uint64_t size, bool (*cancelled)(void *ctx), void *ctx)
{
	struct copy c = { .from = from, .to = to, .cancelled = cancelled, .ctx = ctx };
	struct stat st;
	int r;

	if (fstat(from, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size != size)
		return -EIO;
	if (size > 0 && ioctl(to, FICLONE, from) == 0)
		return 0;
	/* A file as long as the source, without anything in it, has its holes. */
	r = ovl_write_truncate(to, 0);
	if (r == 0)
		r = ovl_write_truncate(to, size);
	if (r == 0)
		r = copy_ranges(&c, (off_t)size);
	free(c.buf);
	return r;
}
