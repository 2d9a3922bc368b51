/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The number of a mount. See mountid.h.
 */
#include "io/mountid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#include "base/banned.h"

/* "mnt_id:" is the third line of fdinfo, so the beginning of the file is all that matters. */
static int from_fdinfo(int fd, uint64_t *ret)
{
	_cleanup_close_ int info = -EBADF;
	char path[sizeof("/proc/self/fdinfo/") + 12], text[512], *line, *end;
	unsigned long long id;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return -ENODATA;
	n = read(info, text, sizeof(text) - 1);
	if (n < 0)
		return -ENODATA;
	text[n] = '\0';
	line = strstr(text, "mnt_id:");
	if (!line)
		return -ENODATA;
	errno = 0;
	id = strtoull(line + strlen("mnt_id:"), &end, 10);
	if (errno != 0 || *end != '\n' || id == 0)
		return -ENODATA;
	*ret = id;
	return 0;
}

int ovl_mountid_get(int fd, uint64_t *ret)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID, &stx) == 0 &&
	    (stx.stx_mask & STATX_MNT_ID) && stx.stx_mnt_id != 0) {
		*ret = stx.stx_mnt_id;
		return 0;
	}
	return from_fdinfo(fd, ret);
}

int ovl_mountid_same(int a, int b)
{
	uint64_t id_a, id_b;
	struct stat st_a, st_b;

	if (ovl_mountid_get(a, &id_a) == 0 && ovl_mountid_get(b, &id_b) == 0)
		return id_a == id_b;
	if (fstat(a, &st_a) < 0 || fstat(b, &st_b) < 0)
		return -errno;
	return st_a.st_dev == st_b.st_dev;
}
