/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is what --inspect says what the kernel shows?
 *
 *	inspect OPTIONS MOUNTPOINT
 *
 * MOUNTPOINT is a mount of the overlay that OPTIONS describe. Each path that the mount or one of its
 * layers has is inspected, and looked at through the mount: the result must be that of lstat(2), the
 * object that is said to give the metadata must have the owner, mode, size and time that show, and the
 * file that is said to give the content must have that content. Exits 0, 1 with a difference, 99 if
 * it cannot run.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "overlayfs/inspect.h"
#include "overlayfs/option.h"
#include "overlayfs/stack.h"
#include "tool.h"
#include "walk.h"

struct oracle {
	const char *mountpoint;
	struct ovl_stack *stack;
	unsigned long paths, contents, differences;
	const char *path;
};

static void __attribute__((format(printf, 2, 3))) differ(struct oracle *o, const char *fmt, ...)
{
	va_list args;

	printf("# ");
	ovl_tool_escape(stdout, o->path, strlen(o->path), "");
	printf(": ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	o->differences++;
}

/* The only layer with this part; NULL if there is none, and a difference if there are several. */
static const struct ovl_inspect_layer *find_part(struct oracle *o, const struct ovl_inspection *in,
						 unsigned part)
{
	const struct ovl_inspect_layer *found = NULL;

	for (size_t i = 0; i < in->n_layer; i++) {
		if (!(in->layer[i].part & part))
			continue;
		if (found)
			differ(o, "part %u of two layers", part);
		found = &in->layer[i];
	}
	return found;
}

/* Absolute path of a place in a layer. */
static char *real_path(struct oracle *o, const struct ovl_inspect_layer *l)
{
	_cleanup_free_ char *path = ovl_stack_path(l->loc);

	if (!path)
		ovl_tool_die("out of memory");
	return ovl_tool_format("%s%s", ovl_stack_layer_dir(o->stack, l->loc.layer), path);
}

static bool is_same_content(int a, int b)
{
	static char from_a[65536], from_b[65536];
	ssize_t n;

	do {
		n = read(a, from_a, sizeof(from_a));
		if (n < 0 || read(b, from_b, sizeof(from_b)) != n ||
		    memcmp(from_a, from_b, (size_t)n) != 0)
			return false;
	} while (n > 0);
	return true;
}

static void compare_content(struct oracle *o, const struct ovl_inspection *in, const char *shown)
{
	const struct ovl_inspect_layer *data = find_part(o, in, OVL_PART_DATA);
	_cleanup_close_ int merged = open(shown, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_close_ int real = -EBADF;
	_cleanup_free_ char *path = NULL;

	if (!data) {
		if (merged >= 0)
			differ(o, "can be read, but no layer has the data");
		return;
	}
	path = real_path(o, data);
	real = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (merged < 0 || real < 0)
		differ(o, "cannot be opened: %s", strerror(errno));
	else if (!is_same_content(merged, real))
		differ(o, "the content is not that of layer %d", data->loc.layer);
	o->contents++;
}

static void compare_metadata(struct oracle *o, const struct ovl_inspection *in,
			     const struct stat *st)
{
	const struct ovl_inspect_layer *top = find_part(o, in, OVL_PART_METADATA);
	const struct ovl_stat *own;

	if (!top) {
		differ(o, "no layer gives the metadata");
		return;
	}
	own = &top->obs.stat;
	if (own->mode != st->st_mode || own->uid != st->st_uid || own->gid != st->st_gid)
		differ(o, "mode %o owner %u:%u instead of %o %u:%u", own->mode, own->uid, own->gid,
		       st->st_mode, st->st_uid, st->st_gid);
	if (own->mtime_sec != st->st_mtim.tv_sec || own->mtime_nsec != st->st_mtim.tv_nsec)
		differ(o, "another time of change");
	if (!S_ISDIR(st->st_mode) && own->size != (uint64_t)st->st_size)
		differ(o, "size %llu instead of %lld", (unsigned long long)own->size,
		       (long long)st->st_size);
}

/* lstat(2) where no symlink on the way is followed: 0 or negative errno */
static int look(char *path, size_t from, struct stat *st)
{
	char *slash;
	int r;

	for (slash = strchr(path + from + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		r = lstat(path, st) < 0 ? -errno : 0;
		*slash = '/';
		if (r < 0 || !S_ISDIR(st->st_mode))
			return r < 0 ? r : -ENOTDIR;
	}
	return lstat(path, st) < 0 ? -errno : 0;
}

static void compare(struct oracle *o, const char *path)
{
	_cleanup_free_ char *shown = ovl_tool_format("%s%s", o->mountpoint, path);
	struct ovl_inspect_memory *memory = NULL;
	struct ovl_inspection in;
	struct ovl_error e = OVL_ERROR_INIT;
	struct stat st;
	int err;

	if (strlen(shown) >= PATH_MAX)
		return; /* not to be looked at in one go */
	o->path = path;
	o->paths++;
	err = look(shown, strlen(o->mountpoint), &st);
	if (ovl_inspect(o->stack, path, &in, &memory, &e) < 0)
		ovl_tool_die("%s: %s", path, e.text);
	if (in.result != err)
		differ(o, "%s instead of %s", strerror(-in.result), strerror(-err));
	else if ((in.result == 0) != (in.result_why[0] == '\0'))
		differ(o, "result %d, and why \"%s\"", in.result, in.result_why);
	if (in.result == 0 && err == 0) {
		compare_metadata(o, &in, &st);
		if (S_ISREG(st.st_mode))
			compare_content(o, &in, shown);
	}
	ovl_inspect_free(memory);
}

static int visit(void *arg, const struct ovl_walk_at *at)
{
	compare(arg, at->path);
	return at->st && S_ISDIR(at->st->st_mode);
}

static int failed(void *arg, const struct ovl_walk_at *at, int err)
{
	(void)err;
	if (!at->st)
		compare(arg, at->path);
	return 0;
}

static void compare_tree(struct oracle *o, const char *dir)
{
	static const struct ovl_walk_ops ops = { .visit = visit, .failed = failed };
	_cleanup_close_ int root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		ovl_tool_die("%s", dir);
	if (ovl_walk(root, &ops, o) < 0)
		ovl_tool_die("cannot walk %s", dir);
}

int main(int argc, char **argv)
{
	struct oracle o = { 0 };
	struct ovl_config config = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;

	if (argc != 3)
		ovl_tool_die("usage: inspect OPTIONS MOUNTPOINT");
	o.mountpoint = argv[2];
	if (ovl_config_parse(&config, argv[1], &e) < 0 ||
	    ovl_stack_open(&config, NULL, &o.stack, &e) < 0)
		ovl_tool_die("%s", e.text);
	compare(&o, "/");
	compare_tree(&o, o.mountpoint);
	if (config.upper)
		compare_tree(&o, config.upper);
	for (size_t i = 0; i < config.n_lower; i++)
		compare_tree(&o, config.lower[i]);
	printf("# %lu paths and %lu contents compared, %lu differences\n", o.paths, o.contents,
	       o.differences);
	ovl_stack_close(o.stack);
	ovl_config_done(&config);
	return o.differences > 0;
}
