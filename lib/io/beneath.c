/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening what lies beneath a directory. See beneath.h.
 */
#include "io/beneath.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "io/mountid.h"

#include "base/banned.h"

enum {
	READ_DIR = O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC,
	/* A race with a rename or a mount makes openat2() give up; it does not last. */
	MAX_TRIES = 16,
};

/*
 * O_NOATIME is for the owner and for CAP_FOWNER. Without it, whether the access time changes is up
 * to the mount; that is still better than not to look.
 */
static int open_once(int dir, const char *path, int flags, bool by_openat2)
{
	struct open_how how = {
		/* No O_NOFOLLOW: it would call a symlink at the end "not a directory". */
		.flags = (unsigned)flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};

	if (by_openat2)
		return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	return openat(dir, path, flags | O_NOFOLLOW);
}

static int open_noatime(int dir, const char *path, int flags, bool by_openat2, int *ret_fd)
{
	int fd, tries = 0;

	do {
		fd = open_once(dir, path, flags, by_openat2);
		if (fd < 0 && errno == EPERM && (flags & O_NOATIME)) {
			flags &= ~O_NOATIME;
			fd = open_once(dir, path, flags, by_openat2);
		}
	} while (fd < 0 && (errno == EINTR || (by_openat2 && errno == EAGAIN)) &&
		 ++tries < MAX_TRIES);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static bool is_symlink(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0 &&
	       S_ISLNK(st.st_mode);
}

/* One name, where openat2() is not to be had. */
static int open_name(int dir, const char *name, int flags, int *ret_fd)
{
	_cleanup_close_ int fd = -EBADF;
	int r;

	r = open_noatime(dir, name, flags, false, &fd);
	if (r == -ENOTDIR && is_symlink(dir, name))
		return -ELOOP;
	if (r < 0)
		return r;
	r = ovl_mountid_same(dir, fd);
	if (r < 0)
		return r;
	if (r == 0)
		return -EXDEV;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Name by name; all but the last with O_PATH, which opens nothing. */
static int open_walk(int dir, const char *path, int flags, int *ret_fd)
{
	_cleanup_close_ int at = -EBADF;
	const char *p = path, *slash;
	char name[PATH_MAX]; /* the kernel takes no longer one */
	size_t len;
	int fd, r;

	for (;;) {
		slash = strchrnul(p, '/');
		len = (size_t)(slash - p);
		if (len >= sizeof(name))
			return -ENAMETOOLONG;
		memcpy(name, p, len);
		name[len] = '\0';
		if (len == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			return -EINVAL;
		if (*slash == '\0')
			break;
		r = open_name(at >= 0 ? at : dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC, &fd);
		if (r < 0)
			return r;
		if (at >= 0)
			close(at);
		at = fd;
		p = slash + 1;
	}
	return open_name(at >= 0 ? at : dir, name, flags, ret_fd);
}

/*
 * What is longer than the kernel takes at a time, by as many names as it takes: name by name would be too
 * slow where each of thousands of directories is as deep.
 */
static int open_long(int dir, const char *path, int flags, int *ret_fd)
{
	_cleanup_close_ int at = -EBADF;
	char part[PATH_MAX];

	while (strlen(path) >= sizeof(part)) {
		const char *slash = memrchr(path, '/', sizeof(part));
		const size_t len = slash ? (size_t)(slash - path) : 0;
		int fd, r;

		if (len == 0)
			return -ENAMETOOLONG;
		memcpy(part, path, len);
		part[len] = '\0';
		r = open_noatime(at >= 0 ? at : dir, part, O_PATH | O_DIRECTORY | O_CLOEXEC, true,
				 &fd);
		if (r < 0)
			return r;
		if (at >= 0)
			close(at);
		at = fd;
		path = slash + 1;
	}
	return open_noatime(at >= 0 ? at : dir, path, flags, true, ret_fd);
}

static int open_beneath(int dir, const char *path, int flags, int *ret_fd)
{
	/* What the kernel can do does not change: found out once, by whichever thread is first. */
	static atomic_bool no_openat2;
	int r;

	if (*path == '\0')
		return open_noatime(dir, ".", flags, false, ret_fd);
	if (!atomic_load_explicit(&no_openat2, memory_order_relaxed)) {
		r = strlen(path) < PATH_MAX ? open_noatime(dir, path, flags, true, ret_fd) :
					      open_long(dir, path, flags, ret_fd);
		if (r == -ENOSYS)
			atomic_store_explicit(&no_openat2, true, memory_order_relaxed);
		/* Some sandboxes answer EPERM to system calls that they have not heard of. */
		else if (r != -EPERM)
			return r;
	}
	return open_walk(dir, path, flags, ret_fd);
}

int ovl_beneath_open_dir(int dir, const char *path, int *ret_fd)
{
	return open_beneath(dir, path, READ_DIR, ret_fd);
}

int ovl_beneath_hold(int dir, const char *name, int *ret_fd)
{
	return open_beneath(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, ret_fd);
}

static int check_identity(int fd, uint64_t dev, uint64_t ino)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) && st.st_dev == dev && st.st_ino == ino ? 0 : -ESTALE;
}

int ovl_beneath_open_file(int dir, const char *name, uint64_t dev, uint64_t ino, int *ret_fd)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOATIME | O_CLOEXEC;
	char link[sizeof("/proc/self/fd/") + 12];
	_cleanup_close_ int fd = -EBADF, path_fd = -EBADF;
	int r;

	assert(*name);
	r = open_beneath(dir, name, O_PATH | O_CLOEXEC, &path_fd);
	if (r < 0)
		return r == -ELOOP ? -ESTALE : r;
	r = check_identity(path_fd, dev, ino);
	if (r < 0)
		return r;

	/* The object is held now; this link leads to it, whatever became of the name. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", path_fd);
	fd = open(link, flags);
	if (fd < 0 && errno == EPERM)
		fd = open(link, flags & ~O_NOATIME);
	if (fd >= 0) {
		*ret_fd = TAKE_FD(fd);
		return 0;
	}
	if (errno != ENOENT && errno != ENOTDIR)
		return -errno;

	/*
	 * No /proc, as early in a boot: by name again. Should the name lead to something else by
	 * now, O_NONBLOCK keeps a FIFO from blocking, and layers are opened through a mount that
	 * refuses devices wherever the kernel can make one.
	 */
	r = open_beneath(dir, name, flags, &fd);
	if (r < 0)
		return r == -ELOOP || r == -ENXIO ? -ESTALE : r;
	r = check_identity(fd, dev, ino);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
