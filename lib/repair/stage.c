/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New objects, made in stage/. See stage.h.
 */
#include "repair/stage.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "io/beneath.h"
#include "overlayfs/xattr.h"

#include "base/banned.h"

static const char *const acls[] = { "system.posix_acl_access", "system.posix_acl_default" };

/* What an earlier run left at this number was never published: it is ours, and nobody else's. */
static int clear(const struct ovl_reach *at)
{
	int r = ovl_write_remove(at->dir, at->name);

	if (r == -EISDIR || r == -EPERM)
		r = ovl_write_remove_dir(at->dir, at->name);
	return r == -ENOENT ? 0 : r;
}

/** What is copied. */
struct source {
	struct ovl_trees *trees;
	enum ovl_make make;
	struct ovl_reach at;
	int object, fd; /* held; open, if it is a file or a directory */
	struct ovl_stat st;
	struct ovl_times times;
	uint64_t size; /* of what is open */
};

static void source_done(struct source *s)
{
	struct ovl_reader *reader = s->trees->stack->reader;

	if (s->fd >= 0)
		reader->ops->close(reader, s->fd);
	if (s->object >= 0)
		close(s->object);
	ovl_trees_close_source(s->trees, &s->at);
}

/* The data of a metacopy is elsewhere: there is nothing to copy here. */
static int check_whole(const struct source *s)
{
	bool userxattr = s->trees->stack->config.userxattr;
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	int r = ovl_write_get_xattr(s->object, ovl_xattr_name(OVL_X_METACOPY, userxattr), &value);

	if (r == -ENODATA || r == -EOPNOTSUPP)
		return 0;
	return r < 0 ? r : -EOPNOTSUPP;
}

/* The content of a metacopy file lies under another name. */
static int open_data(struct source *s, const struct ovl_op *op)
{
	struct ovl_reader *reader = s->trees->stack->reader;
	struct ovl_reach at = OVL_REACH_INIT;
	struct ovl_stat st;
	int r = ovl_trees_open_source(s->trees, &op->data, &at);

	if (r == 0)
		r = reader->ops->stat(reader, at.dir, at.name, &st);
	if (r == 0 && st.ino != op->data_ino)
		r = -ESTALE;
	if (r == 0)
		r = reader->ops->open_file(reader, at.dir, at.name, st.dev, st.ino, &s->fd);
	if (r == 0)
		s->size = st.size;
	ovl_trees_close_source(s->trees, &at);
	return r;
}

static int open_content(struct source *s, const struct ovl_op *op)
{
	struct ovl_reader *reader = s->trees->stack->reader;
	int r;

	if (op->data.path)
		return open_data(s, op);
	s->size = s->st.size;
	r = check_whole(s);
	return r < 0 ? r :
		       reader->ops->open_file(reader, s->at.dir, s->at.name, s->st.dev, s->st.ino,
					      &s->fd);
}

static int open_source(struct source *s, const struct ovl_op *op)
{
	struct ovl_reader *reader = s->trees->stack->reader;
	int r = ovl_trees_open_source(s->trees, &op->source, &s->at);

	if (r == 0)
		r = ovl_write_hold(s->at.dir, s->at.name, &s->object, &s->st);
	if (r == 0 && op->source_ino != 0 && s->st.ino != op->source_ino)
		r = -ESTALE;
	if (r == 0)
		r = ovl_write_times(s->object, &s->times);
	if (r < 0)
		return r;
	switch (s->st.mode & S_IFMT) {
	case S_IFREG:
		return open_content(s, op);
	case S_IFDIR:
		return reader->ops->open_dir(reader, s->object, "", &s->fd);
	default:
		return 0;
	}
}

/* Is it still what it was when the copy began? */
static int check_same(const struct source *s)
{
	struct ovl_times now;
	int r = ovl_write_times(s->object, &now);

	if (r < 0)
		return r;
	return now.modify.tv_sec == s->times.modify.tv_sec &&
			       now.modify.tv_nsec == s->times.modify.tv_nsec ?
		       0 :
		       -ESTALE;
}

/* ---- The copy ---- */

/** What is made: a name in stage/. */
struct made {
	struct ovl_reach at;
	int object, fd; /* held; open, if it is a file or a directory */
};

static void made_done(struct made *m)
{
	if (m->fd >= 0)
		close(m->fd);
	if (m->object >= 0)
		close(m->object);
	ovl_reach_done(&m->at);
}

static int make_symlink(const struct source *s, const struct made *m)
{
	_cleanup_free_ char *target = NULL;
	int r = ovl_write_read_link(s->object, &target);

	return r == 0 ? ovl_write_make_symlink(m->at.dir, m->at.name, target) : r;
}

static int make_dir(struct made *m)
{
	int r = ovl_write_make_dir(m->at.dir, m->at.name, 0700);

	return r == 0 ? ovl_beneath_open_dir(m->at.dir, m->at.name, &m->fd) : r;
}

static int make_like(const struct source *s, struct made *m)
{
	int r;

	switch (s->st.mode & S_IFMT) {
	case S_IFREG:
		r = ovl_write_make_file(m->at.dir, m->at.name, &m->fd);
		if (r == 0)
			r = ovl_write_copy(s->fd, m->fd, s->size, NULL, NULL);
		/* The data only: all else becomes durable with the group. */
		return r == -EIO && check_same(s) < 0 ? -ESTALE : r;
	case S_IFDIR:
		return make_dir(m);
	case S_IFLNK:
		return make_symlink(s, m);
	default:
		return ovl_write_make_node(m->at.dir, m->at.name, s->st.mode & S_IFMT, s->st.rdev);
	}
}

/* Xattrs of overlayfs say what the object was to it; a copy stands for itself, a twin for the object. */
static bool is_wanted(const struct source *s, const char *xattr)
{
	enum ovl_xattr_id id;

	switch (ovl_xattr_classify(xattr, s->trees->stack->config.userxattr, &id)) {
	case OVL_XC_KNOWN:
		return s->make == OVL_MAKE_TWIN && id != OVL_X_METACOPY && id != OVL_X_REDIRECT;
	case OVL_XC_UNKNOWN:
		return s->make == OVL_MAKE_TWIN;
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

static int copy_xattr(const struct source *s, const struct made *m, const char *xattr)
{
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	struct ovl_reader *reader = s->trees->stack->reader;
	int r = reader->ops->get_xattr(reader, s->at.dir, s->at.name, xattr, &value);

	if (r == -ENODATA)
		return 0;
	if (r == 0)
		r = ovl_write_set_xattr(m->object, xattr, ovl_buf_bytes(&value));
	return r == -EOPNOTSUPP && !is_vital(xattr) ? 0 : r;
}

static int copy_xattrs(const struct source *s, const struct made *m)
{
	_cleanup_(ovl_buf_done) struct ovl_buf names = { 0 };
	struct ovl_reader *reader = s->trees->stack->reader;
	int r = reader->ops->list_xattrs(reader, s->at.dir, s->at.name, &names);

	for (size_t i = 0; r == 0 && i < names.len; i += strlen(names.data + i) + 1)
		if (names.data[i] && is_wanted(s, names.data + i))
			r = copy_xattr(s, m, names.data + i);
	return r;
}

/* The default ACL of a folder above stage/ must not come along. */
static int remove_acls(int object)
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
 * time, so that comes last.
 */
static int dress(const struct source *s, const struct made *m)
{
	int r = remove_acls(m->object);

	if (r == 0)
		r = ovl_write_set_owner(m->object, s->st.uid, s->st.gid);
	if (r == 0 && !S_ISLNK(s->st.mode))
		r = ovl_write_set_mode(m->object, s->st.mode);
	if (r == 0)
		r = copy_xattrs(s, m);
	/* Where the file system can do it. */
	if (r == 0 && m->fd >= 0)
		(void)ovl_write_copy_flags(s->fd, m->fd);
	if (r == 0)
		r = ovl_write_set_times(m->object, &s->times);
	return r == 0 && m->fd >= 0 ? ovl_write_sync(m->fd) : r;
}

static int make_copy(struct ovl_trees *t, const struct ovl_op *op, struct made *m)
{
	_cleanup_(source_done) struct source s = {
		.trees = t, .make = op->make, .at = OVL_REACH_INIT, .object = -1, .fd = -1
	};
	int r = open_source(&s, op);

	if (r == 0)
		r = make_like(&s, m);
	if (r == 0)
		r = ovl_write_hold(m->at.dir, m->at.name, &m->object, NULL);
	if (r == 0)
		r = dress(&s, m);
	return r == 0 ? check_same(&s) : r;
}

static int make_whiteout(struct made *m)
{
	/* As the kernel makes them: without any permission. Kernel: fs/namei.c, vfs_whiteout(). */
	int r = ovl_write_make_node(m->at.dir, m->at.name, S_IFCHR, 0);

	if (r == 0)
		r = ovl_write_hold(m->at.dir, m->at.name, &m->object, NULL);
	return r == 0 ? remove_acls(m->object) : r;
}

static int make_link(struct ovl_trees *t, const struct ovl_op *op, const struct made *m)
{
	_cleanup_close_ int object = -EBADF;
	int r = op->source.tree == OVL_TREE_STORE ?
			ovl_trees_hold(t, &op->source, 0, &object, NULL) :
			-EINVAL;

	return r == 0 ? ovl_write_link(object, m->at.dir, m->at.name) : r;
}

static int make(struct ovl_trees *t, const struct ovl_op *op, struct made *m)
{
	switch (op->make) {
	case OVL_MAKE_WHITEOUT:
		return make_whiteout(m);
	case OVL_MAKE_COPY:
	case OVL_MAKE_TWIN:
		return make_copy(t, op, m);
	case OVL_MAKE_LINK:
		return make_link(t, op, m);
	case OVL_MAKE_NONE:
	case OVL_MAKE__MAX:
	default:
		return -EINVAL;
	}
}

int ovl_stage_make(struct ovl_trees *trees, struct ovl_op *op)
{
	_cleanup_(made_done) struct made m = { .at = OVL_REACH_INIT, .object = -1, .fd = -1 };
	_cleanup_close_ int object = -EBADF;
	struct ovl_stat st;
	int r;

	if (op->make == OVL_MAKE_NONE || op->at.tree != OVL_TREE_STORE)
		return -EINVAL;
	r = ovl_trees_reach(trees, &op->at, &m.at);
	if (r == 0)
		r = clear(&m.at);
	if (r < 0)
		return r;
	r = make(trees, op, &m);
	if (r == 0)
		r = ovl_write_hold(m.at.dir, m.at.name, &object, &st);
	if (r < 0) {
		(void)clear(&m.at);
		return r;
	}
	op->ino = st.ino;
	op->mode = st.mode;
	return 0;
}

int ovl_stage_remove(struct ovl_trees *trees, const struct ovl_op *op)
{
	_cleanup_(ovl_reach_done) struct ovl_reach at = OVL_REACH_INIT;
	int r;

	/* Nothing but what we made: never what was moved aside. */
	if (op->make == OVL_MAKE_NONE || op->at.tree != OVL_TREE_STORE)
		return -EINVAL;
	r = ovl_trees_reach(trees, &op->at, &at);
	if (r == 0)
		r = clear(&at);
	return r == -ENOENT ? 0 : r;
}
