/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live mounts by their place. See live.h.
 */
#include "io/live.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "io/mountid.h"

#include "base/banned.h"

/* Is it the root of its mount? The way up leads to another one then, or, from /, nowhere. */
static int is_mount_root(int fd, int up)
{
	struct stat here, above;
	int r = ovl_mountid_same(fd, up);

	if (r <= 0)
		return r < 0 ? r : 1;
	if (fstat(fd, &here) < 0 || fstat(up, &above) < 0)
		return -errno;
	return here.st_dev == above.st_dev && here.st_ino == above.st_ino;
}

int ovl_live_at(const char *path)
{
	_cleanup_close_ int fd = -EBADF, up = -EBADF;
	struct statfs fs;

	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG ? 0 : -errno;
	if (fstatfs(fd, &fs) < 0)
		return -errno;
	if (fs.f_type != OVERLAYFS_SUPER_MAGIC)
		return 0;
	up = openat(fd, "..", O_PATH | O_CLOEXEC);
	if (up < 0)
		return errno == ENOTDIR ? 0 : -errno;
	return is_mount_root(fd, up);
}
