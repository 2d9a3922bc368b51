/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-churn - change directories wildly, for as long as it runs
 *
 *	ovl-churn [-o OUTSIDE] SEED DIR...
 *
 * Makes, renames, swaps, links, fills, marks and removes objects of few names below each DIR, never
 * deeper than four levels, never outside (renames go from one DIR into another, too). What is renamed
 * goes no deeper than it was, or the trees would grow out of reach and without end. Ends when it is
 * killed; errors are no matter.
 *
 * OUTSIDE is a directory beside them on the same file system: symbolic links to it and its directory "dir"
 * appear below the DIRs, change places with directories there, and files become hard links to its "file".
 * Nothing is followed there, and no file with several names is written to: what changes in OUTSIDE, but for
 * the link count and the ctime of "file", was changed by somebody else.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tool.h"

enum { DEPTH = 4 };

static const char *const names[] = { "a", "b", "c", "diff", "work", "upper" };
static const char *const xattrs[] = { "opaque", "redirect", "origin",
				      "impure", "metacopy", "whiteout" };
static const char *const values[] = { "y", "x", "/a/b", "a", "", "\1" };

/* So many levels below one of the directories: "/a/b" */
static char *pick(struct ovl_rng *rng, uint32_t depth)
{
	char *path = ovl_tool_format("%s", ""), *longer;

	for (; depth > 0; depth--) {
		longer = ovl_tool_format("%s/%s", path,
					 names[ovl_tool_random(rng, ARRAY_LEN(names))]);
		free(path);
		path = longer;
	}
	return path;
}

/* One name below one of the directories, reached without following anything. */
struct at {
	int dir;
	const char *name;
};

static int open_beneath(int dir, const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
					   RESOLVE_NO_XDEV };

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static struct at reach(const char *root, const char *path)
{
	struct at at = { .dir = -1, .name = strrchr(path, '/') + 1 };
	char *parent = ovl_tool_format("./%.*s", (int)(at.name - path), path);
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		at.dir = open_beneath(fd, parent, O_DIRECTORY);
		close(fd);
	}
	free(parent);
	return at;
}

static void mark(struct ovl_rng *rng, const struct at *at)
{
	char *xattr = ovl_tool_format("trusted.overlay.%s",
				      xattrs[ovl_tool_random(rng, ARRAY_LEN(xattrs))]);
	const char *value = values[ovl_tool_random(rng, ARRAY_LEN(values))];
	int fd = open_beneath(at->dir, at->name, O_NOFOLLOW);
	char *path = ovl_tool_format("/proc/self/fd/%d", fd);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && (S_ISDIR(st.st_mode) || st.st_nlink == 1)) {
		if (ovl_tool_chance(rng, 1, 3))
			(void)!removexattr(path, xattr);
		else
			(void)!setxattr(path, xattr, value, strlen(value), 0);
	}
	if (fd >= 0)
		close(fd);
	free(path);
	free(xattr);
}

static void fill(const struct at *at)
{
	int fd = openat(at->dir, at->name,
			O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);

	if (fd < 0)
		return;
	(void)!write(fd, at->name, strlen(at->name));
	close(fd);
}

/* What leads out. */
static void lure(struct ovl_rng *rng, const char *outside, const struct at *at,
		 const struct at *other)
{
	char *dir = ovl_tool_format("%s/dir", outside), *file = ovl_tool_format("%s/file", outside);

	switch (ovl_tool_random(rng, 4)) {
	case 0:
		(void)!symlinkat(ovl_tool_chance(rng, 1, 2) ? dir : outside, at->dir, at->name);
		break;
	case 1: /* a directory becomes one, at once */
		(void)!symlinkat(dir, other->dir, other->name);
		(void)!renameat2(at->dir, at->name, other->dir, other->name, RENAME_EXCHANGE);
		break;
	case 2:
		(void)!linkat(AT_FDCWD, file, at->dir, at->name, 0);
		break;
	default: /* a file becomes one, at once */
		(void)!linkat(AT_FDCWD, file, other->dir, ".lure", 0);
		(void)!renameat(other->dir, ".lure", at->dir, at->name);
		(void)!unlinkat(other->dir, ".lure", 0);
	}
	free(dir);
	free(file);
}

/* @other is no deeper than @at, @level: as deep. */
static void change(struct ovl_rng *rng, const char *outside, const struct at *at,
		   const struct at *other, bool level)
{
	switch (ovl_tool_random(rng, 20)) {
	case 0:
	case 1:
	case 2:
	case 3:
		(void)!mkdirat(at->dir, at->name, 0755);
		break;
	case 4:
	case 5:
		fill(at);
		break;
	case 6:
		(void)!renameat(at->dir, at->name, other->dir, other->name);
		break;
	case 7:
		if (level)
			(void)!renameat2(at->dir, at->name, other->dir, other->name,
					 RENAME_EXCHANGE);
		break;
	case 8:
		mark(rng, at);
		break;
	case 9:
		(void)!linkat(at->dir, at->name, other->dir, other->name, 0);
		break;
	case 10:
		(void)!symlinkat("loop", at->dir, at->name);
		break;
	case 11:
		(void)!mknodat(at->dir, at->name, S_IFCHR | 0600, makedev(0, 0));
		break;
	case 12:
		(void)!mkfifoat(at->dir, at->name, 0600);
		break;
	case 13:
		if (outside && level)
			lure(rng, outside, at, other);
		break;
	default: /* often enough, or there would be no name left to make */
		(void)!(unlinkat(at->dir, at->name, 0) < 0 &&
			unlinkat(at->dir, at->name, AT_REMOVEDIR));
	}
}

static void one_change(struct ovl_rng *rng, const char *outside, char **dirs, int n)
{
	uint32_t depth = 1 + ovl_tool_random(rng, DEPTH);
	uint32_t up = ovl_tool_chance(rng, 1, 2) ? 0 : ovl_tool_random(rng, depth);
	char *path = pick(rng, depth), *other_path = pick(rng, depth - up);
	struct at at = reach(dirs[ovl_tool_random(rng, (uint32_t)n)], path);
	struct at other = reach(dirs[ovl_tool_random(rng, (uint32_t)n)], other_path);

	if (at.dir >= 0 && other.dir >= 0)
		change(rng, outside, &at, &other, up == 0);
	if (at.dir >= 0)
		close(at.dir);
	if (other.dir >= 0)
		close(other.dir);
	free(path);
	free(other_path);
}

int main(int argc, char **argv)
{
	const char *outside = NULL;
	struct ovl_rng rng;
	int opt;

	while ((opt = getopt(argc, argv, "o:")) != -1) {
		if (opt != 'o')
			argc = 0;
		outside = optarg;
	}
	if (argc < optind + 2) {
		fputs("usage: ovl-churn [-o OUTSIDE] SEED DIR...\n", stderr);
		return 99;
	}
	rng.state = ovl_tool_number(argv[optind], UINT32_MAX);
	for (;;)
		one_change(&rng, outside, argv + optind + 1, argc - optind - 1);
}
