/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Climbing from a directory to the root of its file system. See ancestors.h.
 */
#include "io/ancestors.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "io/beneath.h"
#include "io/mountid.h"

#include "base/banned.h"

/* Where the climb has come to. */
struct place {
	int fd;
	uint64_t mount; /* 0: unknown */
	struct stat st;
};

static int look(int fd, struct place *ret)
{
	struct place at = { .fd = fd };

	if (fstat(fd, &at.st) < 0)
		return -errno;
	if (ovl_mountid_get(fd, &at.mount) < 0)
		at.mount = 0;
	*ret = at;
	return 0;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_same_mount(const struct place *a, const struct place *b)
{
	if (a->mount != 0 && b->mount != 0)
		return a->mount == b->mount;
	return a->st.st_dev == b->st.st_dev; /* the best that is to be had */
}

/* The rest of @path behind the directory @above, "b" for "/a/b" and "/a"; NULL: not below it. */
static const char *rest_below(const char *path, const char *above)
{
	size_t len = strcmp(above, "/") == 0 ? 0 : strlen(above);

	if (strncmp(path, above, len) != 0 || path[len] != '/' || path[len + 1] == '\0')
		return NULL;
	return path + len + 1;
}

/* Opens the directory that a mount is the root of once more, through a mount that shows more. */
static int open_through(const struct ovl_mounttable_row *row, const char *rest,
			const struct place *at, int *ret_fd)
{
	_cleanup_close_ int top = -EBADF, fd = -EBADF;
	struct place found;
	int r;

	top = open(row->target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return -errno;
	r = look(top, &found);
	if (r < 0)
		return r;
	if (found.mount != row->id)
		return -ENOENT; /* another mount lies on top of it */
	r = ovl_beneath_open_dir(top, rest, &fd);
	if (r < 0)
		return r;
	r = look(fd, &found);
	if (r < 0)
		return r;
	if (!is_same(&found.st, &at->st))
		return -ENOENT;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* @at is the root of its mount. 1 and a descriptor with something above it, 0 if there is none. */
static int leave_mount(const struct ovl_mounttable *mounts, const struct place *at, int *ret_fd)
{
	const struct ovl_mounttable_row *own = ovl_mounttable_find(mounts, at->mount), *row;
	const char *rest;

	if (!own || strcmp(own->root, "/") == 0)
		return 0;
	for (size_t i = 0; i < mounts->row.len; i++) {
		row = &mounts->row.data[i];
		if (strcmp(row->dev, own->dev) != 0)
			continue;
		rest = rest_below(own->root, row->root);
		if (rest && open_through(row, rest, at, ret_fd) == 0)
			return 1;
	}
	return 0;
}

/* 1 and the place above, 0 at the root of the file system, negative errno. */
static int step_up(const struct ovl_mounttable *mounts, const struct place *at, struct place *ret)
{
	_cleanup_close_ int fd = -EBADF;
	int r;

	fd = openat(at->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = look(fd, ret);
	if (r < 0)
		return r;
	if (is_same_mount(ret, at) && !is_same(&ret->st, &at->st)) {
		ret->fd = TAKE_FD(fd);
		return 1;
	}
	/* ".." has led out of the mount, or nowhere, at the root of all. */
	close(TAKE_FD(fd));
	r = leave_mount(mounts, at, &fd);
	if (r <= 0)
		return r;
	r = look(fd, ret);
	if (r < 0)
		return r;
	ret->fd = TAKE_FD(fd);
	return 1;
}

int ovl_ancestors_each(const struct ovl_mounttable *mounts, const struct ovl_root *root,
		       int (*fn)(void *ctx, uint64_t dev, uint64_t ino), void *ctx)
{
	struct place at = { .fd = root->plain }, above;
	int r = look(root->plain, &at);

	while (r == 0) {
		r = step_up(mounts, &at, &above);
		if (r <= 0)
			break;
		r = 0;
		/* The same directory again, through another mount, is none above. */
		if (!is_same(&above.st, &at.st))
			r = fn(ctx, above.st.st_dev, above.st.st_ino);
		if (at.fd != root->plain)
			close(at.fd);
		at = above;
	}
	if (at.fd != root->plain)
		close(at.fd);
	return r;
}
