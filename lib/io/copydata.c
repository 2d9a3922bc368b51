/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The content of files that are open: append, make a hole, copy. See write.h.
 */
#include "io/write.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#include "base/banned.h"

enum {
	CHUNK = 16 << 20, /* between two questions whether to go on */
	BUFFER = 128 << 10,
	SMALL = 16 << 10,
	TINY = 4 << 10,
};

/** A copy on its way. */
struct copy {
	int from, to;
	bool (*cancelled)(void *ctx);
	void *ctx;
	char *buffer; /* for where the kernel cannot copy by itself; owned */
	bool by_hand;
};

static int write_at(int fd, const char *data, size_t len, uint64_t at)
{
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, data, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		data += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

int ovl_write_append(int fd, const void *data, size_t len)
{
	off_t end = lseek(fd, 0, SEEK_END);

	return end < 0 ? -errno : write_at(fd, data, len, (uint64_t)end);
}

int ovl_write_truncate(int fd, uint64_t size)
{
	int r;

	if (size > INT64_MAX)
		return -EFBIG;
	do
		r = ftruncate(fd, (off_t)size);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

/*
 * Not if it has that size: XFS would read the last block, part it from the one that it shares with a clone,
 * and write it.
 */
static int set_size(int fd, uint64_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return (uint64_t)st.st_size == size ? 0 : ovl_write_truncate(fd, size);
}

int ovl_write_has_data(int fd)
{
	if (lseek(fd, 0, SEEK_DATA) >= 0)
		return 1;
	/* EINVAL: holes are not known here; an empty file is one all the same, and ENXIO says so. */
	return errno == ENXIO ? 0 : errno == EINVAL ? 1 : -errno;
}

int ovl_write_punch(int fd)
{
	struct stat st;
	int r = ovl_write_has_data(fd);

	if (r <= 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	do
		r = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, st.st_size);
	while (r < 0 && errno == EINTR);
	if (r == 0 && ovl_write_has_data(fd) == 0)
		return 0;
	if (r < 0 && errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)
		return -errno;
	r = ovl_write_truncate(fd, 0);
	return r == 0 ? ovl_write_truncate(fd, (uint64_t)st.st_size) : r;
}

int ovl_write_hole(int fd, uint64_t size)
{
	struct stat st;
	int r = ovl_write_punch(fd);

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size == size)
		return 0;
	/* From nothing: btrfs makes data of the last block where a file becomes longer. */
	r = ovl_write_truncate(fd, 0);
	return r == 0 ? ovl_write_truncate(fd, size) : r;
}

static int read_at(int fd, char *data, size_t len, uint64_t at)
{
	ssize_t n;

	while (len > 0) {
		n = pread(fd, data, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		data += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

static int copy_by_hand(struct copy *c, uint64_t at, uint64_t len)
{
	int r = 0;

	if (len == 0)
		return 0;
	if (!c->buffer)
		c->buffer = malloc(BUFFER);
	if (!c->buffer)
		return -ENOMEM;
	while (r == 0 && len > 0) {
		size_t n = len < BUFFER ? (size_t)len : (size_t)BUFFER;

		r = read_at(c->from, c->buffer, n, at);
		if (r == 0)
			r = write_at(c->to, c->buffer, n, at);
		at += n;
		len -= n;
	}
	return r;
}

/* One chunk: as far as the kernel copies it by itself, and the rest by hand. */
static int copy_chunk(struct copy *c, uint64_t at, uint64_t len)
{
	off_t from = (off_t)at, to = (off_t)at;
	ssize_t n;

	while (len > 0 && !c->by_hand) {
		n = copy_file_range(c->from, &from, c->to, &to, (size_t)len, 0);
		if (n > 0)
			len -= (uint64_t)n;
		else if (n == 0)
			break; /* the end, or a file system that says so: reading will tell */
		else if (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP ||
			 errno == ENOSYS || errno == EPERM || errno == EBADF)
			c->by_hand = true;
		else if (errno != EINTR)
			return -errno;
	}
	return copy_by_hand(c, (uint64_t)from, len);
}

/* Where the next data begins and ends; all of it is data where holes are not known. 0: no more. */
static int next_data(int fd, uint64_t at, uint64_t size, uint64_t *ret_from, uint64_t *ret_to)
{
	off_t from = lseek(fd, (off_t)at, SEEK_DATA), to;

	if (from < 0 && errno == ENXIO)
		return 0;
	if (from < 0 && errno != EINVAL)
		return -errno;
	if (from < 0) {
		*ret_from = at;
		*ret_to = size;
		return 1;
	}
	if ((uint64_t)from >= size)
		return 0;
	to = lseek(fd, from, SEEK_HOLE);
	*ret_from = (uint64_t)from;
	*ret_to = to > from && (uint64_t)to < size ? (uint64_t)to : size;
	return 1;
}

static int copy_data(struct copy *c, uint64_t size)
{
	uint64_t at = 0, from, to;
	int r = 0;

	while (r == 0 && at < size) {
		r = next_data(c->from, at, size, &from, &to);
		if (r <= 0)
			return r;
		r = 0;
		at = to;
		while (r == 0 && from < to) {
			uint64_t n = to - from < CHUNK ? to - from : (uint64_t)CHUNK;

			if (c->cancelled && c->cancelled(c->ctx))
				return -ECANCELED;
			r = copy_chunk(c, from, n);
			from += n;
		}
	}
	return r;
}

static int check_size(int from, uint64_t size)
{
	struct stat st;

	if (fstat(from, &st) < 0)
		return -errno;
	return (uint64_t)st.st_size < size ? -EIO : 0;
}

/* Who is going to take away what leads to the original should have looked at the copy. */
static int check_copy(int from, int to, uint64_t size)
{
	struct stat st;
	int r;

	if (fstat(from, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size != size)
		return 0; /* a part of it, or it changes: who asked for that compares */
	r = ovl_write_same(from, to);
	return r < 0 ? r : r == 1 ? 0 : -EIO;
}

int ovl_write_copy(int from, int to, uint64_t size, bool (*cancelled)(void *ctx), void *ctx)
{
	struct copy c = { .from = from, .to = to, .cancelled = cancelled, .ctx = ctx };
	int r = check_size(from, size);

	if (r < 0)
		return r;
	r = ovl_write_hole(to, size);
	if (r < 0)
		return r;
	if (ioctl(to, FICLONE, from) < 0) {
		r = copy_data(&c, size);
		free(c.buffer);
		if (r == 0)
			r = check_copy(from, to, size);
		/* Who waits for it later, with many others, waits less if the disk has begun by now. */
		if (r == 0)
			(void)sync_file_range(to, 0, 0, SYNC_FILE_RANGE_WRITE);
	}
	/* A whole clone of a source that is longer. */
	if (r == 0)
		r = set_size(to, size);
	/* What became shorter in the meantime must not be taken for a hole. */
	return r == 0 ? check_size(from, size) : r;
}

/* Is this a small one without holes, as most are? What was allocated and never written is one too. */
static bool is_small(int from, const struct stat *st, uint64_t size)
{
	return size <= SMALL && (uint64_t)st->st_blocks * 512 >= size &&
	       lseek(from, 0, SEEK_HOLE) >= (off_t)size;
}

static int copy_small(int from, int to, uint64_t size)
{
	char data[SMALL], copy[SMALL];
	int r = read_at(from, data, (size_t)size, 0);

	if (r == 0)
		r = write_at(to, data, (size_t)size, 0);
	if (r == 0)
		r = read_at(to, copy, (size_t)size, 0);
	return r < 0 ? r : memcmp(data, copy, (size_t)size) == 0 ? 0 : -EIO;
}

int ovl_write_copy_new(int from, int to, uint64_t size)
{
	struct copy c = { .from = from, .to = to };
	struct stat st;
	int r = 0;

	if (size == 0)
		return 0;
	if (fstat(from, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size < size)
		return -EIO;
	/* A clone of one block costs more than the block. */
	if (size > TINY && ioctl(to, FICLONE, from) == 0)
		return (uint64_t)st.st_size == size ? check_size(from, size) : set_size(to, size);
	if (is_small(from, &st, size))
		return copy_small(from, to, size);
	r = copy_data(&c, size);
	free(c.buffer);
	if (r == 0)
		r = set_size(to, size);
	if (r == 0)
		r = check_copy(from, to, size);
	/* What became shorter in the meantime must not be taken for a hole. */
	return r == 0 ? check_size(from, size) : r;
}

/* Compares @len bytes of both. */
static int same_bytes(int a, int b, char *buffer, uint64_t at, uint64_t len)
{
	char *other = buffer + BUFFER;
	int r = 1;

	while (r == 1 && len > 0) {
		size_t n = len < BUFFER ? (size_t)len : (size_t)BUFFER;

		r = read_at(a, buffer, n, at);
		if (r == 0)
			r = read_at(b, other, n, at);
		if (r < 0)
			return r;
		r = memcmp(buffer, other, n) == 0;
		at += n;
		len -= n;
	}
	return r;
}

int ovl_write_same(int a, int b)
{
	_cleanup_free_ char *buffer = NULL;
	uint64_t at = 0, size, a_from, a_to, b_from, b_to;
	struct stat sa, sb;
	int r, more_a, more_b;

	if (fstat(a, &sa) < 0 || fstat(b, &sb) < 0)
		return -errno;
	if (sa.st_size != sb.st_size)
		return 0;
	size = (uint64_t)sa.st_size;
	buffer = malloc((size_t)BUFFER * 2);
	if (!buffer)
		return -ENOMEM;
	/* Where both have a hole, they are the same. */
	while (at < size) {
		more_a = next_data(a, at, size, &a_from, &a_to);
		more_b = next_data(b, at, size, &b_from, &b_to);
		if (more_a < 0 || more_b < 0)
			return more_a < 0 ? more_a : more_b;
		if (!more_a && !more_b)
			break;
		if (!more_a || (more_b && b_from < a_from)) {
			a_from = b_from;
			a_to = b_to;
		}
		r = same_bytes(a, b, buffer, a_from, a_to - a_from);
		if (r <= 0)
			return r;
		at = a_to;
	}
	return 1;
}
