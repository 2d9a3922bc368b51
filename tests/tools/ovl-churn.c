/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-churn - change directories wildly, for as long as it runs
 *
 *	ovl-churn SEED DIR...
 *
 * Makes, renames, swaps, links, fills, marks and removes objects of few names below each DIR, never
 * deeper than four levels, never outside (renames go from one DIR into another, too). What is renamed
 * goes no deeper than it was, or the trees would grow out of reach and without end. Ends when it is
 * killed; errors are no matter.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tool.h"

enum { DEPTH = 4 };

static const char *const names[] = { "a", "b", "c", "diff", "work", "upper" };
static const char *const xattrs[] = { "opaque", "redirect", "origin",
				      "impure", "metacopy", "whiteout" };
static const char *const values[] = { "y", "x", "/a/b", "a", "", "\1" };

/* So many levels below one of the directories. No component can be a symlink that leads out. */
static char *pick(struct ovl_rng *rng, char **dirs, int n, uint32_t depth)
{
	char *path = ovl_tool_format("%s", dirs[ovl_tool_random(rng, (uint32_t)n)]), *longer;

	for (; depth > 0; depth--) {
		longer = ovl_tool_format("%s/%s", path,
					 names[ovl_tool_random(rng, ARRAY_LEN(names))]);
		free(path);
		path = longer;
	}
	return path;
}

static void mark(struct ovl_rng *rng, const char *path)
{
	char *xattr = ovl_tool_format("trusted.overlay.%s",
				      xattrs[ovl_tool_random(rng, ARRAY_LEN(xattrs))]);
	const char *value = values[ovl_tool_random(rng, ARRAY_LEN(values))];

	if (ovl_tool_chance(rng, 1, 3))
		(void)!lremovexattr(path, xattr);
	else
		(void)!lsetxattr(path, xattr, value, strlen(value), 0);
	free(xattr);
}

static void fill(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);

	if (fd < 0)
		return;
	(void)!write(fd, path, strlen(path));
	close(fd);
}

/* @other is no deeper than @path, @level: as deep. */
static void change(struct ovl_rng *rng, const char *path, const char *other, bool level)
{
	switch (ovl_tool_random(rng, 20)) {
	case 0:
	case 1:
	case 2:
	case 3:
		(void)!mkdir(path, 0755);
		break;
	case 4:
	case 5:
		fill(path);
		break;
	case 6:
		(void)!rename(path, other);
		break;
	case 7:
		if (level)
			(void)!renameat2(AT_FDCWD, path, AT_FDCWD, other, RENAME_EXCHANGE);
		break;
	case 8:
		mark(rng, path);
		break;
	case 9:
		(void)!link(path, other);
		break;
	case 10:
		(void)!symlink("loop", path);
		break;
	case 11:
		(void)!mknod(path, S_IFCHR | 0600, makedev(0, 0));
		break;
	case 12:
		(void)!mkfifo(path, 0600);
		break;
	default: /* often enough, or there would be no name left to make */
		(void)!(unlink(path) < 0 && rmdir(path));
	}
}

int main(int argc, char **argv)
{
	struct ovl_rng rng;

	if (argc < 3) {
		fputs("usage: ovl-churn SEED DIR...\n", stderr);
		return 99;
	}
	rng.state = ovl_tool_number(argv[1], UINT32_MAX);
	for (;;) {
		uint32_t depth = 1 + ovl_tool_random(&rng, DEPTH);
		uint32_t up = ovl_tool_chance(&rng, 1, 2) ? 0 : ovl_tool_random(&rng, depth);
		char *path = pick(&rng, argv + 2, argc - 2, depth);
		char *other = pick(&rng, argv + 2, argc - 2, depth - up);

		change(&rng, path, other, up == 0);
		free(path);
		free(other);
	}
}
