/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-mktree - large layers, fast, for measuring
 *
 *	ovl-mktree [-u FILES] [-l FILES] [-w WIDTH] [-d DEPTH] [-m EVERY] [-s BYTES] DIR
 *
 * Makes DIR/lower, DIR/upper and DIR/work on the plain file system, with files of the same names in
 * both layers, which are empty.
 *
 *	-u, -l  how many files in upper and lower (1000000)
 *	-w      how many in a directory (1000); 0: all in one
 *	-d      instead: a chain of DEPTH directories with one file in each, in both layers
 *	-m      every so many-th upper file is a metacopy (0: none)
 *	-s      content of each lower file (0)
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tool.h"

struct layer {
	int fd; /* of its root */
	unsigned files;
	unsigned width;
	unsigned depth;
	unsigned metacopy;
	size_t size; /* of each file */
};

static int open_dir(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		ovl_tool_die("%s", name);
	return fd;
}

static int make_dir(int at, const char *name)
{
	if (mkdirat(at, name, 0755) < 0)
		ovl_tool_die("%s", name);
	return open_dir(at, name);
}

/** The same everywhere but for the number, so that no file system can store it once. */
static void write_content(int dir, const char *name, unsigned number, size_t size)
{
	_cleanup_close_ int fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	char block[4096];

	memset(block, 'x', sizeof(block));
	for (size_t done = 0; done < size; done += sizeof(block)) {
		size_t n = size - done < sizeof(block) ? size - done : sizeof(block);

		memcpy(block, &number, sizeof(number));
		memcpy(block + sizeof(number), &done, sizeof(done));
		if (fd < 0 || write(fd, block, n) != (ssize_t)n)
			ovl_tool_die("%s", name);
	}
}

static void make_file(int dir, unsigned number, bool metacopy, size_t size)
{
	char name[32];

	snprintf(name, sizeof(name), "file%07u", number);
	if (mknodat(dir, name, S_IFREG | 0644, 0) < 0)
		ovl_tool_die("%s", name);
	if (size)
		write_content(dir, name, number, size);
	if (metacopy) {
		_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0 || fsetxattr(fd, "trusted.overlay.metacopy", "", 0, 0) < 0)
			ovl_tool_die("%s: metacopy", name);
	}
}

static void make_wide(const struct layer *layer)
{
	_cleanup_close_ int dir = -EBADF;

	for (unsigned i = 0; i < layer->files; i++) {
		if (layer->width ? i % layer->width == 0 : i == 0) {
			char name[32];

			snprintf(name, sizeof(name), "dir%07u", i);
			if (dir >= 0)
				close(dir);
			dir = make_dir(layer->fd, name);
		}
		make_file(dir, i, layer->metacopy && i % layer->metacopy == 0, layer->size);
	}
}

static void make_deep(const struct layer *layer)
{
	int dir = open_dir(layer->fd, ".");

	for (unsigned i = 0; i < layer->depth; i++) {
		int below = make_dir(dir, "level");

		close(dir);
		dir = below;
		make_file(dir, i, false, layer->size);
	}
	close(dir);
}

static void *make_layer(void *arg)
{
	const struct layer *layer = arg;

	if (layer->depth)
		make_deep(layer);
	else
		make_wide(layer);
	return NULL;
}

static void make_trees(const char *path, struct layer *lower, struct layer *upper)
{
	_cleanup_close_ int dir = -EBADF;
	pthread_t thread;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		ovl_tool_die("%s", path);
	dir = open_dir(AT_FDCWD, path);
	close(make_dir(dir, "work"));
	close(make_dir(dir, "mnt"));
	lower->fd = make_dir(dir, "lower");
	upper->fd = make_dir(dir, "upper");
	errno = pthread_create(&thread, NULL, make_layer, lower);
	if (errno)
		ovl_tool_die("a thread");
	make_layer(upper);
	pthread_join(thread, NULL);
	close(lower->fd);
	close(upper->fd);
}

int main(int argc, char **argv)
{
	struct layer lower = { .files = 1000000, .width = 1000 };
	struct layer upper = { .files = 1000000, .width = 1000 };
	int opt;

	while ((opt = getopt(argc, argv, "u:l:w:d:m:s:")) != -1) {
		unsigned number = opt == '?' ? 0 : (unsigned)ovl_tool_number(optarg, 1u << 30);

		switch (opt) {
		case 'u':
			upper.files = number;
			break;
		case 'l':
			lower.files = number;
			break;
		case 'w':
			lower.width = upper.width = number;
			break;
		case 'd':
			lower.depth = upper.depth = number;
			break;
		case 'm':
			upper.metacopy = number;
			break;
		case 's':
			lower.size = number;
			break;
		default:
			argc = 0;
		}
	}
	if (optind != argc - 1) {
		fputs("usage: ovl-mktree [-u N] [-l N] [-w WIDTH] [-d DEPTH] [-m EVERY] [-s BYTES] "
		      "DIR\n",
		      stderr);
		return 99;
	}
	umask(022);
	make_trees(argv[optind], &lower, &upper);
	return 0;
}
