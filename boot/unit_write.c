/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drop-ins below one folder. See unit_write.h.
 */
#include "unit_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int ovl_unit_write_open(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The folder of the drop-ins, made if need be. */
static int open_folder(int dir, const char *unit)
{
	char *name;
	int fd = -1;

	if (strchr(unit, '/'))
		return -EINVAL;
	if (asprintf(&name, "%s.d", unit) < 0)
		return -ENOMEM;
	if (mkdirat(dir, name, 0755) == 0 || errno == EEXIST)
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	free(name);
	return fd;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		text += n;
		left -= (size_t)n;
	}
	return 0;
}

int ovl_unit_write(int dir, const char *unit, const char *file, const char *text)
{
	int folder, fd, r;

	if (strchr(file, '/'))
		return -EINVAL;
	folder = open_folder(dir, unit);
	if (folder < 0)
		return folder;
	fd = openat(folder, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	r = fd < 0 ? -errno : write_all(fd, text);
	if (fd >= 0 && close(fd) < 0 && r == 0)
		r = -errno;
	if (fd >= 0 && r < 0)
		unlinkat(folder, file, 0);
	close(folder);
	return r;
}
