/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/reader_fault.h"

#include <stdio.h>
#include <string.h>

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Counts the call; returns 0 if it shall be made, else the errno that it fails with. */
static int strike(struct reader_fault *f, enum reader_call call, const char *name)
{
	uint64_t n;

	__atomic_add_fetch(&f->n_call[call], 1, __ATOMIC_RELAXED);
	if ((f->calls && !(f->calls & (1u << call))) ||
	    (f->name && strcmp(f->name, last_name(name)) != 0))
		return 0;
	n = __atomic_add_fetch(&f->n_matching, 1, __ATOMIC_RELAXED);
	if (f->err == 0 || (f->nth && n != f->nth))
		return 0;
	/* With one call that fails nobody else writes here; with several the last one wins. */
	if (__atomic_add_fetch(&f->n_failed, 1, __ATOMIC_RELAXED) == 1 && f->nth) {
		f->failed_call = call;
		snprintf(f->failed_name, sizeof(f->failed_name), "%s", name);
	}
	return f->err;
}

static struct reader_fault *of(struct ovl_reader *r)
{
	return (struct reader_fault *)r;
}

static int opened(struct reader_fault *f, int r)
{
	if (r == 0)
		__atomic_add_fetch(&f->n_open, 1, __ATOMIC_RELAXED);
	return r;
}

static int fault_open_dir(struct ovl_reader *r, int dir, const char *path, int *ret_dir)
{
	struct reader_fault *f = of(r);
	int err = strike(f, READER_OPEN_DIR, path);

	return err ? err : opened(f, f->real->ops->open_dir(f->real, dir, path, ret_dir));
}

static void fault_close(struct ovl_reader *r, int fd)
{
	struct reader_fault *f = of(r);

	if (fd >= 0)
		__atomic_sub_fetch(&f->n_open, 1, __ATOMIC_RELAXED);
	f->real->ops->close(f->real, fd);
}

static void fault_enter(struct ovl_reader *r, int dir)
{
	struct reader_fault *f = of(r);

	if (f->real->ops->enter)
		f->real->ops->enter(f->real, dir);
}

static void fault_leave(struct ovl_reader *r, int dir)
{
	struct reader_fault *f = of(r);

	if (f->real->ops->leave)
		f->real->ops->leave(f->real, dir);
}

static int fault_read_dir(struct ovl_reader *r, int dir, struct ovl_dirstream *s,
			  struct ovl_dirent *ret)
{
	struct reader_fault *f = of(r);
	int err = strike(f, READER_READ_DIR, "");

	if (err == 0)
		err = f->real->ops->read_dir(f->real, dir, s, ret);
	if (err > 0 && f->no_types)
		ret->type = OVL_DT_UNKNOWN;
	return err;
}

static int fault_stat(struct ovl_reader *r, int dir, const char *name, struct ovl_stat *ret)
{
	struct reader_fault *f = of(r);
	int err = strike(f, READER_STAT, name);

	return err ? err : f->real->ops->stat(f->real, dir, name, ret);
}

static int fault_list_xattrs(struct ovl_reader *r, int dir, const char *name, struct ovl_buf *buf)
{
	struct reader_fault *f = of(r);
	int err = strike(f, READER_LIST_XATTRS, name);

	return err ? err : f->real->ops->list_xattrs(f->real, dir, name, buf);
}

static int fault_get_xattr(struct ovl_reader *r, int dir, const char *name, const char *xattr,
			   struct ovl_buf *buf)
{
	struct reader_fault *f = of(r);
	int err = strike(f, READER_GET_XATTR, name);

	return err ? err : f->real->ops->get_xattr(f->real, dir, name, xattr, buf);
}

static int fault_read_link(struct ovl_reader *r, int dir, const char *name, struct ovl_buf *buf)
{
	struct reader_fault *f = of(r);
	int err = strike(f, READER_READ_LINK, name);

	return err ? err : f->real->ops->read_link(f->real, dir, name, buf);
}

static int fault_open_file(struct ovl_reader *r, int dir, const char *name, uint64_t dev,
			   uint64_t ino, int *ret_fd)
{
	struct reader_fault *f = of(r);
	int err = strike(f, READER_OPEN_FILE, name);

	return err ? err : opened(f, f->real->ops->open_file(f->real, dir, name, dev, ino, ret_fd));
}

static int64_t fault_pread(struct ovl_reader *r, int fd, void *buf, size_t len, uint64_t offset)
{
	struct reader_fault *f = of(r);
	int err = strike(f, READER_PREAD, "");

	return err ? err : f->real->ops->pread(f->real, fd, buf, len, offset);
}

static int fault_seek_data(struct ovl_reader *r, int fd, uint64_t offset, uint64_t *ret)
{
	struct reader_fault *f = of(r);
	int err = strike(f, READER_SEEK_DATA, "");

	return err ? err : f->real->ops->seek_data(f->real, fd, offset, ret);
}

static int fault_encode(struct ovl_reader *r, int dir, const char *name, struct ovl_fid *ret)
{
	struct reader_fault *f = of(r);
	int err = strike(f, READER_ENCODE, name);

	return err ? err : f->real->ops->encode(f->real, dir, name, ret);
}

static int fault_decode(struct ovl_reader *r, int dir, const struct ovl_fid *fid,
			struct ovl_stat *ret_stat, int *ret_fd)
{
	struct reader_fault *f = of(r);
	int err = strike(f, READER_DECODE, "");

	if (err == 0)
		err = f->real->ops->decode(f->real, dir, fid, ret_stat, ret_fd);
	return err == 0 && ret_fd ? opened(f, 0) : err;
}

static int fault_measure_verity(struct ovl_reader *r, int fd, uint8_t *ret_algo,
				unsigned char ret_digest[64], unsigned *ret_len)
{
	struct reader_fault *f = of(r);
	int err = strike(f, READER_MEASURE_VERITY, "");

	return err ? err : f->real->ops->measure_verity(f->real, fd, ret_algo, ret_digest, ret_len);
}

static int fault_thread_start(struct ovl_reader *r)
{
	struct reader_fault *f = of(r);
	int err = strike(f, READER_THREAD_START, "");

	if (err == 0 && f->real->ops->thread_start)
		err = f->real->ops->thread_start(f->real);
	if (err == 0)
		__atomic_add_fetch(&f->n_threads, 1, __ATOMIC_RELAXED);
	return err;
}

static void fault_thread_stop(struct ovl_reader *r)
{
	struct reader_fault *f = of(r);

	__atomic_sub_fetch(&f->n_threads, 1, __ATOMIC_RELAXED);
	if (f->real->ops->thread_stop)
		f->real->ops->thread_stop(f->real);
}

void reader_fault_init(struct reader_fault *f, struct ovl_reader *real)
{
	static const struct ovl_reader_ops ops = {
		.open_dir = fault_open_dir,
		.close = fault_close,
		.enter = fault_enter,
		.leave = fault_leave,
		.read_dir = fault_read_dir,
		.stat = fault_stat,
		.list_xattrs = fault_list_xattrs,
		.get_xattr = fault_get_xattr,
		.read_link = fault_read_link,
		.open_file = fault_open_file,
		.pread = fault_pread,
		.seek_data = fault_seek_data,
		.encode = fault_encode,
		.decode = fault_decode,
		.measure_verity = fault_measure_verity,
		.thread_start = fault_thread_start,
		.thread_stop = fault_thread_stop,
	};

	*f = (struct reader_fault){ .reader = { &ops }, .real = real };
}

void reader_fault_rearm(struct reader_fault *f, uint64_t nth, int err)
{
	f->nth = nth;
	f->err = err;
	f->n_matching = f->n_failed = 0;
	memset(f->n_call, 0, sizeof(f->n_call));
	f->failed_call = READER__MAX;
	f->failed_name[0] = '\0';
}

const char *reader_fault_call_name(unsigned call)
{
	static const char *const names[READER__MAX] = {
		[READER_OPEN_DIR] = "open_dir",
		[READER_READ_DIR] = "read_dir",
		[READER_STAT] = "stat",
		[READER_LIST_XATTRS] = "list_xattrs",
		[READER_GET_XATTR] = "get_xattr",
		[READER_READ_LINK] = "read_link",
		[READER_OPEN_FILE] = "open_file",
		[READER_PREAD] = "pread",
		[READER_SEEK_DATA] = "seek_data",
		[READER_ENCODE] = "encode",
		[READER_DECODE] = "decode",
		[READER_MEASURE_VERITY] = "measure_verity",
		[READER_THREAD_START] = "thread_start",
	};

	return call < READER__MAX ? names[call] : "nothing";
}
