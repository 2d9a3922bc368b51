/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Following symlinks on the root file system. See overlayfs/boot.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "io/chase.h"
#include "overlayfs/boot.h"

#include "base/banned.h"

enum { LINKS_MAX = 40 }; /* as the kernel */

struct chase {
	const struct ovl_mounttable *mounts;
	struct ovl_buf done; /* "" or "/a/b", no symlinks */
	struct ovl_buf todo; /* "c/d" */
	int fd;              /* of @done; -EBADF: what follows is not looked at */
	int links;
};

static void chase_done(struct chase *c)
{
	ovl_buf_done(&c->done);
	ovl_buf_done(&c->todo);
	if (c->fd >= 0)
		close(c->fd);
}

static void move_to(struct chase *c, int fd)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = fd;
}

static int open_root(void)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -EBADF : fd;
}

/* Is something mounted at this name? */
static bool is_covered(struct chase *c, const char *name)
{
	const char *dir = c->done.len ? c->done.data : "";
	size_t len = c->done.len;

	for (size_t i = 0; c->mounts && i < c->mounts->row.len; i++) {
		const char *target = c->mounts->row.data[i].target;

		if (strncmp(target, dir, len) == 0 && target[len] == '/' &&
		    strcmp(target + len + 1, name) == 0)
			return true;
	}
	return false;
}

/* The next name on this mount; -EBADF if there is none to be looked at. */
static int look(int dir, const char *name)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV,
	};
	int fd = dir < 0 ? -1 : (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));

	return fd < 0 ? -EBADF : fd;
}

/* What is left begins with the target of a link now. 1; 0: it was none; -ELOOP, -ENOMEM */
static int follow(struct chase *c, int fd)
{
	_cleanup_(ovl_buf_done) struct ovl_buf todo = { 0 };
	char target[PATH_MAX];
	ssize_t len = readlinkat(fd, "", target, sizeof(target));

	if (len < 0)
		return 0;
	if (++c->links > LINKS_MAX || len == 0 || (size_t)len == sizeof(target))
		return -ELOOP;
	if (ovl_buf_add(&todo, target, (size_t)len) < 0 || ovl_buf_addc(&todo, '/') < 0 ||
	    ovl_buf_adds(&todo, c->todo.data) < 0)
		return -ENOMEM;
	if (*target == '/') {
		ovl_buf_clear(&c->done);
		move_to(c, open_root());
	}
	ovl_buf_done(&c->todo);
	c->todo = todo;
	todo = (struct ovl_buf){ 0 };
	return 1;
}

/* 0, -ELOOP if the way up is not known, -ENOMEM */
static int up(struct chase *c)
{
	char *slash;

	if (c->fd < 0)
		return -ELOOP;
	slash = c->done.len ? strrchr(c->done.data, '/') : NULL;
	if (!slash)
		return 0;
	c->done.len = (size_t)(slash - c->done.data);
	*slash = '\0';
	move_to(c, look(c->fd, ".."));
	return 0;
}

static int step(struct chase *c, const char *name)
{
	_cleanup_close_ int fd = c->fd < 0 || is_covered(c, name) ? -EBADF : look(c->fd, name);
	int r = fd >= 0 ? follow(c, fd) : 0;

	if (r != 0)
		return r < 0 ? r : 0;
	move_to(c, TAKE_FD(fd));
	if (ovl_buf_addc(&c->done, '/') < 0 || ovl_buf_adds(&c->done, name) < 0)
		return -ENOMEM;
	return 0;
}

/* Takes the first name off what is left; NULL at the end. free() it. */
static int next_name(struct chase *c, char **ret)
{
	const char *p = c->todo.data ? c->todo.data : "";
	size_t skip = strspn(p, "/"), len = strcspn(p + skip, "/");
	char *name = NULL;

	if (len > 0) {
		name = strndup(p + skip, len);
		if (!name)
			return -ENOMEM;
	}
	if (c->todo.data) {
		c->todo.len -= skip + len;
		memmove(c->todo.data, c->todo.data + skip + len, c->todo.len + 1);
	}
	*ret = name;
	return 0;
}

static int walk(struct chase *c)
{
	for (;;) {
		_cleanup_free_ char *name = NULL;
		int r = next_name(c, &name);

		if (r < 0 || !name)
			return r;
		if (strcmp(name, "..") == 0)
			r = up(c);
		else if (strcmp(name, ".") != 0)
			r = step(c, name);
		if (r < 0)
			return r;
	}
}

int ovl_boot_plain(const char *path, char **ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	size_t len;

	for (path += strspn(path, "/"); *path; path += strspn(path, "/")) {
		len = strcspn(path, "/");
		if ((len != 1 || *path != '.') &&
		    (ovl_buf_addc(&b, '/') < 0 || ovl_buf_add(&b, path, len) < 0))
			return -ENOMEM;
		path += len;
	}
	if (b.len == 0 && ovl_buf_addc(&b, '/') < 0)
		return -ENOMEM;
	*ret = ovl_buf_take(&b);
	return 0;
}

int ovl_chase(const struct ovl_mounttable *mounts, const char *path, char **ret)
{
	_cleanup_(chase_done) struct chase c = { .mounts = mounts, .fd = open_root() };
	int r;

	/* A longer one leads nowhere, and each step moves all that is left. */
	if (strlen(path) >= PATH_MAX)
		return ovl_boot_plain(path, ret);
	r = ovl_buf_adds(&c.todo, path);
	if (r == 0)
		r = walk(&c);
	if (r == -ELOOP)
		return ovl_boot_plain(path, ret);
	if (r == 0 && c.done.len == 0)
		r = ovl_buf_addc(&c.done, '/');
	if (r == 0)
		*ret = ovl_buf_take(&c.done);
	return r;
}

int ovl_boot_chase(const char *path, char **ret)
{
	return ovl_chase(NULL, path, ret);
}
