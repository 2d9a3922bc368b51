/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls that change something. See write.h.
 */
#include "io/write.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "io/beneath.h"
#include "io/reader.h"

#include "base/banned.h"

/** An O_PATH descriptor as a path, for calls that take no such descriptor. */
struct link {
	char path[sizeof("/proc/self/fd/") + 12];
};

static struct link link_of(int object)
{
	struct link l;

	snprintf(l.path, sizeof(l.path), "/proc/self/fd/%d", object);
	return l;
}

/* The object is held open, so it is /proc that is missing. */
static bool no_proc(int err)
{
	return err == ENOENT || err == ENOTDIR;
}

static bool is_name(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* ---- Objects that are held ---- */

int ovl_write_hold(int dir, const char *name, int *ret_object, struct ovl_stat *ret_stat)
{
	_cleanup_close_ int fd = -EBADF;
	struct ovl_reader *reader = ovl_reader_linux();
	struct ovl_stat st;
	int r;

	if (*name && !is_name(name))
		return -EINVAL;
	r = ovl_beneath_hold(dir, name, &fd);
	if (r < 0)
		return r;
	if (ret_stat) {
		r = reader->ops->stat(reader, fd, "", &st);
		if (r < 0)
			return r;
		*ret_stat = st;
	}
	*ret_object = TAKE_FD(fd);
	return 0;
}

enum ovl_frozen ovl_write_frozen(int object)
{
	struct statx stx;

	if (statx(object, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_TYPE, &stx) < 0)
		return OVL_FROZEN_NOT;
	if (stx.stx_attributes & STATX_ATTR_IMMUTABLE)
		return OVL_FROZEN_IMMUTABLE;
	return stx.stx_attributes & STATX_ATTR_APPEND ? OVL_FROZEN_APPEND : OVL_FROZEN_NOT;
}

int ovl_write_times(int object, struct ovl_times *ret)
{
	struct stat st;

	if (fstat(object, &st) < 0)
		return -errno;
	*ret = (struct ovl_times){ st.st_atim, st.st_mtim };
	return 0;
}

/*
 * Without /proc: the xattrs of a directory can be reached in another way, those of others cannot. Even the
 * *xattrat() calls take no O_PATH descriptor.
 */
static int reopen_dir(int object, int *ret_fd)
{
	int fd = openat(object, ".", O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOTDIR ? -EOPNOTSUPP : -errno;
	*ret_fd = fd;
	return 0;
}

static int get_once(int object, const char *xattr, void *buf, size_t size, size_t *ret_len)
{
	_cleanup_close_ int dir = -EBADF;
	ssize_t n = getxattr(link_of(object).path, xattr, buf, size);
	int r;

	if (n < 0 && no_proc(errno)) {
		r = reopen_dir(object, &dir);
		if (r < 0)
			return r;
		n = fgetxattr(dir, xattr, buf, size);
	}
	if (n < 0)
		return -errno;
	*ret_len = (size_t)n;
	return 0;
}

int ovl_write_get_xattr(int object, const char *xattr, struct ovl_buf *ret)
{
	size_t size = 256, len = 0; /* most values are short */
	int r;

	for (;;) {
		ovl_buf_clear(ret);
		r = ovl_buf_reserve(ret, size);
		if (r < 0)
			return r;
		r = get_once(object, xattr, ret->data, size, &len);
		if (r == 0)
			break;
		ret->data[0] = '\0';
		if (r != -ERANGE || size == XATTR_SIZE_MAX)
			return r;
		size = XATTR_SIZE_MAX;
	}
	ret->len = len;
	ret->data[len] = '\0';
	return 0;
}

int ovl_write_set_xattr(int object, const char *xattr, struct ovl_bytes value)
{
	const void *data = value.data ? (const void *)value.data : "";
	_cleanup_close_ int dir = -EBADF;
	int r;

	do
		r = setxattr(link_of(object).path, xattr, data, value.len, 0);
	while (r < 0 && errno == EINTR);
	if (r == 0 || !no_proc(errno))
		return r < 0 ? -errno : 0;
	r = reopen_dir(object, &dir);
	if (r < 0)
		return r;
	return fsetxattr(dir, xattr, data, value.len, 0) < 0 ? -errno : 0;
}

int ovl_write_remove_xattr(int object, const char *xattr)
{
	_cleanup_close_ int dir = -EBADF;
	int r;

	do
		r = removexattr(link_of(object).path, xattr);
	while (r < 0 && errno == EINTR);
	if (r == 0 || !no_proc(errno))
		return r < 0 ? -errno : 0;
	r = reopen_dir(object, &dir);
	if (r < 0)
		return r;
	return fremovexattr(dir, xattr) < 0 ? -errno : 0;
}

int ovl_write_set_times(int object, const struct ovl_times *times)
{
	const struct timespec set[2] = { times->access, times->modify };

	if (utimensat(object, "", set, AT_EMPTY_PATH) == 0)
		return 0;
	/* Before Linux 5.8 there is no AT_EMPTY_PATH. */
	if (errno != EINVAL && errno != ENOENT)
		return -errno;
	return utimensat(AT_FDCWD, link_of(object).path, set, 0) < 0 ? -errno : 0;
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
	/* Some file systems and kernels would do it. */
	if (S_ISLNK(st.st_mode))
		return -EOPNOTSUPP;
	if (chmod(link_of(object).path, mode & 07777) == 0)
		return 0;
	if (!no_proc(errno))
		return -errno;
#ifdef SYS_fchmodat2
	return syscall(SYS_fchmodat2, object, "", mode & 07777, AT_EMPTY_PATH) < 0 ? -errno : 0;
#else
	return -EOPNOTSUPP;
#endif
}

static int open_link(int object, int flags)
{
	int fd;

	do
		fd = open(link_of(object).path, flags);
	while (fd < 0 && errno == EINTR);
	return fd;
}

int ovl_write_open(int object, int *ret_fd)
{
	/* O_NONBLOCK: a lease is not waited for. */
	const int flags = O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct stat st;
	int fd;

	if (fstat(object, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESTALE;
	fd = open_link(object, flags | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = open_link(object, flags);
	if (fd < 0)
		return no_proc(errno) ? -EOPNOTSUPP : -errno;
	*ret_fd = fd;
	return 0;
}

int ovl_write_read_link(int object, char **ret)
{
	char target[PATH_MAX]; /* no symlink is longer */
	ssize_t n = readlinkat(object, "", target, sizeof(target));

	if (n < 0)
		return -errno;
	if ((size_t)n == sizeof(target))
		return -ENAMETOOLONG;
	*ret = strndup(target, (size_t)n);
	return *ret ? 0 : -ENOMEM;
}

/*
 * Has a new object got its project from the directory that it was made in? Such a directory takes in nothing
 * of another project, and no more does any other of that project.
 */
static bool has_inherited(const struct fsxattr *x)
{
	return x->fsx_projid != 0 || (x->fsx_xflags & FS_XFLAG_PROJINHERIT);
}

int ovl_write_copy_flags(int from, int to)
{
	/* What copy-up in the kernel copies; it keeps the others in an xattr of overlayfs. */
	uint32_t flags = FS_XFLAG_SYNC | FS_XFLAG_NOATIME;
	struct fsxattr a, b;

	if (ioctl(from, FS_IOC_FSGETXATTR, &a) < 0 || ioctl(to, FS_IOC_FSGETXATTR, &b) < 0)
		return -errno;
	if (has_inherited(&b))
		a.fsx_projid = b.fsx_projid;
	else /* of a directory: that what is made in it belongs to its project */
		flags |= FS_XFLAG_PROJINHERIT;
	if (a.fsx_projid == b.fsx_projid && (a.fsx_xflags & flags) == (b.fsx_xflags & flags))
		return 0;
	b.fsx_projid = a.fsx_projid;
	b.fsx_xflags = (b.fsx_xflags & ~flags) | (a.fsx_xflags & flags);
	return ioctl(to, FS_IOC_FSSETXATTR, &b) < 0 ? -errno : 0;
}

/* ---- Names ---- */

int ovl_write_link(int object, int dir, const char *name)
{
	if (!is_name(name))
		return -EINVAL;
	if (linkat(object, "", dir, name, AT_EMPTY_PATH) == 0)
		return 0;
	/* ENOENT is also said to those who lack CAP_DAC_READ_SEARCH. */
	if (errno != ENOENT && errno != EINVAL)
		return -errno;
	return linkat(AT_FDCWD, link_of(object).path, dir, name, AT_SYMLINK_FOLLOW) < 0 ? -errno :
											  0;
}

int ovl_write_rename(int from_dir, const char *from, int to_dir, const char *to)
{
	int r;

	if (!is_name(from) || !is_name(to))
		return -EINVAL;
	do
		r = renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int ovl_write_replace(int dir, const char *from, const char *to)
{
	int r;

	if (!is_name(from) || !is_name(to))
		return -EINVAL;
	do
		r = renameat(dir, from, dir, to);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int ovl_write_make_node(int dir, const char *name, uint32_t mode, uint64_t rdev)
{
	if (!is_name(name))
		return -EINVAL;
	return mknodat(dir, name, mode, (dev_t)rdev) < 0 ? -errno : 0;
}

int ovl_write_make_dir(int dir, const char *name, uint32_t mode)
{
	if (!is_name(name))
		return -EINVAL;
	return mkdirat(dir, name, mode) < 0 ? -errno : 0;
}

int ovl_write_make_symlink(int dir, const char *name, const char *target)
{
	if (!is_name(name))
		return -EINVAL;
	return symlinkat(target, dir, name) < 0 ? -errno : 0;
}

int ovl_write_make_file(int dir, const char *name, int *ret_fd)
{
	int fd;

	if (!is_name(name))
		return -EINVAL;
	do
		fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int remove_name(int dir, const char *name, int flags)
{
	if (!is_name(name))
		return -EINVAL;
	return unlinkat(dir, name, flags) < 0 ? -errno : 0;
}

int ovl_write_remove(int dir, const char *name)
{
	return remove_name(dir, name, 0);
}

int ovl_write_remove_dir(int dir, const char *name)
{
	return remove_name(dir, name, AT_REMOVEDIR);
}

/* ---- Durability ---- */

/* Directories are often held with O_PATH, which fsync() and syncfs() do not take. */
static int call_on_dir(int (*call)(int fd), int fd)
{
	_cleanup_close_ int dir = -EBADF;
	int r;

	do
		r = call(fd);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return 0;
	if (errno != EBADF)
		return -errno;
	dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	do
		r = call(dir);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int ovl_write_sync(int fd)
{
	return call_on_dir(fsync, fd);
}

int ovl_write_sync_fs(int fd)
{
	return call_on_dir(syncfs, fd);
}

int ovl_write_lock(int fd)
{
	int r;

	do
		r = flock(fd, LOCK_EX | LOCK_NB);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}
