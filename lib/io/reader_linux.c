/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader of the real world: Linux system calls, none of which writes. See reader.h.
 *
 * An xattr of an object that is named by directory and name can be read in three ways: by the bare
 * name in a thread whose working directory is that directory (the fastest, and what a walk does),
 * by the *xattrat() calls of Linux 6.13, or through an O_PATH descriptor and /proc/self/fd.
 */
#include "io/reader.h"

#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <linux/fsverity.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "io/beneath.h"

#include "base/banned.h"

#ifndef SYS_getxattrat
#define SYS_getxattrat 464 /* the same on every architecture but alpha */
#define SYS_listxattrat 465
#endif

/* struct xattr_args of linux/xattr.h, which came with getxattrat() */
struct xattrat_args {
	_Alignas(8) uint64_t value;
	uint32_t size;
	uint32_t flags;
};

enum {
	/* The kernel allocates as much as it is offered, so the first offer is small. */
	FIRST_LIST = 1024,
	FIRST_VALUE = 256,
	LARGEST_XATTR = 65536, /* XATTR_LIST_MAX and XATTR_SIZE_MAX */
};

struct linux_reader {
	struct ovl_reader reader;
	atomic_bool no_xattrat; /* the kernel does not have *xattrat() */
};

/*
 * Where this thread stands. The working directory belongs to a thread only between thread_start()
 * and thread_stop(), after unshare(CLONE_FS); before and after nothing here touches it.
 */
static _Thread_local struct {
	bool own;    /* fchdir() moves nobody but this thread */
	int home;    /* the working directory to go back to */
	int entered; /* the directory that enter() went to, or -1 */
} here = { false, -1, -1 };

static int linux_open_dir(struct ovl_reader *r, int dir, const char *path, int *ret_dir)
{
	(void)r;
	return ovl_beneath_open_dir(dir, path, ret_dir);
}

static void linux_close(struct ovl_reader *r, int fd)
{
	(void)r;
	/* The number may come back for another directory. */
	if (fd == here.entered)
		here.entered = -1;
	if (fd >= 0)
		close(fd);
}

static void linux_enter(struct ovl_reader *r, int dir)
{
	(void)r;
	if (here.own && dir != here.entered)
		here.entered = fchdir(dir) == 0 ? dir : -1;
}

static void linux_leave(struct ovl_reader *r, int dir)
{
	(void)r;
	(void)dir;
	here.entered = -1;
}

static int linux_thread_start(struct ovl_reader *r)
{
	(void)r;
	if (here.own)
		return 0;
	/* Where one of these fails the thread stays where it is and does without enter(). */
	here.home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (here.home < 0)
		return 0;
	if (unshare(CLONE_FS) < 0) {
		close(here.home);
		here.home = -1;
		return 0;
	}
	here.own = true;
	here.entered = -1;
	return 0;
}

static void linux_thread_stop(struct ovl_reader *r)
{
	int failed;

	(void)r;
	if (!here.own)
		return;
	/* It was our working directory before; should it have become closed to us, "/" will do. */
	failed = fchdir(here.home) < 0 && chdir("/") < 0;
	(void)failed;
	close(here.home);
	here.own = false;
	here.home = -1;
	here.entered = -1;
}

/* struct linux_dirent64: the kernel's record, which no header of libc describes for getdents64 */
enum { DIRENT_RECLEN = 16, DIRENT_TYPE = 18, DIRENT_NAME = 19 };

static enum ovl_dtype dtype_of(unsigned char type)
{
	switch (type) {
	case 4: /* DT_DIR and so on */
		return OVL_DT_DIR;
	case 8:
		return OVL_DT_REG;
	case 10:
		return OVL_DT_LNK;
	case 2:
		return OVL_DT_CHR;
	case 1: /* fifo, block device, socket */
	case 6:
	case 12:
		return OVL_DT_OTHER;
	default:
		return OVL_DT_UNKNOWN;
	}
}

static int fill(int dir, struct ovl_dirstream *s)
{
	long n;

	/* A descriptor may have been read before; a stream begins at the beginning. */
	if (s->end == 0 && lseek(dir, 0, SEEK_SET) < 0)
		return -errno;
	do
		n = syscall(SYS_getdents64, dir, s->buf, s->room);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return 0;
	s->pos = 0;
	s->end = (size_t)n;
	return 1;
}

static int linux_read_dir(struct ovl_reader *reader, int dir, struct ovl_dirstream *s,
			  struct ovl_dirent *ret)
{
	const unsigned char *record;
	const char *name;
	uint16_t reclen;
	int r;

	(void)reader;
	do {
		if (s->pos >= s->end) {
			r = fill(dir, s);
			if (r <= 0)
				return r;
		}
		record = s->buf + s->pos;
		memcpy(&reclen, record + DIRENT_RECLEN, sizeof(reclen));
		if (reclen <= DIRENT_NAME || reclen > s->end - s->pos)
			return -EIO;
		s->pos += reclen;
		name = (const char *)record + DIRENT_NAME;
	} while (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0')));

	memcpy(&ret->ino, record, sizeof(ret->ino));
	ret->name = name;
	ret->len = strnlen(name, reclen - (size_t)DIRENT_NAME);
	ret->type = dtype_of(record[DIRENT_TYPE]);
	return 1;
}

static int stat_at(int dir, const char *name, struct ovl_stat *ret)
{
	const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_SYNC_AS_STAT;
	struct statx stx;

	if (statx(dir, name, flags | (*name ? 0 : AT_EMPTY_PATH), STATX_BASIC_STATS, &stx) < 0)
		return -errno;
	/* Only where the root of the layer could not be cloned; what is mounted is no part of it. */
	if (*name && (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return -EXDEV;
	*ret = (struct ovl_stat){
		.dev = makedev(stx.stx_dev_major, stx.stx_dev_minor),
		.ino = stx.stx_ino,
		.nlink = stx.stx_nlink,
		.size = stx.stx_size,
		.blocks = stx.stx_blocks,
		.rdev = makedev(stx.stx_rdev_major, stx.stx_rdev_minor),
		.mode = stx.stx_mode,
		.uid = stx.stx_uid,
		.gid = stx.stx_gid,
		.mtime_sec = stx.stx_mtime.tv_sec,
		.mtime_nsec = stx.stx_mtime.tv_nsec,
	};
	return 0;
}

static int linux_stat(struct ovl_reader *r, int dir, const char *name, struct ovl_stat *ret)
{
	(void)r;
	return stat_at(dir, name, ret);
}

/* Through /proc/self/fd, on kernels before 6.13. @xattr NULL asks for the list. */
static ssize_t xattr_by_link(int dir, const char *name, const char *xattr, void *buf, size_t size)
{
	char link[sizeof("/proc/self/fd/") + 12];
	_cleanup_close_ int fd = -EBADF;
	ssize_t n;

	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = xattr ? getxattr(link, xattr, buf, size) : listxattr(link, buf, size);
	/* The object is held open, so it is /proc that is missing. */
	if (n < 0 && (errno == ENOENT || errno == ENOTDIR))
		errno = ENOSYS;
	return n;
}

static ssize_t xattr_by_syscall(int dir, const char *name, const char *xattr, void *buf,
				size_t size)
{
	struct xattrat_args args = { .value = (uintptr_t)buf, .size = (uint32_t)size };

	if (xattr)
		return syscall(SYS_getxattrat, dir, name, AT_SYMLINK_NOFOLLOW, xattr, &args,
			       sizeof(args));
	return syscall(SYS_listxattrat, dir, name, AT_SYMLINK_NOFOLLOW, buf, size);
}

/* One system call in the fast case. Returns what it returned, -1 and errno. */
static ssize_t xattr_once(struct ovl_reader *r, int dir, const char *name, const char *xattr,
			  void *buf, size_t size)
{
	struct linux_reader *reader = (struct linux_reader *)r;
	ssize_t n;

	if (*name == '\0')
		return xattr ? fgetxattr(dir, xattr, buf, size) : flistxattr(dir, buf, size);
	if (dir == here.entered)
		return xattr ? lgetxattr(name, xattr, buf, size) : llistxattr(name, buf, size);
	if (!atomic_load_explicit(&reader->no_xattrat, memory_order_relaxed)) {
		n = xattr_by_syscall(dir, name, xattr, buf, size);
		if (n >= 0)
			return n;
		if (errno == ENOSYS)
			atomic_store_explicit(&reader->no_xattrat, true, memory_order_relaxed);
		/* EPERM: some sandboxes say so to system calls that they have not heard of */
		else if (errno != EPERM)
			return n;
	}
	return xattr_by_link(dir, name, xattr, buf, size);
}

/* Once with a small buffer, which nearly always does, and then with the largest there can be. */
static int read_xattr(struct ovl_reader *reader, int dir, const char *name, const char *xattr,
		      size_t size, struct ovl_buf *buf)
{
	ssize_t n;
	int r;

	for (;;) {
		ovl_buf_clear(buf);
		r = ovl_buf_reserve(buf, size);
		if (r < 0)
			return r;
		n = xattr_once(reader, dir, name, xattr, buf->data, size);
		if (n >= 0)
			break;
		r = -errno;
		buf->data[0] = '\0'; /* whatever the kernel may have left there */
		if (r != -ERANGE || size == LARGEST_XATTR)
			return r;
		size = LARGEST_XATTR;
	}
	buf->len = (size_t)n;
	buf->data[n] = '\0';
	return 0;
}

static int linux_list_xattrs(struct ovl_reader *reader, int dir, const char *name,
			     struct ovl_buf *buf)
{
	int r;

	r = read_xattr(reader, dir, name, NULL, FIRST_LIST, buf);
	/* A file system without xattrs: there are none, which is all that was asked. */
	if (r == -EOPNOTSUPP) {
		ovl_buf_clear(buf);
		return 0;
	}
	return r;
}

static int linux_get_xattr(struct ovl_reader *reader, int dir, const char *name, const char *xattr,
			   struct ovl_buf *buf)
{
	return read_xattr(reader, dir, name, xattr, FIRST_VALUE, buf);
}

static int linux_read_link(struct ovl_reader *r, int dir, const char *name, struct ovl_buf *buf)
{
	ssize_t n;
	int err;

	(void)r;
	ovl_buf_clear(buf);
	err = ovl_buf_reserve(buf, PATH_MAX); /* no symlink is longer */
	if (err < 0)
		return err;
	n = readlinkat(dir, name, buf->data, PATH_MAX);
	buf->len = n > 0 ? (size_t)n : 0;
	buf->data[buf->len] = '\0';
	return n < 0 ? -errno : 0;
}

static int linux_open_file(struct ovl_reader *r, int dir, const char *name, uint64_t dev,
			   uint64_t ino, int *ret_fd)
{
	(void)r;
	return ovl_beneath_open_file(dir, name, dev, ino, ret_fd);
}

static int64_t linux_pread(struct ovl_reader *r, int fd, void *buf, size_t len, uint64_t offset)
{
	ssize_t n;

	(void)r;
	if (offset > INT64_MAX)
		return -EINVAL;
	do
		n = pread(fd, buf, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int linux_seek_data(struct ovl_reader *r, int fd, uint64_t offset, uint64_t *ret)
{
	off_t at;

	(void)r;
	if (offset > INT64_MAX)
		return -ENXIO;
	at = lseek(fd, (off_t)offset, SEEK_DATA);
	if (at < 0)
		return -errno;
	*ret = (uint64_t)at;
	return 0;
}

/* struct file_handle with room for the largest handle */
union handle {
	struct file_handle h;
	unsigned char room[sizeof(struct file_handle) + sizeof(((struct ovl_fid *)0)->data)];
};

static int linux_encode(struct ovl_reader *r, int dir, const char *name, struct ovl_fid *ret)
{
	union handle u;
	int mount;

	(void)r;
	memset(&u, 0, sizeof(u));
	u.h.handle_bytes = sizeof(ret->data);
	if (name_to_handle_at(dir, name, &u.h, &mount, *name ? 0 : AT_EMPTY_PATH) < 0)
		/* EOVERFLOW: the file system could not make one, however much room it had */
		return errno == EOVERFLOW ? -EOPNOTSUPP : -errno;
	ret->type = u.h.handle_type;
	ret->len = u.h.handle_bytes;
	memcpy(ret->data, u.h.f_handle, ret->len);
	return 0;
}

static int linux_decode(struct ovl_reader *r, int dir, const struct ovl_fid *fid,
			struct ovl_stat *ret_stat, int *ret_fd)
{
	_cleanup_close_ int fd = -EBADF;
	struct ovl_stat st;
	union handle u;
	int err;

	(void)r;
	if (fid->len > sizeof(fid->data))
		return -ESTALE;
	memset(&u, 0, sizeof(u));
	u.h.handle_bytes = fid->len;
	u.h.handle_type = fid->type;
	memcpy(u.h.f_handle, fid->data, fid->len);
	/* O_PATH opens nothing, whatever the handle names. */
	fd = open_by_handle_at(dir, &u.h, O_PATH | O_CLOEXEC);
	if (fd < 0)
		/* EINVAL: a length or a type that no handle has */
		return errno == EINVAL || errno == ENOENT ? -ESTALE : -errno;
	err = stat_at(fd, "", &st);
	if (err < 0)
		return err;
	*ret_stat = st;
	if (ret_fd)
		*ret_fd = TAKE_FD(fd);
	return 0;
}

static int linux_measure_verity(struct ovl_reader *r, int fd, uint8_t *ret_algo,
				unsigned char ret_digest[64], unsigned *ret_len)
{
	union {
		struct fsverity_digest d;
		unsigned char room[sizeof(struct fsverity_digest) + 64];
	} u;

	(void)r;
	memset(&u, 0, sizeof(u));
	u.d.digest_size = 64;
	if (ioctl(fd, FS_IOC_MEASURE_VERITY, &u.d) < 0)
		return -errno;
	if (u.d.digest_size > 64 || u.d.digest_algorithm > UINT8_MAX)
		return -EOVERFLOW;
	*ret_algo = (uint8_t)u.d.digest_algorithm;
	*ret_len = u.d.digest_size;
	memcpy(ret_digest, u.d.digest, u.d.digest_size);
	return 0;
}

struct ovl_reader *ovl_reader_linux(void)
{
	static const struct ovl_reader_ops ops = {
		.open_dir = linux_open_dir,
		.close = linux_close,
		.enter = linux_enter,
		.leave = linux_leave,
		.read_dir = linux_read_dir,
		.stat = linux_stat,
		.list_xattrs = linux_list_xattrs,
		.get_xattr = linux_get_xattr,
		.read_link = linux_read_link,
		.open_file = linux_open_file,
		.pread = linux_pread,
		.seek_data = linux_seek_data,
		.encode = linux_encode,
		.decode = linux_decode,
		.measure_verity = linux_measure_verity,
		.thread_start = linux_thread_start,
		.thread_stop = linux_thread_stop,
	};
	static struct linux_reader linux_reader = { .reader = { &ops } };

	return &linux_reader.reader;
}
