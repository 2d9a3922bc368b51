/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations of ovl-random on names and trees, and the table that says how often each is made.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "random.h"
#include "walk.h"

static void op_mkdir(struct ovl_rnd *r)
{
	_cleanup_free_ char *path = ovl_rnd_name_free(r);

	ovl_rnd_op_done(r, mkdir(path, 0755), "mkdir", path, NULL);
}

static void op_mkdirs(struct ovl_rnd *r)
{
	uint32_t depth = 2 + ovl_tool_random(&r->rng, 10);
	char *path = ovl_rnd_name_dir(r);

	while (depth--) {
		char *longer = ovl_tool_format("%s/%c", path, 'a' + (char)(depth % 4));

		free(path);
		path = longer;
		ovl_rnd_op_done(r, mkdir(path, 0711), "mkdir", path, NULL);
	}
	free(path);
}

static void op_symlink(struct ovl_rnd *r)
{
	/* None of them may lead out of the tree, whatever follows it. */
	static const char *const targets[] = { "a", "b/c", "/no/such/file/ovl-random",
					       "(overlay-whiteout)", "d\n\\" };
	_cleanup_free_ char *path = ovl_rnd_name_free(r);
	const char *target = targets[ovl_tool_random(&r->rng, ARRAY_LEN(targets))];
	_cleanup_free_ char *longest = ovl_tool_format("%03000d", 7);

	if (ovl_tool_chance(&r->rng, 1, 10))
		target = longest;
	ovl_rnd_op_done(r, symlink(target, path), "symlink", path, NULL);
}

static void op_mknod(struct ovl_rnd *r)
{
	static const struct {
		mode_t mode;
		unsigned major, minor;
		bool overlay_only;
	} nodes[] = {
		{ S_IFIFO | 0600, 0, 0, false }, { S_IFSOCK | 0755, 0, 0, false },
		{ S_IFCHR | 0666, 1, 3, false }, { S_IFBLK | 0660, 7, 0, false },
		{ S_IFBLK | 0600, 0, 0, false }, { S_IFCHR | 0600, 0, 1, false },
		{ S_IFCHR | 0600, 0, 0, true }, /* the overlay refuses it; elsewhere a whiteout */
	};
	_cleanup_free_ char *path = ovl_rnd_name_free(r);
	uint32_t i = ovl_tool_random(&r->rng, ARRAY_LEN(nodes));

	if (r->plain && nodes[i].overlay_only)
		return;
	ovl_rnd_op_done(r, mknod(path, nodes[i].mode, makedev(nodes[i].major, nodes[i].minor)),
			"mknod", path, NULL);
}

static void op_link(struct ovl_rnd *r)
{
	_cleanup_free_ char *from = ovl_rnd_name_any(r);
	_cleanup_free_ char *to = ovl_rnd_name_free(r);
	struct stat st;

	/*
	 * With userxattr,index=on a hard-linked symlink, fifo or device is copied up into an index
	 * entry that cannot carry its origin, and the kernel refuses the next mount (ENODATA).
	 * That is damage, though nobody but the kernel did it: keep away.
	 */
	if (r->userxattr && (lstat(from, &st) < 0 || !S_ISREG(st.st_mode)))
		return;
	ovl_rnd_op_done(r, linkat(AT_FDCWD, from, AT_FDCWD, to, 0), "link", from, to);
}

static void op_rename(struct ovl_rnd *r)
{
	static const unsigned flags[] = { 0, 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE };
	static const char *const names[] = { [0] = "rename",
					     [RENAME_NOREPLACE] = "rename-noreplace",
					     [RENAME_EXCHANGE] = "rename-exchange" };
	unsigned flag = flags[ovl_tool_random(&r->rng, ARRAY_LEN(flags))];
	_cleanup_free_ char *from = ovl_tool_chance(&r->rng, 1, 3) ? ovl_rnd_name_dir(r) :
								     ovl_rnd_name_any(r);
	_cleanup_free_ char *to = flag == RENAME_EXCHANGE || ovl_tool_chance(&r->rng, 1, 3) ?
					  ovl_rnd_name_any(r) :
					  ovl_rnd_name_free(r);

	ovl_rnd_op_done(r, renameat2(AT_FDCWD, from, AT_FDCWD, to, flag), names[flag], from, to);
}

/** A new name in the same directory: the redirect stays relative. */
static void op_rename_near(struct ovl_rnd *r)
{
	_cleanup_free_ char *from = ovl_tool_chance(&r->rng, 1, 2) ? ovl_rnd_name_dir(r) :
								     ovl_rnd_name_any(r);
	const char *slash = strrchr(from, '/');
	_cleanup_free_ char *to = NULL;

	if (!slash)
		return;
	to = ovl_tool_format("%.*s/%s", (int)(slash - from), from, ovl_rnd_name_new(r));
	ovl_rnd_op_done(r, rename(from, to), "rename", from, to);
}

static void op_unlink(struct ovl_rnd *r)
{
	_cleanup_free_ char *path = ovl_rnd_name_any(r);

	ovl_rnd_op_done(r, unlink(path), "unlink", path, NULL);
}

static void op_rmdir(struct ovl_rnd *r)
{
	_cleanup_free_ char *path = ovl_rnd_name_dir(r);

	ovl_rnd_op_done(r, rmdir(path), "rmdir", path, NULL);
}

static int remove_visit(void *arg, const struct ovl_walk_at *at)
{
	if (S_ISDIR(at->st->st_mode))
		return 1;
	ovl_rnd_op_done(arg, unlink(at->name), "rm", at->path, NULL);
	return 0;
}

static int remove_leave(void *arg, const struct ovl_walk_at *at)
{
	ovl_rnd_op_done(arg, rmdir(at->name), "rm-dir", at->path, NULL);
	return 0;
}

static int walk_failed(void *arg, const struct ovl_walk_at *at, int err)
{
	errno = err;
	ovl_rnd_op_done(arg, -1, "walk", at->path, NULL);
	return 0;
}

void ovl_rnd_tree_remove(struct ovl_rnd *r, const char *path)
{
	static const struct ovl_walk_ops ops = { .visit = remove_visit,
						 .leave = remove_leave,
						 .failed = walk_failed };
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		ovl_rnd_op_done(r, unlink(path), "rm", path, NULL);
		return;
	}
	if (ovl_walk(fd, &ops, r) < 0)
		ovl_tool_die("rm -r lost its way in %s", path);
	ovl_rnd_op_done(r, rmdir(path), "rm-dir", path, NULL);
}

/** rm -r, and often a new object under the old name: that is what makes opaque directories. */
static void op_replace(struct ovl_rnd *r)
{
	_cleanup_free_ char *path = ovl_rnd_name_dir(r);

	if (!strcmp(path, "."))
		return;
	ovl_rnd_tree_remove(r, path);
	if (ovl_tool_chance(&r->rng, 1, 2))
		ovl_rnd_op_done(r, mkdir(path, 0755), "mkdir", path, NULL);
	else if (ovl_tool_chance(&r->rng, 1, 3))
		ovl_rnd_op_done(r, symlink("a", path), "symlink", path, NULL);
}

/** Lists and looks up, as ls -l does: even that writes into the upper layer. */
static void op_look(struct ovl_rnd *r)
{
	_cleanup_free_ char *dir = ovl_rnd_name_dir(r);
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char **names = NULL;
	size_t count = 0;
	int rc = fd < 0 ? -1 : ovl_walk_names(fd, &names, &count);

	for (size_t i = 0; !rc && i < count; i++) {
		struct stat st;

		if (fstatat(fd, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			ovl_rnd_op_done(r, -1, "stat", dir, names[i]);
	}
	ovl_rnd_op_done(r, rc, "look", dir, NULL);
	ovl_walk_names_free(names, count);
}

static void op_sync(struct ovl_rnd *r)
{
	_cleanup_free_ char *dir = ovl_rnd_name_dir(r);
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	ovl_rnd_op_done(r, fd < 0 ? -1 : fsync(fd), "fsync", dir, NULL);
}

static const struct {
	void (*run)(struct ovl_rnd *r);
	unsigned weight;
	unsigned base_weight; /* while the lower layers are made */
} table[] = {
	{ ovl_rnd_op_create, 10, 24 },
	{ ovl_rnd_op_write, 10, 4 },
	{ ovl_rnd_op_attr, 14, 6 },
	{ ovl_rnd_op_xattr, 8, 4 },
	{ ovl_rnd_op_flags, 1, 0 },
	{ ovl_rnd_op_clone, 2, 1 },
	{ ovl_rnd_op_tmpfile, 2, 0 },
	{ ovl_rnd_op_orphan, 3, 0 },
	{ op_mkdir, 10, 24 },
	{ op_mkdirs, 1, 2 },
	{ op_symlink, 4, 6 },
	{ op_mknod, 3, 6 },
	{ op_link, 10, 12 },
	{ op_rename, 14, 4 },
	{ op_rename_near, 10, 0 },
	{ op_unlink, 8, 3 },
	{ op_rmdir, 2, 1 },
	{ op_replace, 4, 0 },
	{ op_look, 3, 0 },
	{ op_sync, 1, 0 },
};

void ovl_rnd_tree_run(struct ovl_rnd *r, unsigned count)
{
	unsigned total = 0;

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		total += r->plain ? table[i].base_weight : table[i].weight;
	while (count--) {
		uint32_t pick = ovl_tool_random(&r->rng, total);
		size_t i = 0;

		for (;; i++) {
			unsigned weight = r->plain ? table[i].base_weight : table[i].weight;

			if (pick < weight)
				break;
			pick -= weight;
		}
		table[i].run(r);
	}
}

static int look_visit(void *arg, const struct ovl_walk_at *at)
{
	struct ovl_rnd *r = arg;
	_cleanup_close_ int fd = -EBADF;
	char buf[4096];
	ssize_t len = llistxattr(at->name, NULL, 0);

	if (len < 0)
		ovl_rnd_op_done(r, -1, "listxattr", at->path, NULL);
	if (!S_ISREG(at->st->st_mode))
		return 1;
	fd = open(at->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	do
		len = fd < 0 ? -1 : read(fd, buf, sizeof(buf));
	while (len > 0);
	if (len < 0)
		ovl_rnd_op_done(r, -1, "read", at->path, NULL);
	return 0;
}

void ovl_rnd_tree_look(struct ovl_rnd *r)
{
	static const struct ovl_walk_ops ops = { .visit = look_visit, .failed = walk_failed };
	_cleanup_close_ int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : ovl_walk(fd, &ops, r);

	if (rc < 0)
		ovl_rnd_op_done(r, rc, "look at all", ".", NULL);
}
