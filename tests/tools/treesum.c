/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * treesum - everything that can be known about the objects below directories, one line each
 *
 *	treesum [-x FIELD[,FIELD...]] [-w FIELD[,FIELD...]] DIR...
 *
 * Two runs print the same if and only if nothing changed in between, so the tests compare runs:
 * before and after a check, or two views of one overlay. The fields are
 *
 *	mode uid gid ino nlink size rdev attr atime mtime ctime link xattr data
 *
 * and -x leaves some of them out, or the following groups:
 *
 *	dirsize     size and nlink of directories, which depend on the file system
 *	ovlxattr    the xattrs trusted.overlay.* and user.overlay.*
 *	view        what may differ between equal views: atime ctime ino nlink dirsize
 *
 * -w adds a field again, or one that is not among them:
 *
 *	holes       the ranges of a file that hold data, as SEEK_DATA and SEEK_HOLE tell
 *	same        of a file with several names a number that all of them share
 *
 * The directory itself is the first line. Of several directories each line begins with the
 * directory and a colon. The walk leaves no trace: each directory is read through a private
 * clone of its mount with noatime, because O_NOATIME does not help against readlink().
 *
 * Exit status: 0; 1 if something could not be read (its line says so); 99 if nothing could.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tool.h"
#include "walk.h"

enum {
	F_MODE = 1 << 0,
	F_UID = 1 << 1,
	F_GID = 1 << 2,
	F_INO = 1 << 3,
	F_NLINK = 1 << 4,
	F_SIZE = 1 << 5,
	F_RDEV = 1 << 6,
	F_ATTR = 1 << 7,
	F_ATIME = 1 << 8,
	F_MTIME = 1 << 9,
	F_CTIME = 1 << 10,
	F_LINK = 1 << 11,
	F_XATTR = 1 << 12,
	F_DATA = 1 << 13,
	F_DIRSIZE = 1 << 14,
	F_OVLXATTR = 1 << 15,
	F_ALL = (1 << 16) - 1,
	F_HOLES = 1 << 16,
	F_SAME = 1 << 17,
	F_NOT_VIEW = F_ATIME | F_CTIME | F_INO | F_NLINK | F_DIRSIZE,
};

static const struct {
	const char *name;
	unsigned fields;
} field_names[] = {
	{ "mode", F_MODE },         { "uid", F_UID },       { "gid", F_GID },
	{ "ino", F_INO },           { "nlink", F_NLINK },   { "size", F_SIZE },
	{ "rdev", F_RDEV },         { "attr", F_ATTR },     { "atime", F_ATIME },
	{ "mtime", F_MTIME },       { "ctime", F_CTIME },   { "link", F_LINK },
	{ "xattr", F_XATTR },       { "data", F_DATA },     { "dirsize", F_DIRSIZE },
	{ "ovlxattr", F_OVLXATTR }, { "view", F_NOT_VIEW }, { "holes", F_HOLES },
	{ "same", F_SAME },
};

struct sum {
	const char *label; /* before each path; NULL: none */
	unsigned fields;
	bool unreadable;
	char *buf; /* for xattrs and data; grows */
	size_t size;
};

static void need(struct sum *s, size_t size)
{
	if (size > s->size) {
		s->buf = ovl_tool_realloc(s->buf, size, 1);
		s->size = size;
	}
}

static void trouble(struct sum *s, const char *what, int err)
{
	printf(" %s=!%s", what, strerrorname_np(err));
	s->unreadable = true;
}

static void print_path(const struct sum *s, const char *path, size_t len)
{
	if (s->label) {
		ovl_tool_escape(stdout, s->label, strlen(s->label), " ");
		putchar(':');
	}
	ovl_tool_escape(stdout, path, len, " ");
}

/** The value of one xattr, whatever its length. */
static void print_xattr(struct sum *s, const char *name, const char *xattr)
{
	ssize_t len;

	do {
		len = lgetxattr(name, xattr, NULL, 0);
		if (len < 0)
			break;
		need(s, (size_t)len + 1);
		len = lgetxattr(name, xattr, s->buf, s->size);
	} while (len < 0 && errno == ERANGE);
	if (len < 0) {
		trouble(s, xattr, errno);
		return;
	}
	fputs(" x:", stdout);
	ovl_tool_escape(stdout, xattr, strlen(xattr), " =");
	putchar('=');
	ovl_tool_escape(stdout, s->buf, (size_t)len, " ");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_overlay_xattr(const char *xattr)
{
	return !strncmp(xattr, "trusted.overlay.", 16) || !strncmp(xattr, "user.overlay.", 13);
}

static void print_xattrs(struct sum *s, const char *name)
{
	_cleanup_free_ char *list = NULL;
	_cleanup_free_ char **xattrs = NULL;
	size_t count = 0;
	ssize_t len;

	do {
		len = llistxattr(name, NULL, 0);
		if (len <= 0)
			break;
		list = ovl_tool_realloc(list, (size_t)len, 1);
		len = llistxattr(name, list, (size_t)len);
	} while (len < 0 && errno == ERANGE);
	if (len < 0 && errno != ENOTSUP)
		trouble(s, "xattr", errno);
	if (len <= 0)
		return;

	for (char *at = list; at < list + len; at += strlen(at) + 1) {
		xattrs = ovl_tool_realloc(xattrs, count + 1, sizeof(*xattrs));
		xattrs[count++] = at;
	}
	qsort(xattrs, count, sizeof(*xattrs), by_name);
	for (size_t i = 0; i < count; i++)
		if (s->fields & F_OVLXATTR || !is_overlay_xattr(xattrs[i]))
			print_xattr(s, name, xattrs[i]);
}

static void print_link(struct sum *s, const char *name)
{
	ssize_t len;

	for (size_t size = 256;; size *= 2) {
		need(s, size);
		len = readlink(name, s->buf, size);
		if (len < 0) {
			trouble(s, "link", errno);
			return;
		}
		if ((size_t)len < size)
			break;
	}
	fputs(" link=", stdout);
	ovl_tool_escape(stdout, s->buf, (size_t)len, " ");
}

/**
 * Adds a block to the hash of a file. A block of zeros adds nothing, so that a hole and zeros
 * that were written are the same data.
 */
static uint64_t add_block(uint64_t hash, const char *data, size_t len, off_t offset)
{
	size_t i;

	for (i = 0; i < len && !data[i]; i++)
		;
	if (i == len)
		return hash;
	hash = (hash ^ (uint64_t)offset) * 0x100000001b3u;
	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * 0x100000001b3u;
	return hash;
}

static int hash_data(struct sum *s, int fd, uint64_t *ret_hash)
{
	const size_t block = 4096;
	uint64_t hash = 0xcbf29ce484222325u;
	off_t offset = 0;
	ssize_t len;

	need(s, block);
	for (;;) {
		off_t data = lseek(fd, offset, SEEK_DATA);

		if (data < 0 && errno == ENXIO)
			break;
		offset = data < 0 ? offset : data & ~(off_t)(block - 1);
		len = pread(fd, s->buf, block, offset);
		if (len < 0)
			return -errno;
		if (!len)
			break;
		hash = add_block(hash, s->buf, (size_t)len, offset);
		offset += len;
	}
	*ret_hash = hash;
	return 0;
}

/** Where the data of a file is: a hole that is lost shows here and nowhere else. */
static int print_holes(int fd)
{
	off_t data = 0, hole = 0;
	char comma = '=';

	/* What was allocated and not written counts as data while somebody has read it, or a part nearby. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	fputs(" holes", stdout);
	for (;;) {
		data = lseek(fd, hole, SEEK_DATA);
		if (data < 0)
			return errno == ENXIO ? 0 : -errno;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		printf("%c%jd-%jd", comma, (intmax_t)data, (intmax_t)hole);
		comma = ',';
	}
}

static void print_data(struct sum *s, const char *name)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	_cleanup_close_ int fd = open(name, flags | O_NOATIME);
	uint64_t hash = 0;
	int r;

	if (fd < 0 && errno == EPERM)
		fd = open(name, flags);
	r = fd < 0 ? -errno : 0;
	if (!r && s->fields & F_HOLES)
		r = print_holes(fd);
	if (!r)
		r = hash_data(s, fd, &hash);
	if (r < 0)
		trouble(s, "data", -r);
	else
		printf(" data=%016" PRIx64, hash);
}

static void print_time(const char *field, const struct timespec *t)
{
	printf(" %s=%jd.%09ld", field, (intmax_t)t->tv_sec, t->tv_nsec);
}

static void print_attr(struct sum *s, const char *name)
{
	const uint64_t lasting = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP |
				 STATX_ATTR_COMPRESSED;
	struct statx sx;

	if (statx(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &sx) < 0)
		trouble(s, "attr", errno);
	else
		printf(" attr=%" PRIx64, (uint64_t)sx.stx_attributes & lasting);
}

static char type_letter(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 'f';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	default:
		return '?';
	}
}

static void print_status(const struct sum *s, const struct stat *st)
{
	const bool sized = !S_ISDIR(st->st_mode) || s->fields & F_DIRSIZE;

	if (s->fields & F_MODE)
		printf(" mode=%04o", st->st_mode & 07777);
	if (s->fields & F_UID)
		printf(" uid=%u", st->st_uid);
	if (s->fields & F_GID)
		printf(" gid=%u", st->st_gid);
	if (s->fields & F_INO)
		printf(" ino=%ju", (uintmax_t)st->st_ino);
	if (s->fields & F_NLINK && sized)
		printf(" nlink=%ju", (uintmax_t)st->st_nlink);
	if (s->fields & F_SIZE && sized)
		printf(" size=%jd", (intmax_t)st->st_size);
	if (s->fields & F_RDEV && (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)))
		printf(" rdev=%u:%u", major(st->st_rdev), minor(st->st_rdev));
	if (s->fields & F_SAME && !S_ISDIR(st->st_mode) && st->st_nlink > 1)
		printf(" same=%jx:%ju", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
	if (s->fields & F_ATIME)
		print_time("atime", &st->st_atim);
	if (s->fields & F_MTIME)
		print_time("mtime", &st->st_mtim);
	if (s->fields & F_CTIME)
		print_time("ctime", &st->st_ctim);
}

static int visit(void *arg, const struct ovl_walk_at *at)
{
	struct sum *s = arg;

	print_path(s, at->path, at->path_len);
	printf(" %c", type_letter(at->st->st_mode));
	print_status(s, at->st);
	if (s->fields & F_ATTR)
		print_attr(s, at->name);
	if (s->fields & F_LINK && S_ISLNK(at->st->st_mode))
		print_link(s, at->name);
	if (s->fields & F_XATTR)
		print_xattrs(s, at->name);
	if (s->fields & F_DATA && S_ISREG(at->st->st_mode))
		print_data(s, at->name);
	putchar('\n');
	return 1;
}

static int failed(void *arg, const struct ovl_walk_at *at, int err)
{
	struct sum *s = arg;

	print_path(s, at->path, at->path_len);
	trouble(s, at->st ? "entries" : "status", err);
	putchar('\n');
	return 0;
}

/** Opens a directory, through a mount of our own that updates no times if we may have one. */
static int open_root(const char *dir)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOATIME, .attr_clr = MOUNT_ATTR__ATIME };
	_cleanup_close_ int clone = open_tree(AT_FDCWD, dir, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (clone >= 0 && mount_setattr(clone, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0) {
		close(clone);
		clone = -EBADF;
	}
	if (clone >= 0)
		return openat(clone, ".", O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC);
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void sum_tree(struct sum *s, const char *dir)
{
	static const struct ovl_walk_ops ops = { .visit = visit, .failed = failed };
	_cleanup_close_ int root = open_root(dir);
	_cleanup_close_ int home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct ovl_walk_at at = { .name = ".", .path = "/", .path_len = 1 };
	struct stat st;
	int r;

	if (root < 0 || home < 0 || fstat(root, &st) < 0 || fchdir(root) < 0)
		ovl_tool_die("%s", dir);
	at.st = &st;
	visit(s, &at);
	if (fchdir(home) < 0)
		ovl_tool_die("the working directory");
	r = ovl_walk(root, &ops, s);
	if (r < 0) {
		errno = -r;
		ovl_tool_die("lost the way in %s", dir);
	}
}

static unsigned parse_fields(char *list)
{
	unsigned fields = 0;
	char *save = NULL;

	for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		size_t i = 0;

		while (i < ARRAY_LEN(field_names) && strcmp(field_names[i].name, word))
			i++;
		if (i == ARRAY_LEN(field_names)) {
			errno = 0;
			ovl_tool_die("no field '%s'", word);
		}
		fields |= field_names[i].fields;
	}
	return fields;
}

int main(int argc, char **argv)
{
	struct sum s = { .fields = F_ALL };
	int opt;

	while ((opt = getopt(argc, argv, "x:w:")) != -1) {
		switch (opt) {
		case 'x':
			s.fields &= ~parse_fields(optarg);
			break;
		case 'w':
			s.fields |= parse_fields(optarg);
			break;
		default:
			fputs("usage: treesum [-x FIELD,...] [-w FIELD,...] DIR...\n", stderr);
			return 99;
		}
	}
	errno = 0;
	if (optind == argc)
		ovl_tool_die("which directory?");
	for (int i = optind; i < argc; i++) {
		s.label = argc - optind > 1 ? argv[i] : NULL;
		sum_tree(&s, argv[i]);
	}
	free(s.buf);
	if (fflush(stdout) || ferror(stdout))
		ovl_tool_die("writing");
	return s.unreadable;
}
