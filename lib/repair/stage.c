/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New objects, made in stage/. See stage.h.
 */
#include "repair/stage.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "repair/copy.h"
#include "repair/tree.h"

#include "base/banned.h"

/* What an earlier run left at this number was never published: it is ours, and nobody else's. */
static int clear(const struct ovl_reach *at, enum ovl_make make)
{
	int r = make == OVL_MAKE_TREE ? ovl_manifest_remove(at->dir, at->name) :
					ovl_write_remove(at->dir, at->name);

	if (r == -EISDIR || r == -EPERM)
		r = ovl_write_remove_dir(at->dir, at->name);
	return r == -ENOENT ? 0 : r;
}

static int make_tree(struct ovl_trees *trees, struct ovl_op *op, const struct ovl_reach *at)
{
	int r = op->type == OVL_OP_SPREAD ? ovl_tree_make(trees, op) : -EINVAL;

	if (r < 0)
		(void)clear(at, op->make);
	return r;
}

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

/* The content of a metacopy file lies under another name. */
static int open_data(struct ovl_trees *t, const struct ovl_op *op, struct ovl_copy *c)
{
	struct ovl_reach at = OVL_REACH_INIT;
	int r = ovl_trees_open_source(t, &op->data, &at);

	if (r == 0)
		r = ovl_copy_open_data(c, at.dir, at.name, op->data_ino);
	ovl_trees_close_source(t, &at);
	return r;
}

static int make_copy(struct ovl_trees *t, const struct ovl_op *op, struct made *m)
{
	_cleanup_(ovl_copy_done) struct ovl_copy c = OVL_COPY_INIT(t->stack);
	struct ovl_reach from = OVL_REACH_INIT;
	int r = ovl_trees_open_source(t, &op->source, &from);

	c.twin = op->make == OVL_MAKE_TWIN;
	if (r == 0)
		r = ovl_copy_hold(&c, from.dir, from.name, op->source_ino);
	if (r == 0)
		r = op->data.path ? open_data(t, op, &c) : ovl_copy_open(&c);
	if (r == 0)
		r = ovl_copy_make(&c, m->at.dir, m->at.name, &m->fd);
	if (r == 0)
		r = ovl_write_hold(m->at.dir, m->at.name, &m->object, NULL);
	if (r == 0)
		r = ovl_copy_dress(&c, m->object, m->fd);
	ovl_trees_close_source(t, &from);
	return r;
}

static int make_whiteout(struct made *m)
{
	/* As the kernel makes them: without any permission. Kernel: fs/namei.c, vfs_whiteout(). */
	int r = ovl_write_make_node(m->at.dir, m->at.name, S_IFCHR, 0);

	if (r == 0)
		r = ovl_write_hold(m->at.dir, m->at.name, &m->object, NULL);
	return r == 0 ? ovl_copy_remove_acls(m->object) : r;
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
	case OVL_MAKE_TREE:
	case OVL_MAKE_NONE:
	case OVL_MAKE__MAX:
	default:
		return -EINVAL;
	}
}

/* What overlayfs would write itself when it copies up. */
static int mark(struct ovl_trees *trees, const struct ovl_op *op, int object)
{
	static const struct ovl_bytes y = { (const unsigned char *)"y", 1 };
	bool userxattr = trees->stack->config.userxattr;
	int r = 0;

	if (op->origin.len > 0)
		r = ovl_write_set_xattr(object, ovl_xattr_name(OVL_X_ORIGIN, userxattr),
					ovl_buf_bytes(&op->origin));
	if (r == 0 && op->impure)
		r = ovl_write_set_xattr(object, ovl_xattr_name(OVL_X_IMPURE, userxattr), y);
	return r;
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
		r = clear(&m.at, op->make);
	if (r < 0)
		return r;
	if (op->make == OVL_MAKE_TREE)
		return make_tree(trees, op, &m.at);
	r = make(trees, op, &m);
	if (r == 0)
		r = ovl_write_hold(m.at.dir, m.at.name, &object, &st);
	if (r == 0)
		r = mark(trees, op, object);
	if (r < 0) {
		(void)clear(&m.at, op->make);
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
		r = clear(&at, op->make);
	return r == -ENOENT ? 0 : r;
}
