/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tool.h"

/** A directory between the root and where the walk is. */
enum { MAX_FAILURES = 1000 }; /* of getdents(), one after the other */

struct frame {
	char **names;
	size_t count;
	size_t next;
	size_t path_len; /* of the directory itself */
	struct stat st;
};

struct walk {
	const struct ovl_walk_ops *ops;
	void *arg;
	struct frame *frames;
	size_t depth;
	size_t frames_size;
	char *path;
	size_t path_size;
};

struct linux_dirent64 {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_name(const char *name, char ***names, size_t *count, size_t *size)
{
	if (*count == *size) {
		*size = *size ? *size * 2 : 32;
		*names = ovl_tool_realloc(*names, *size, sizeof(**names));
	}
	(*names)[(*count)++] = ovl_tool_format("%s", name);
}

/**
 * All names that can be had: an overlay fails at each name that it cannot look up, and goes on with the
 * next one when it is asked again. Returns 0 or the first error, which is no reason to do without the names.
 */
static int read_names(int fd, char ***ret_names, size_t *ret_count)
{
	_Alignas(struct linux_dirent64) char buf[32768];
	char **names = NULL;
	size_t count = 0, size = 0;
	int err = 0, failures = 0;
	long len;

	if (lseek(fd, 0, SEEK_SET) < 0)
		err = -errno;
	while ((len = syscall(SYS_getdents64, fd, buf, sizeof(buf))) != 0) {
		if (len < 0) {
			err = err ? err : -errno;
			if (++failures > MAX_FAILURES)
				break;
			continue;
		}
		failures = 0;
		for (long at = 0; at < len;) {
			const struct linux_dirent64 *entry = (const void *)(buf + at);

			if (strcmp(entry->name, ".") && strcmp(entry->name, ".."))
				add_name(entry->name, &names, &count, &size);
			at += entry->reclen;
		}
	}
	if (count)
		qsort(names, count, sizeof(*names), by_name);
	*ret_names = names;
	*ret_count = count;
	return err;
}

int ovl_walk_names(int fd, char ***ret_names, size_t *ret_count)
{
	char **names;
	size_t count;
	int r = read_names(fd, &names, &count);

	if (r < 0) {
		ovl_walk_names_free(names, count);
		return r;
	}
	*ret_names = names;
	*ret_count = count;
	return 0;
}

void ovl_walk_names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

/** Sets the path to that of @name in the directory of the topmost frame. */
static void set_path(struct walk *w, const char *name, struct ovl_walk_at *at)
{
	size_t base = w->frames[w->depth - 1].path_len;
	size_t len = strlen(name);

	if (base + len + 2 > w->path_size) {
		w->path_size = (base + len + 2) * 2;
		w->path = ovl_tool_realloc(w->path, w->path_size, 1);
	}
	w->path[base] = '/';
	memcpy(w->path + base + 1, name, len + 1);
	at->name = name;
	at->path = w->path;
	at->path_len = base + 1 + len;
}

/** Makes the open directory @fd, which is that of @at, the topmost frame and the working directory. */
static int push(struct walk *w, int fd, const struct ovl_walk_at *at, size_t path_len)
{
	struct frame frame = { .path_len = path_len };
	int r;

	if (fstat(fd, &frame.st) < 0)
		return -errno;
	r = read_names(fd, &frame.names, &frame.count);
	if (r < 0)
		r = w->ops->failed(w->arg, at, -r);
	if (r == 0 && fchdir(fd) < 0)
		r = -errno;
	if (r < 0) {
		ovl_walk_names_free(frame.names, frame.count);
		return r;
	}
	if (w->depth == w->frames_size) {
		w->frames_size = w->frames_size ? w->frames_size * 2 : 16;
		w->frames = ovl_tool_realloc(w->frames, w->frames_size, sizeof(frame));
	}
	w->frames[w->depth++] = frame;
	return 0;
}

static int open_dir(const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(name, flags | O_NOATIME);

	if (fd < 0 && errno == EPERM)
		fd = open(name, flags);
	return fd;
}

static int descend(struct walk *w, const struct ovl_walk_at *at)
{
	_cleanup_close_ int fd = open_dir(at->name);
	int r;

	if (fd < 0)
		return w->ops->failed(w->arg, at, errno);
	r = push(w, fd, at, at->path_len);
	if (r < 0)
		return w->ops->failed(w->arg, at, -r);
	return 0;
}

/** Goes back to the directory above, and makes sure that it is the one we came from. */
static int ascend(struct walk *w)
{
	const struct frame *left = &w->frames[--w->depth];
	const struct frame *above;
	struct stat left_st = left->st, st;
	struct ovl_walk_at at;

	ovl_walk_names_free(left->names, left->count);
	if (!w->depth)
		return 0;
	above = &w->frames[w->depth - 1];
	if (chdir("..") < 0 || stat(".", &st) < 0)
		return -errno;
	if (st.st_dev != above->st.st_dev || st.st_ino != above->st.st_ino)
		return -ESTALE;
	if (!w->ops->leave)
		return 0;
	set_path(w, above->names[above->next - 1], &at);
	at.st = &left_st;
	return w->ops->leave(w->arg, &at);
}

static int step(struct walk *w)
{
	struct frame *top = &w->frames[w->depth - 1];
	struct ovl_walk_at at = { 0 };
	struct stat st;
	int r;

	if (top->next == top->count)
		return ascend(w);
	set_path(w, top->names[top->next++], &at);
	if (fstatat(AT_FDCWD, at.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return w->ops->failed(w->arg, &at, errno);
	at.st = &st;
	r = w->ops->visit(w->arg, &at);
	if (r <= 0 || !S_ISDIR(st.st_mode))
		return r < 0 ? r : 0;
	return descend(w, &at);
}

int ovl_walk(int root, const struct ovl_walk_ops *ops, void *arg)
{
	struct walk w = { .ops = ops, .arg = arg };
	_cleanup_close_ int home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct ovl_walk_at at = { .name = ".", .path = "/", .path_len = 1 };
	struct stat st;
	int r;

	if (home < 0 || fstat(root, &st) < 0)
		return -errno;
	at.st = &st;
	r = push(&w, root, &at, 0);
	while (!r && w.depth)
		r = step(&w);
	while (w.depth) {
		w.depth--;
		ovl_walk_names_free(w.frames[w.depth].names, w.frames[w.depth].count);
	}
	free(w.frames);
	free(w.path);
	if (fchdir(home) < 0 && !r)
		r = -errno;
	return r;
}
