/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two names and their directories. See op_ends.h.
 */
#include "repair/op_ends.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#include "base/banned.h"

int ovl_ends_open(struct ovl_trees *t, const struct ovl_op *op, struct ovl_ends *ret)
{
	_cleanup_(ovl_ends_done) struct ovl_ends ends = OVL_ENDS_INIT;
	int r = ovl_trees_reach(t, &op->at, &ends.at);

	if (r == 0)
		r = ovl_trees_reach(t, &op->to, &ends.to);
	if (r == 0)
		r = ovl_write_times(ends.at.dir, &ends.now[0]);
	if (r == 0)
		r = ovl_write_times(ends.to.dir, &ends.now[1]);
	if (r < 0)
		return r;
	*ret = ends;
	ends = (struct ovl_ends)OVL_ENDS_INIT;
	return 0;
}

void ovl_ends_done(struct ovl_ends *ends)
{
	ovl_reach_done(&ends->at);
	ovl_reach_done(&ends->to);
}

int ovl_ends_check(const struct ovl_reach *reach, const struct ovl_op *op)
{
	_cleanup_close_ int object = -EBADF;
	struct ovl_stat st;
	int r = ovl_write_hold(reach->dir, reach->name, &object, &st);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r == -EXDEV ? -ESTALE : r;
	return st.ino == op->ino && (st.mode & S_IFMT) == (op->mode & S_IFMT) ? 1 : -ESTALE;
}

int ovl_ends_rename(const struct ovl_reach *from, const struct ovl_reach *to,
		    const struct ovl_op *op)
{
	int r = ovl_write_rename(from->dir, from->name, to->dir, to->name);

	if (r != -EEXIST || S_ISDIR(op->mode) || ovl_ends_check(from, op) != 1 ||
	    ovl_ends_check(to, op) != 1)
		return r;
	return ovl_write_remove(from->dir, from->name);
}

int ovl_ends_prepare(struct ovl_trees *t, struct ovl_op *op)
{
	_cleanup_(ovl_ends_done) struct ovl_ends ends = OVL_ENDS_INIT;
	_cleanup_close_ int object = -EBADF;
	struct ovl_stat st;
	int r = ovl_ends_open(t, op, &ends);

	if (r == 0)
		r = ovl_write_hold(ends.at.dir, ends.at.name, &object, &st);
	if (r < 0)
		return r;
	if ((op->ino != 0 && op->ino != st.ino) || *ends.at.name == '\0' || *ends.to.name == '\0')
		return -ESTALE;
	op->ino = st.ino;
	op->mode = st.mode;
	op->times[0] = ends.now[0];
	op->times[1] = ends.now[1];
	/* Nobody asks for the times of stage/; those of a copy tell later whether it was written to. */
	return ovl_op_is_copy(op) ? ovl_write_times(object, &op->times[0]) : 0;
}

/* Nobody looks at the folders of the store; but a directory in stage/ is going to a layer. */
static bool has_times(const struct ovl_place *place)
{
	const char *name = place->path + 1, *slash = strchr(name, '/');

	return place->tree != OVL_TREE_STORE || (slash && strchr(slash + 1, '/'));
}

int ovl_ends_set_time(const struct ovl_ends *ends, const struct ovl_op *op,
		      const struct ovl_times *to)
{
	return has_times(&op->to) ? ovl_write_set_times(ends->to.dir, to) : 0;
}

int ovl_ends_set_times(const struct ovl_ends *ends, const struct ovl_op *op,
		       const struct ovl_times times[2])
{
	int r = has_times(&op->at) ? ovl_write_set_times(ends->at.dir, &times[0]) : 0;

	return r == 0 ? ovl_ends_set_time(ends, op, &times[1]) : r;
}

bool ovl_ends_unmade(struct ovl_trees *t, const struct ovl_op *op)
{
	_cleanup_(ovl_reach_done) struct ovl_reach to = OVL_REACH_INIT;

	return op->to.tree == OVL_TREE_STORE && has_times(&op->to) &&
	       ovl_trees_reach(t, &op->to, &to) == -ENOENT;
}
