/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names and paths of ovl-random. The pool of names is small: the same name must come back as
 * file, directory and whiteout, or nothing interesting happens.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "random.h"
#include "walk.h"

#define LONG_85 \
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-long-name-of-85-bytes."

/** Names that a careless reader, printer, parser or heuristic stumbles over. */
static const char *const odd_names[] = {
	"#1",
	"#ffffffff",
	".wh.a",
	".wh..wh..opq",
	"new\nline",
	"\033[31mred\033[0m",
	"colon:name",
	"com,ma",
	"back\\slash",
	"oct\\040al",
	" lead",
	"trail ",
	"\"quoted\"",
	"$(touch x)",
	"*?[a-z]",
	"-n",
	"--",
	"upper:/a: text (opaque-value)",
	"\xff\xfe\x80",
	"\xc3\xa9t\xc3\xa9",
	"...",
	"..a",
	"lost+found",
	"index",
	"work",
	"upper",
	"diff",
	"merged",
	"lower",
	"incompat",
	"a\tb",
	"\r",
	LONG_85 LONG_85 LONG_85,
};

static const char *const plain_names[] = { "a", "b", "c", "d", "e", "f" };

const char *ovl_rnd_name_new(struct ovl_rnd *r)
{
	if (ovl_tool_chance(&r->rng, 1, 6))
		return odd_names[ovl_tool_random(&r->rng, ARRAY_LEN(odd_names))];
	return plain_names[ovl_tool_random(&r->rng, ARRAY_LEN(plain_names))];
}

static bool is_dir(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISDIR(st.st_mode);
}

/** Some entry of @dir as a path, or NULL if it has none or cannot be read. */
static char *some_entry(struct ovl_rnd *r, const char *dir)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char **names = NULL, *path = NULL;
	size_t count = 0;

	if (fd < 0 || ovl_walk_names(fd, &names, &count) < 0)
		return NULL;
	if (count) {
		const char *name = names[ovl_tool_random(&r->rng, (uint32_t)count)];

		path = strcmp(dir, ".") ? ovl_tool_format("%s/%s", dir, name) :
					  ovl_tool_format("./%s", name);
	}
	ovl_walk_names_free(names, count);
	return path;
}

char *ovl_rnd_name_dir(struct ovl_rnd *r)
{
	char *dir = ovl_tool_format(".");

	for (int depth = 0; depth < 12 && ovl_tool_chance(&r->rng, 3, 5); depth++) {
		for (int tries = 0; tries < 4; tries++) {
			char *entry = some_entry(r, dir);

			if (entry && is_dir(entry)) {
				free(dir);
				dir = entry;
				break;
			}
			free(entry);
		}
	}
	return dir;
}

/** A path from the pool alone: nothing is listed or looked up on the way. */
static char *blind_path(struct ovl_rnd *r)
{
	char *path = ovl_tool_format(".");
	uint32_t depth = 1 + ovl_tool_random(&r->rng, 3);

	while (depth--) {
		char *longer = ovl_tool_format("%s/%s", path, ovl_rnd_name_new(r));

		free(path);
		path = longer;
	}
	return path;
}

char *ovl_rnd_name_any(struct ovl_rnd *r)
{
	_cleanup_free_ char *dir = NULL;
	char *path;

	if (ovl_tool_chance(&r->rng, 1, 4))
		return blind_path(r);
	dir = ovl_rnd_name_dir(r);
	path = some_entry(r, dir);
	return path ? path : blind_path(r);
}

char *ovl_rnd_name_free(struct ovl_rnd *r)
{
	_cleanup_free_ char *dir = NULL;

	if (ovl_tool_chance(&r->rng, 1, 4))
		return blind_path(r);
	dir = ovl_rnd_name_dir(r);
	return ovl_tool_format("%s/%s", dir, ovl_rnd_name_new(r));
}
