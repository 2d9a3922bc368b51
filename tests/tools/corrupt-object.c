/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects put where they do not belong, copied and removed.
 */
#include "corrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

bool corrupt_put(struct corrupt *c, const char *path)
{
	switch (corrupt_random(c, 7)) {
	case 0:
		return corrupt_did(mkdir(path, 0755), "is a directory", path, NULL);
	case 1:
		return corrupt_did(mkfifo(path, 0644), "is a fifo", path, NULL);
	case 2:
		return corrupt_did(symlink("a/b", path), "is a symlink", path, NULL);
	case 3:
		return corrupt_did(mknod(path, S_IFREG | 0644, 0), "is empty", path, NULL);
	case 4:
		return corrupt_did(mknod(path, S_IFSOCK | 0644, 0), "is a socket", path, NULL);
	case 5:
		return corrupt_did(mknod(path, S_IFCHR | 0600, makedev(1, 3)), "is a device", path,
				   NULL);
	default:
		return corrupt_did(mknod(path, S_IFCHR, makedev(0, 0)), "is a whiteout", path,
				   NULL);
	}
}

static void copy_xattrs(const char *from, const char *to)
{
	char list[65536], value[65536];
	ssize_t len = llistxattr(from, list, sizeof(list)), got;

	if (len < 0)
		ovl_tool_die("xattrs of %s", from);
	for (const char *name = list; name < list + len; name += strlen(name) + 1) {
		got = lgetxattr(from, name, value, sizeof(value));
		if (got < 0 || (lsetxattr(to, name, value, (size_t)got, 0) < 0 && errno != EPERM &&
				errno != EOPNOTSUPP))
			ovl_tool_die("%s of %s", name, from);
	}
}

bool corrupt_copy(const char *from, const char *to)
{
	struct stat st;

	if (lstat(from, &st) < 0)
		ovl_tool_die("%s", from);
	if (!S_ISDIR(st.st_mode))
		return corrupt_did(link(from, to), "linked", from, to);
	if (!corrupt_did(mkdir(to, st.st_mode & 07777), "copied", from, to))
		return false;
	copy_xattrs(from, to);
	return true;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

void corrupt_remove(const char *path)
{
	if (nftw(path, remove_one, 64, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0)
		ovl_tool_die("cannot remove %s", path);
}
