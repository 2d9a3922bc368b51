/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-xattrs - objects with xattrs of overlayfs of every length
 *
 *	ovl-xattrs [-u] [-s SEED] [-m MAX] DIR
 *
 * In DIR, for every xattr of overlayfs and every length from 0 to MAX (300), a file and a directory
 * that have the xattr with a value of that length: zeros, letters, noise, or something that begins
 * like a good value; which of these, and what else the object has, the seed decides.
 * -u: user.overlay. instead of trusted.overlay.
 *
 * Exit status: 0; 99 trouble.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tool.h"

enum { LARGEST = 65536 };

static const char *const names[] = {
	"opaque",   "redirect", "origin",   "impure",    "nlink",  "upper",          "uuid",
	"metacopy", "protattr", "whiteout", "whiteouts", "verity", "overlay.opaque", "overlay.",
};

/* Beginnings of good values. */
static const struct {
	const char *data;
	size_t len;
} heads[] = {
	{ "y", 1 },
	{ "x", 1 },
	{ "/", 1 },
	{ "/a/b", 4 },
	{ "U+", 2 },
	{ "L-1", 3 },
	{ "\0\xfb\x1d\0\1", 5 },
	{ "\0\xfb\x21\4\x81", 5 },
	{ "\0\xfb\xff\0\1", 5 },
	{ "\0\xfb\0\0\1", 5 },
	{ "\0\x24\0\1", 4 },
	{ "\0\x44\0\2", 4 },
	{ "\0\4\0\0", 4 },
	{ "ia", 2 },
};

static void fill(struct ovl_rng *rng, unsigned char *value, size_t len)
{
	uint32_t how = ovl_tool_random(rng, 5), head;

	for (size_t i = 0; i < len; i++)
		value[i] = how == 0 ? 0 :
			   how == 1 ? "/a.\\\n"[ovl_tool_random(rng, 5)] :
				      (unsigned char)ovl_tool_random(rng, 256);
	if (how < 3)
		return;
	head = ovl_tool_random(rng, ARRAY_LEN(heads));
	memcpy(value, heads[head].data, heads[head].len < len ? heads[head].len : len);
	if (how == 4 && len >= 3 && len < 256)
		value[2] = (unsigned char)len; /* where a handle has its length */
}

static void set(struct ovl_rng *rng, const char *path, const char *prefix, const char *name,
		size_t len)
{
	static unsigned char value[LARGEST];
	char *xattr = ovl_tool_format("%s%s", prefix, name);

	fill(rng, value, len);
	if (setxattr(path, xattr, value, len, 0) < 0 && errno != ENOSPC && errno != E2BIG)
		ovl_tool_die("%s of %s", xattr, path);
	free(xattr);
}

static void make(struct ovl_rng *rng, const char *dir, const char *prefix, const char *name,
		 size_t len)
{
	char *file = ovl_tool_format("%s/f.%s.%zu", dir, name, len);
	char *sub = ovl_tool_format("%s/d.%s.%zu", dir, name, len);
	int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0 || (ovl_tool_chance(rng, 1, 2) && write(fd, "data", 4) != 4) ||
	    mkdir(sub, 0755) < 0)
		ovl_tool_die("%s", file);
	close(fd);
	if (ovl_tool_chance(rng, 1, 2))
		set(rng, file, prefix, "metacopy", 0); /* so that its redirect counts */
	if (ovl_tool_chance(rng, 1, 4))
		set(rng, sub, prefix, names[ovl_tool_random(rng, ARRAY_LEN(names))], 1);
	set(rng, file, prefix, name, len);
	set(rng, sub, prefix, name, len);
	free(file);
	free(sub);
}

int main(int argc, char **argv)
{
	const char *prefix = "trusted.overlay.";
	struct ovl_rng rng = { 1 };
	size_t max = 300;
	int opt;

	while ((opt = getopt(argc, argv, "us:m:")) != -1) {
		if (opt == 'u')
			prefix = "user.overlay.";
		else if (opt == 's')
			rng.state = ovl_tool_number(optarg, UINT32_MAX);
		else if (opt == 'm')
			max = ovl_tool_number(optarg, LARGEST);
		else
			argc = 0;
	}
	if (argc - optind != 1) {
		fputs("usage: ovl-xattrs [-u] [-s SEED] [-m MAX] DIR\n", stderr);
		return 99;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		for (size_t len = 0; len <= max; len++)
			make(&rng, argv[optind], prefix, names[i], len);
	return 0;
}
