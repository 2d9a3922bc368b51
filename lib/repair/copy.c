/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of single objects. See copy.h.
 */
#include "repair/copy.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "io/beneath.h"
#include "overlayfs/xattr.h"

#include "base/banned.h"

static const char *const acls[] = { "system.posix_acl_access", "system.posix_acl_default" };

void ovl_copy_done(struct ovl_copy *c)
{
	struct ovl_reader *reader = c->stack->reader;

	if (c->fd >= 0)
		reader->ops->close(reader, c->fd);
	if (c->object >= 0)
		close(c->object);
	c->fd = c->object = -1;
}

int ovl_copy_hold(struct ovl_copy *c, int dir, const char *name, uint64_t ino)
{
	int r = ovl_write_hold(dir, name, &c->object, &c->st);

	c->dir = dir;
	c->name = name;
	if (r == 0 && ino != 0 && c->st.ino != ino)
		return -ESTALE;
	return r == 0 ? ovl_write_times(c->object, &c->times) : r;
}

/* The data of a metacopy is elsewhere: there is nothing to copy here. */
static int check_whole(const struct ovl_copy *c)
{
	bool userxattr = c->stack->config.userxattr;
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	int r = ovl_write_get_xattr(c->object, ovl_xattr_name(OVL_X_METACOPY, userxattr), &value);

	if (r == -ENODATA || r == -EOPNOTSUPP)
		return 0;
	return r < 0 ? r : -EOPNOTSUPP;
}

int ovl_copy_open(struct ovl_copy *c)
{
	struct ovl_reader *reader = c->stack->reader;
	int r;

	if (S_ISDIR(c->st.mode))
		return reader->ops->open_dir(reader, c->object, "", &c->fd);
	if (!S_ISREG(c->st.mode))
		return 0;
	r = check_whole(c);
	c->size = c->st.size;
	return r < 0 ? r :
		       reader->ops->open_file(reader, c->dir, c->name, c->st.dev, c->st.ino,
					      &c->fd);
}

int ovl_copy_open_data(struct ovl_copy *c, int dir, const char *name, uint64_t ino)
{
	struct ovl_reader *reader = c->stack->reader;
	struct ovl_stat st;
	int r = S_ISREG(c->st.mode) ? reader->ops->stat(reader, dir, name, &st) : -ESTALE;

	if (r == 0 && st.ino != ino)
		r = -ESTALE;
	if (r == 0)
		r = reader->ops->open_file(reader, dir, name, st.dev, st.ino, &c->fd);
	if (r == 0)
		c->size = st.size;
	return r;
}

/* Is it still what it was when the copy began? */
static int check_same(const struct ovl_copy *c)
{
	struct ovl_times now;
	int r = ovl_write_times(c->object, &now);

	if (r < 0)
		return r;
	return now.modify.tv_sec == c->times.modify.tv_sec &&
			       now.modify.tv_nsec == c->times.modify.tv_nsec ?
		       0 :
		       -ESTALE;
}

static int make_symlink(const struct ovl_copy *c, int dir, const char *name)
{
	_cleanup_free_ char *target = NULL;
	int r = ovl_write_read_link(c->object, &target);

	return r == 0 ? ovl_write_make_symlink(dir, name, target) : r;
}

int ovl_copy_make(const struct ovl_copy *c, int dir, const char *name, int *ret_fd)
{
	int r;

	*ret_fd = -1;
	switch (c->st.mode & S_IFMT) {
	case S_IFREG:
		r = ovl_write_make_file(dir, name, ret_fd);
		if (r == 0)
			r = ovl_write_copy_new(c->fd, *ret_fd, c->size);
		return r == -EIO && check_same(c) < 0 ? -ESTALE : r;
	case S_IFDIR:
		r = ovl_write_make_dir(dir, name, 0700);
		return r == 0 ? ovl_beneath_open_dir(dir, name, ret_fd) : r;
	case S_IFLNK:
		return make_symlink(c, dir, name);
	default:
		return ovl_write_make_node(dir, name, c->st.mode & S_IFMT, c->st.rdev);
	}
}

/* Xattrs of overlayfs say what the object was to it; a copy stands for itself, a twin for the object. */
static bool is_wanted(const struct ovl_copy *c, const char *xattr)
{
	enum ovl_xattr_id id;

	switch (ovl_xattr_classify(xattr, c->stack->config.userxattr, &id)) {
	case OVL_XC_KNOWN:
		return c->twin && id != OVL_X_METACOPY && id != OVL_X_REDIRECT;
	case OVL_XC_UNKNOWN:
		return c->twin;
	case OVL_XC_FOREIGN:
	case OVL_XC_ESCAPED:
	case OVL_XC_INACTIVE:
	default:
		/* A signature over the inode number, among others; so does copy-up. */
		return strcmp(xattr, "security.evm") != 0;
	}
}

/* Those that the kernel cannot do without either: fs/overlayfs/copy_up.c, ovl_must_copy_xattr(). */
static bool is_vital(const char *xattr)
{
	for (size_t i = 0; i < ARRAY_LEN(acls); i++)
		if (strcmp(xattr, acls[i]) == 0)
			return true;
	return strncmp(xattr, "security.", strlen("security.")) == 0;
}

static int copy_xattr(const struct ovl_copy *c, int object, const char *xattr)
{
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	struct ovl_reader *reader = c->stack->reader;
	int r = reader->ops->get_xattr(reader, c->dir, c->name, xattr, &value);

	if (r == -ENODATA)
		return 0;
	if (r == 0)
		r = ovl_write_set_xattr(object, xattr, ovl_buf_bytes(&value));
	return r == -EOPNOTSUPP && !is_vital(xattr) ? 0 : r;
}

static int copy_xattrs(const struct ovl_copy *c, int object)
{
	_cleanup_(ovl_buf_done) struct ovl_buf names = { 0 };
	struct ovl_reader *reader = c->stack->reader;
	int r = reader->ops->list_xattrs(reader, c->dir, c->name, &names);

	for (size_t i = 0; r == 0 && i < names.len; i += strlen(names.data + i) + 1)
		if (names.data[i] && is_wanted(c, names.data + i))
			r = copy_xattr(c, object, names.data + i);
	return r;
}

int ovl_copy_remove_acls(int object)
{
	for (size_t i = 0; i < ARRAY_LEN(acls); i++) {
		int r = ovl_write_remove_xattr(object, acls[i]);

		if (r < 0 && r != -ENODATA && r != -EOPNOTSUPP && r != -EPERM && r != -EACCES)
			return r;
	}
	return 0;
}

/*
 * A change of owner takes the suid bit and the capability away, so it comes first; all others change a
 * time, so that comes last. It becomes durable with the group that it belongs to.
 */
int ovl_copy_dress(const struct ovl_copy *c, int object, int fd)
{
	int r = c->plain ? 0 : ovl_copy_remove_acls(object);

	if (r == 0)
		r = ovl_write_set_owner(object, c->st.uid, c->st.gid);
	if (r == 0 && !S_ISLNK(c->st.mode))
		r = ovl_write_set_mode(object, c->st.mode);
	if (r == 0)
		r = copy_xattrs(c, object);
	/* Where the file system can do it. */
	if (r == 0 && fd >= 0)
		(void)ovl_write_copy_flags(c->fd, fd);
	if (r == 0)
		r = ovl_write_set_times(object, &c->times);
	return r == 0 ? check_same(c) : r;
}
