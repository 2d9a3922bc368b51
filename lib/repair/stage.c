/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New objects, made in stage/.
 */
#include "repair/stage.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "overlayfs/xattr.h"

#include "base/banned.h"

/* What an earlier run left at this number was never published: it is ours, and nobody else's. */
static int clear(struct ovl_reach *at)
{
	int r = ovl_write_remove(at->dir, at->name);

	if (r == -EISDIR || r == -EPERM)
		r = ovl_write_remove_dir(at->dir, at->name);
	return r == -ENOENT ? 0 : r;
}

/** What is copied. */
struct source {
	struct ovl_reach at;
	int object;
	struct ovl_stat st;
	struct ovl_times times;
};

static void source_done(struct source *s)
{
	if (s->object >= 0)
		close(s->object);
	ovl_reach_done(&s->at);
}

static int source_open(struct ovl_trees *trees, const struct ovl_op *op, struct source *s)
{
	int r = ovl_trees_reach(trees, &op->source, &s->at);

	if (r == 0)
		r = ovl_trees_hold(trees, &op->source, op->source_ino, &s->object, &s->st);
	return r == 0 ? ovl_write_times(s->object, &s->times) : r;
}

/* Xattrs of overlayfs say how the lower object was found; the copy stands for itself. */
static bool is_wanted(const struct ovl_trees *trees, const char *xattr)
{
	switch (ovl_xattr_classify(xattr, trees->stack->config.userxattr, NULL)) {
	case OVL_XC_KNOWN:
	case OVL_XC_UNKNOWN:
		return false;
	case OVL_XC_FOREIGN:
	case OVL_XC_ESCAPED:
	case OVL_XC_INACTIVE:
	default:
		return true;
	}
}

static int copy_xattrs(struct ovl_trees *trees, const struct source *from, int to)
{
	_cleanup_(ovl_buf_done) struct ovl_buf names = { 0 }, value = { 0 };
	struct ovl_reader *reader = trees->stack->reader;
	int r = reader->ops->list_xattrs(reader, from->at.dir, from->at.name, &names);

	if (r == -EOPNOTSUPP)
		return 0;
	for (size_t i = 0; r == 0 && i < names.len; i += strlen(names.data + i) + 1) {
		const char *xattr = names.data + i;

		if (!*xattr || !is_wanted(trees, xattr))
			continue;
		r = reader->ops->get_xattr(reader, from->at.dir, from->at.name, xattr, &value);
		if (r == -ENODATA) {
			r = 0;
			continue;
		}
		if (r == 0)
			r = ovl_write_set_xattr(to, xattr, ovl_buf_bytes(&value));
	}
	return r;
}

static int copy_content(struct ovl_trees *trees, const struct source *from, struct ovl_reach *to)
{
	struct ovl_reader *reader = trees->stack->reader;
	_cleanup_close_ int in = -EBADF, out = -EBADF;
	int r = reader->ops->open_file(reader, from->at.dir, from->at.name, from->st.dev,
				       from->st.ino, &in);

	if (r == 0)
		r = ovl_write_make_file(to->dir, to->name, &out);
	if (r == 0)
		r = ovl_write_copy(in, out, from->st.size, NULL, NULL);
	return r == 0 ? ovl_write_sync(out) : r;
}

static int copy_symlink(const struct source *from, struct ovl_reach *to)
{
	_cleanup_free_ char *target = NULL;
	int r = ovl_write_read_link(from->object, &target);

	return r == 0 ? ovl_write_make_symlink(to->dir, to->name, target) : r;
}

static int make_like(struct ovl_trees *trees, const struct source *from, struct ovl_reach *to)
{
	switch (from->st.mode & S_IFMT) {
	case S_IFREG:
		return copy_content(trees, from, to);
	case S_IFDIR:
		return ovl_write_make_dir(to->dir, to->name, 0700);
	case S_IFLNK:
		return copy_symlink(from, to);
	default:
		return ovl_write_make_node(to->dir, to->name, from->st.mode & S_IFMT,
					   from->st.rdev);
	}
}

/* Owner before xattrs, since a change of owner takes capabilities away; times last. */
static int dress(struct ovl_trees *trees, const struct source *from, int object)
{
	int r = ovl_write_set_owner(object, from->st.uid, from->st.gid);

	if (r == 0 && (from->st.mode & S_IFMT) != S_IFLNK)
		r = ovl_write_set_mode(object, from->st.mode);
	if (r == 0)
		r = copy_xattrs(trees, from, object);
	return r == 0 ? ovl_write_set_times(object, &from->times) : r;
}

static int make_copy(struct ovl_trees *trees, struct ovl_op *op, struct ovl_reach *at)
{
	_cleanup_(source_done) struct source from = { .at = { -1, NULL }, .object = -1 };
	_cleanup_close_ int object = -EBADF;
	int r = source_open(trees, op, &from);

	if (r == 0)
		r = make_like(trees, &from, at);
	if (r == 0)
		r = ovl_write_hold(at->dir, at->name, &object, NULL);
	return r == 0 ? dress(trees, &from, object) : r;
}

int ovl_stage_make(struct ovl_trees *trees, struct ovl_op *op)
{
	_cleanup_(ovl_reach_done) struct ovl_reach at = { -1, NULL };
	_cleanup_close_ int object = -EBADF;
	struct ovl_stat st;
	int r = ovl_trees_reach(trees, &op->at, &at);

	if (r == 0)
		r = clear(&at);
	if (r == 0)
		r = op->make == OVL_MAKE_WHITEOUT ?
			    ovl_write_make_node(at.dir, at.name, S_IFCHR, 0) :
			    make_copy(trees, op, &at);
	if (r == 0)
		r = ovl_write_hold(at.dir, at.name, &object, &st);
	if (r < 0)
		return r;
	op->ino = st.ino;
	op->mode = st.mode;
	return 0;
}

int ovl_stage_remove(struct ovl_trees *trees, const struct ovl_op *op)
{
	_cleanup_(ovl_reach_done) struct ovl_reach at = { -1, NULL };
	int r = ovl_trees_reach(trees, &op->at, &at);

	return r == 0 ? clear(&at) : r == -ENOENT ? 0 : r;
}
