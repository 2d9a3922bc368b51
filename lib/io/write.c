/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls that change something. See write.h.
 */
#include "io/write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "io/mountid.h"

#include "base/banned.h"

/* Not in the headers of Debian 12: Linux 6.13 */
enum { NR_SETXATTRAT = 463, NR_REMOVEXATTRAT = 466 };

/** The argument of setxattrat(). */
struct xattr_args_ {
	uint64_t value __attribute__((aligned(8)));
	uint32_t size;
	uint32_t flags;
};

/** A path that leads to an object that is held, whatever its type, and no further. */
struct link_path {
	char text[sizeof("/proc/self/fd/") + 12];
};

static struct link_path path_of(int object)
{
	struct link_path p;

	snprintf(p.text, sizeof(p.text), "/proc/self/fd/%d", object);
	return p;
}

static void to_stat(const struct stat *st, struct ovl_stat *ret)
{
	*ret = (struct ovl_stat){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.nlink = st->st_nlink,
		.size = (uint64_t)st->st_size,
		.blocks = (uint64_t)st->st_blocks,
		.rdev = st->st_rdev,
		.mode = st->st_mode,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mtime_sec = st->st_mtim.tv_sec,
		.mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
	};
}

int ovl_write_hold(int dir, const char *name, int *ret_object, struct ovl_stat *ret_stat)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat st;
	int r;

	fd = openat(dir, *name ? name : ".", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	r = ovl_mountid_same(dir, fd);
	if (r <= 0)
		return r < 0 ? r : -EXDEV;
	if (ret_stat)
		to_stat(&st, ret_stat);
	*ret_object = TAKE_FD(fd);
	return 0;
}

int ovl_write_times(int object, struct ovl_times *ret)
{
	struct stat st;

	if (fstat(object, &st) < 0)
		return -errno;
	*ret = (struct ovl_times){ st.st_atim, st.st_mtim };
	return 0;
}

int ovl_write_read_link(int object, char **ret)
{
	char target[PATH_MAX]; /* no symlink is longer */
	ssize_t len = readlinkat(object, "", target, sizeof(target));

	if (len < 0)
		return -errno;
	if (len == sizeof(target))
		return -ENAMETOOLONG;
	*ret = strndup(target, (size_t)len);
	return *ret ? 0 : -ENOMEM;
}

int ovl_write_set_xattr(int object, const char *xattr, struct ovl_bytes value)
{
	struct xattr_args_ args = { (uint64_t)(uintptr_t)value.data, (uint32_t)value.len, 0 };

	if (setxattr(path_of(object).text, xattr, value.data, value.len, 0) == 0)
		return 0;
	if (errno != ENOENT) /* without /proc the path leads nowhere */
		return -errno;
	return syscall(NR_SETXATTRAT, object, "", AT_EMPTY_PATH, xattr, &args, sizeof(args)) < 0 ?
		       -errno :
		       0;
}

int ovl_write_remove_xattr(int object, const char *xattr)
{
	if (removexattr(path_of(object).text, xattr) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	return syscall(NR_REMOVEXATTRAT, object, "", AT_EMPTY_PATH, xattr) < 0 ? -errno : 0;
}

int ovl_write_set_times(int object, const struct ovl_times *times)
{
	const struct timespec t[2] = { times->access, times->modify };

	if (utimensat(object, "", t, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != EINVAL) /* before Linux 5.8 */
		return -errno;
	return utimensat(AT_FDCWD, path_of(object).text, t, 0) < 0 ? -errno : 0;
}

int ovl_write_set_owner(int object, uint32_t uid, uint32_t gid)
{
	return fchownat(object, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int ovl_write_set_mode(int object, uint32_t mode)
{
	struct stat st;

	if (fstat(object, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -EOPNOTSUPP;
	return chmod(path_of(object).text, mode & 07777) < 0 ? -errno : 0;
}

int ovl_write_open(int object, int *ret_fd)
{
	struct stat st;
	int fd;

	if (fstat(object, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESTALE;
	fd = open(path_of(object).text, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOATIME);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int ovl_write_link(int object, int dir, const char *name)
{
	if (linkat(object, "", dir, name, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOENT) /* without CAP_DAC_READ_SEARCH */
		return -errno;
	return linkat(AT_FDCWD, path_of(object).text, dir, name, AT_SYMLINK_FOLLOW) < 0 ? -errno :
											  0;
}

int ovl_write_rename(int from_dir, const char *from, int to_dir, const char *to)
{
	return renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

int ovl_write_make_node(int dir, const char *name, uint32_t mode, uint64_t rdev)
{
	return mknodat(dir, name, mode, rdev) < 0 ? -errno : 0;
}

int ovl_write_make_dir(int dir, const char *name, uint32_t mode)
{
	return mkdirat(dir, name, mode) < 0 ? -errno : 0;
}

int ovl_write_make_symlink(int dir, const char *name, const char *target)
{
	return symlinkat(target, dir, name) < 0 ? -errno : 0;
}

int ovl_write_make_file(int dir, const char *name, int *ret_fd)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int ovl_write_remove(int dir, const char *name)
{
	return unlinkat(dir, name, 0) < 0 ? -errno : 0;
}

int ovl_write_remove_dir(int dir, const char *name)
{
	return unlinkat(dir, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int ovl_write_append(int fd, const void *data, size_t len)
{
	const char *p = data;

	/* A descriptor that was opened anew stands at the beginning. */
	if (lseek(fd, 0, SEEK_END) < 0)
		return -errno;
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int ovl_write_truncate(int fd, uint64_t size)
{
	int r;

	do
		r = ftruncate(fd, (off_t)size);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int ovl_write_punch(int fd)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return 0;
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, st.st_size) == 0)
		return 0;
	r = ovl_write_truncate(fd, 0);
	return r < 0 ? r : ovl_write_truncate(fd, (uint64_t)st.st_size);
}

int ovl_write_sync(int fd)
{
	int r;

	do
		r = fsync(fd);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int ovl_write_sync_fs(int fd)
{
	_cleanup_close_ int open_fd = -EBADF;
	int r = 0;

	/* syncfs() does not take an O_PATH descriptor. */
	open_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOATIME);
	if (open_fd < 0)
		return -errno;
	do
		r = syncfs(open_fd);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int ovl_write_lock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}
