/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hand questions on and remember failures. See witness.h.
 *
 * Not every error is a failure: that something is not there, is a symlink, or is a mount point are
 * answers. Each function below says which ones.
 */
#include "io/witness.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"

#include "base/banned.h"

static struct ovl_reader *real_of(struct ovl_reader *r)
{
	return ((struct ovl_witness *)r)->real;
}

static void remember(struct ovl_reader *r, const char *what, const char *name, int err)
{
	struct ovl_witness *w = (struct ovl_witness *)r;
	size_t len = strnlen(name, sizeof(w->name) - 1);

	pthread_mutex_lock(&w->lock);
	if (w->failures++ == 0) {
		w->err = err;
		w->what = what;
		memcpy(w->name, name, len);
		w->name[len] = '\0';
	}
	pthread_mutex_unlock(&w->lock);
}

/* Returns @err, having remembered it unless it is one of the answers: positive numbers, then 0. */
static int judge(struct ovl_reader *r, const char *what, const char *name, int err, ...)
{
	va_list answers;
	int answer;

	if (err >= 0)
		return err;
	va_start(answers, err);
	do
		answer = va_arg(answers, int);
	while (answer && answer != -err);
	va_end(answers);
	if (!answer)
		remember(r, what, name, err);
	return err;
}

static int witness_open_dir(struct ovl_reader *r, int dir, const char *path, int *ret_dir)
{
	int err = real_of(r)->ops->open_dir(real_of(r), dir, path, ret_dir);

	return judge(r, "open directory", path, err, ENOENT, ENOTDIR, ELOOP, EXDEV, ENAMETOOLONG,
		     0);
}

static void witness_close(struct ovl_reader *r, int fd)
{
	real_of(r)->ops->close(real_of(r), fd);
}

static void witness_enter(struct ovl_reader *r, int dir)
{
	if (real_of(r)->ops->enter)
		real_of(r)->ops->enter(real_of(r), dir);
}

static void witness_leave(struct ovl_reader *r, int dir)
{
	if (real_of(r)->ops->leave)
		real_of(r)->ops->leave(real_of(r), dir);
}

static int witness_read_dir(struct ovl_reader *r, int dir, struct ovl_dirstream *s,
			    struct ovl_dirent *ret)
{
	int err = real_of(r)->ops->read_dir(real_of(r), dir, s, ret);

	/* ENOENT: the directory was removed, so there is nothing in it */
	return judge(r, "read directory", "", err, ENOENT, 0);
}

static int witness_stat(struct ovl_reader *r, int dir, const char *name, struct ovl_stat *ret)
{
	int err = real_of(r)->ops->stat(real_of(r), dir, name, ret);

	return judge(r, "stat", name, err, ENOENT, ENAMETOOLONG, EXDEV, 0);
}

static int witness_list_xattrs(struct ovl_reader *r, int dir, const char *name, struct ovl_buf *buf)
{
	int err = real_of(r)->ops->list_xattrs(real_of(r), dir, name, buf);

	return judge(r, "list xattrs", name, err, ENOENT, EOPNOTSUPP, 0);
}

static int witness_get_xattr(struct ovl_reader *r, int dir, const char *name, const char *xattr,
			     struct ovl_buf *buf)
{
	int err = real_of(r)->ops->get_xattr(real_of(r), dir, name, xattr, buf);

	return judge(r, "read xattr", name, err, ENOENT, ENODATA, EOPNOTSUPP, 0);
}

static int witness_read_link(struct ovl_reader *r, int dir, const char *name, struct ovl_buf *buf)
{
	int err = real_of(r)->ops->read_link(real_of(r), dir, name, buf);

	return judge(r, "read link", name, err, ENOENT, 0);
}

static int witness_open_file(struct ovl_reader *r, int dir, const char *name, uint64_t dev,
			     uint64_t ino, int *ret_fd)
{
	int err = real_of(r)->ops->open_file(real_of(r), dir, name, dev, ino, ret_fd);

	return judge(r, "open", name, err, ENOENT, 0);
}

static int64_t witness_pread(struct ovl_reader *r, int fd, void *buf, size_t len, uint64_t offset)
{
	int64_t n = real_of(r)->ops->pread(real_of(r), fd, buf, len, offset);

	if (n < 0)
		remember(r, "read", "", (int)n);
	return n;
}

static int witness_seek_data(struct ovl_reader *r, int fd, uint64_t offset, uint64_t *ret)
{
	int err = real_of(r)->ops->seek_data(real_of(r), fd, offset, ret);

	return judge(r, "seek", "", err, ENXIO, EINVAL, EOPNOTSUPP, ENOSYS, 0);
}

static int witness_encode(struct ovl_reader *r, int dir, const char *name, struct ovl_fid *ret)
{
	int err = real_of(r)->ops->encode(real_of(r), dir, name, ret);

	return judge(r, "make handle", name, err, ENOENT, EOPNOTSUPP, EPERM, 0);
}

static int witness_decode(struct ovl_reader *r, int dir, const struct ovl_fid *fid,
			  struct ovl_stat *ret_stat, int *ret_fd)
{
	int err = real_of(r)->ops->decode(real_of(r), dir, fid, ret_stat, ret_fd);

	/* EPERM: without CAP_DAC_READ_SEARCH nobody may ask, and origins are not judged */
	return judge(r, "open by handle", "", err, ESTALE, EOPNOTSUPP, EINVAL, EPERM, ENOSYS, 0);
}

static int witness_measure_verity(struct ovl_reader *r, int fd, uint8_t *ret_algo,
				  unsigned char ret_digest[64], unsigned *ret_len)
{
	int err = real_of(r)->ops->measure_verity(real_of(r), fd, ret_algo, ret_digest, ret_len);

	return judge(r, "measure verity", "", err, ENODATA, ENOTTY, EOPNOTSUPP, EOVERFLOW, 0);
}

static int witness_thread_start(struct ovl_reader *r)
{
	return real_of(r)->ops->thread_start ? real_of(r)->ops->thread_start(real_of(r)) : 0;
}

static void witness_thread_stop(struct ovl_reader *r)
{
	if (real_of(r)->ops->thread_stop)
		real_of(r)->ops->thread_stop(real_of(r));
}

int ovl_witness_init(struct ovl_witness *w, struct ovl_reader *real)
{
	static const struct ovl_reader_ops ops = {
		.open_dir = witness_open_dir,
		.close = witness_close,
		.enter = witness_enter,
		.leave = witness_leave,
		.read_dir = witness_read_dir,
		.stat = witness_stat,
		.list_xattrs = witness_list_xattrs,
		.get_xattr = witness_get_xattr,
		.read_link = witness_read_link,
		.open_file = witness_open_file,
		.pread = witness_pread,
		.seek_data = witness_seek_data,
		.encode = witness_encode,
		.decode = witness_decode,
		.measure_verity = witness_measure_verity,
		.thread_start = witness_thread_start,
		.thread_stop = witness_thread_stop,
	};

	*w = (struct ovl_witness){ .reader = { &ops }, .real = real, .what = "" };
	return -pthread_mutex_init(&w->lock, NULL);
}

void ovl_witness_done(struct ovl_witness *w)
{
	pthread_mutex_destroy(&w->lock);
}
