/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations of ovl-random on one object: its content, its attributes, its xattrs.
 *
 * Errors are part of the game (a name is gone, a directory is in the way) and only logged.
 * No symlink that ovl-random makes leads out of the tree, so it does no harm that some calls
 * follow them; contents are only touched in regular files.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "random.h"

void ovl_rnd_op_done(struct ovl_rnd *r, int rc, const char *what, const char *a, const char *b)
{
	int err = rc < 0 ? errno : 0;
	/* The answers of an overlay that is broken, of course but for immutable files. */
	const bool strange = err == EIO || err == ESTALE || err == EUCLEAN || err == ENODATA;

	r->ops++;
	r->strange += strange;
	fprintf(r->log, "%s%s ", strange ? "STRANGE " : "", what);
	ovl_tool_escape(r->log, a, strlen(a), " ");
	if (b) {
		fputc(' ', r->log);
		ovl_tool_escape(r->log, b, strlen(b), " ");
	}
	fprintf(r->log, " = %s\n", err ? strerrorname_np(err) : "0");
}

/** Opens a regular file, never anything else. */
static int open_file(const char *path, int flags)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = ENOTSUP;
		return -1;
	}
	return open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static size_t some_bytes(struct ovl_rnd *r, char *buf, size_t size)
{
	size_t len = ovl_tool_chance(&r->rng, 1, 2) ? ovl_tool_random(&r->rng, 100) :
						      ovl_tool_random(&r->rng, (uint32_t)size);

	for (size_t i = 0; i < len; i++)
		buf[i] = (char)('A' + (len + i / 7) % 50);
	return len;
}

/** Changes the content of an open file in one of the ways there are. */
static int change_content(struct ovl_rnd *r, int fd)
{
	char buf[20000];
	size_t len = some_bytes(r, buf, sizeof(buf));
	off_t offset = ovl_tool_random(&r->rng, ovl_tool_chance(&r->rng, 1, 4) ? 4 << 20 : 30000);

	switch (ovl_tool_random(&r->rng, 6)) {
	case 0:
		return ftruncate(fd, offset);
	case 1:
		return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, 8192);
	case 2:
		return fallocate(fd, 0, offset, 5000);
	case 3:
		return write(fd, buf, len) < 0 ? -1 : fsync(fd);
	default:
		return pwrite(fd, buf, len, offset) < 0 ? -1 : 0;
	}
}

void ovl_rnd_op_create(struct ovl_rnd *r)
{
	static const int how[] = { O_CREAT, O_CREAT | O_EXCL, O_CREAT | O_TRUNC };
	static const mode_t modes[] = { 0644, 0600, 0755, 04755, 0000 };
	_cleanup_free_ char *path = ovl_rnd_name_free(r);
	_cleanup_close_ int fd = -EBADF;
	struct stat st;
	int rc;

	if (!lstat(path, &st) && !S_ISREG(st.st_mode)) {
		errno = EEXIST;
		ovl_rnd_op_done(r, -1, "create", path, NULL);
		return;
	}
	fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | how[ovl_tool_random(&r->rng, 3)],
		  modes[ovl_tool_random(&r->rng, ARRAY_LEN(modes))]);
	rc = fd < 0 ? -1 : 0;
	if (!rc && ovl_tool_chance(&r->rng, 3, 4))
		rc = change_content(r, fd);
	ovl_rnd_op_done(r, rc, "create", path, NULL);
}

void ovl_rnd_op_write(struct ovl_rnd *r)
{
	static const int how[] = { O_WRONLY, O_RDWR, O_WRONLY | O_APPEND, O_WRONLY | O_TRUNC };
	_cleanup_free_ char *path = ovl_rnd_name_any(r);
	_cleanup_close_ int fd = open_file(path, how[ovl_tool_random(&r->rng, 4)]);
	int rc = fd < 0 ? -1 : 0;

	/* An open for writing alone copies up. */
	if (!rc && ovl_tool_chance(&r->rng, 4, 5))
		rc = change_content(r, fd);
	ovl_rnd_op_done(r, rc, "write", path, NULL);
}

void ovl_rnd_op_attr(struct ovl_rnd *r)
{
	_cleanup_free_ char *path = ovl_rnd_name_any(r);
	struct timespec times[2] = { { .tv_sec = 1000000000 + ovl_tool_random(&r->rng, 1000) },
				     { .tv_sec = 1200000000, .tv_nsec = 123456789 } };
	uint32_t what = ovl_tool_random(&r->rng, 5);
	struct stat st;
	int rc;

	switch (what) {
	case 0:
	case 1:
		rc = lchown(path, ovl_tool_random(&r->rng, 3) * 1000, (gid_t)-1);
		break;
	case 2:
		rc = utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
		break;
	case 3:
		rc = lstat(path, &st);
		if (!rc && S_ISREG(st.st_mode))
			rc = truncate(path, ovl_tool_random(&r->rng, 10000));
		break;
	default:
		rc = chmod(path, 0400 | ovl_tool_random(&r->rng, 04000));
		break;
	}
	ovl_rnd_op_done(r, rc, "attr", path, NULL);
}

/** user::rw-, user:1000:r--, group::r--, mask::r--, other::--- */
static const unsigned char acl[] = {
	2, 0,    0,    0,    0x01, 0,    6,    0, 0xff, 0xff, 0xff, 0xff, 0x02, 0,    4,
	0, 0xe8, 0x03, 0,    0,    4,    0,    4, 0,    0xff, 0xff, 0xff, 0xff, 0x10, 0,
	4, 0,    0xff, 0xff, 0xff, 0xff, 0x20, 0, 0,    0,    0xff, 0xff, 0xff, 0xff,
};

/** cap_net_raw=ep */
static const unsigned char cap[] = {
	1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};

/**
 * Sets an xattr of overlayfs itself, through the mount. The kernel stores it under a longer name,
 * for an overlay that somebody keeps inside this one. Under the prefix that this overlay does
 * not use it is stored as it is.
 */
static int set_nested(struct ovl_rnd *r, const char *path)
{
	static const struct {
		const char *name, *value;
	} nested[] = { { "opaque", "y" },         { "metacopy", "" }, { "redirect", "/a" },
		       { "whiteout", "" },        { "origin", "" },   { "impure", "y" },
		       { "overlay.opaque", "y" }, { "nonsense", "1" } };
	uint32_t i = ovl_tool_random(&r->rng, ARRAY_LEN(nested));
	bool user = r->userxattr ^ (r->inactive_prefix && ovl_tool_chance(&r->rng, 1, 2));
	_cleanup_free_ char *name =
		ovl_tool_format("%s.overlay.%s", user ? "user" : "trusted", nested[i].name);

	return lsetxattr(path, name, nested[i].value, strlen(nested[i].value), 0);
}

/** What a directory gives to all that is made in it; of a file an ACL of its own. */
static int set_default_acl(const char *path)
{
	struct stat st;

	if (!lstat(path, &st) && S_ISDIR(st.st_mode))
		return lsetxattr(path, "system.posix_acl_default", acl, sizeof(acl), 0);
	return lsetxattr(path, "system.posix_acl_access", acl, sizeof(acl), 0);
}

void ovl_rnd_op_xattr(struct ovl_rnd *r)
{
	static const char *const names[] = { "user.a", "user.b", "trusted.a", "security.x" };
	_cleanup_free_ char *path = ovl_rnd_name_any(r);
	const char *name = names[ovl_tool_random(&r->rng, ARRAY_LEN(names))];
	char buf[600];
	int rc;

	switch (ovl_tool_random(&r->rng, 8)) {
	case 0:
		rc = lremovexattr(path, name);
		if (rc < 0 && errno == ENODATA)
			rc = 0;
		break;
	case 1:
		rc = lsetxattr(path, "system.posix_acl_access", acl, sizeof(acl), 0);
		break;
	case 2:
		rc = lsetxattr(path, "security.capability", cap, sizeof(cap), 0);
		break;
	case 3:
	case 4:
		if (r->plain_words)
			rc = set_default_acl(path);
		else
			rc = r->plain ? 0 : set_nested(r, path);
		break;
	default:
		rc = lsetxattr(path, name, buf, some_bytes(r, buf, sizeof(buf)), 0);
		break;
	}
	ovl_rnd_op_done(r, rc, "xattr", path, name);
}

void ovl_rnd_op_flags(struct ovl_rnd *r)
{
	static const int sets[] = { FS_NOATIME_FL, FS_IMMUTABLE_FL, FS_APPEND_FL, FS_SYNC_FL };
	_cleanup_free_ char *path = ovl_rnd_name_any(r);
	_cleanup_close_ int fd = open_file(path, O_RDONLY);
	int flags = 0;
	int rc = fd < 0 ? -1 : ioctl(fd, FS_IOC_GETFLAGS, &flags);
	int had = flags;

	if (rc >= 0) {
		flags |= sets[ovl_tool_random(&r->rng, ARRAY_LEN(sets))];
		rc = ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
	if (rc >= 0 && ovl_tool_chance(&r->rng, 1, 2))
		rc = ioctl(fd, FS_IOC_SETFLAGS, &had);
	ovl_rnd_op_done(r, rc, "flags", path, NULL);
}

void ovl_rnd_op_clone(struct ovl_rnd *r)
{
	_cleanup_free_ char *from = ovl_rnd_name_any(r);
	_cleanup_free_ char *to = ovl_rnd_name_any(r);
	_cleanup_close_ int in = open_file(from, O_RDONLY);
	_cleanup_close_ int out = in < 0 ? -1 : open_file(to, O_WRONLY);
	int rc = out < 0 ? -1 : 0;

	if (!rc && ioctl(out, FICLONE, in) < 0)
		rc = copy_file_range(in, NULL, out, NULL, 10000, 0) < 0 ? -1 : 0;
	ovl_rnd_op_done(r, rc, "clone", from, to);
}

void ovl_rnd_op_tmpfile(struct ovl_rnd *r)
{
	_cleanup_free_ char *dir = ovl_rnd_name_dir(r);
	_cleanup_free_ char *path = ovl_rnd_name_free(r);
	_cleanup_free_ char *self = NULL;
	_cleanup_close_ int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0640);
	int rc = fd < 0 ? -1 : change_content(r, fd);

	if (!rc && ovl_tool_chance(&r->rng, 2, 3)) {
		self = ovl_tool_format("/proc/self/fd/%d", fd);
		rc = linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
	}
	ovl_rnd_op_done(r, rc, "tmpfile", dir, path);
}

void ovl_rnd_op_orphan(struct ovl_rnd *r)
{
	static const int how[] = { O_RDONLY, O_RDWR };
	_cleanup_free_ char *path = ovl_rnd_name_any(r);
	_cleanup_close_ int fd = open_file(path, how[ovl_tool_random(&r->rng, 2)]);
	int rc = fd < 0 ? -1 : unlink(path);

	/* Through a descriptor of a file without a name even a chmod copies up. */
	if (!rc)
		rc = ovl_tool_chance(&r->rng, 1, 2) ? fchmod(fd, 0600) : change_content(r, fd);
	if (rc < 0 && errno == EBADF)
		rc = 0;
	ovl_rnd_op_done(r, rc, "orphan", path, NULL);
}
