/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SPREAD: all that is in a directory of stage/ goes into a directory, name by name; and back, if it is
 * still what it was then.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "io/beneath.h"
#include "repair/op_ends.h"
#include "repair/tree.h"

#include "base/banned.h"

/** The two directories. */
struct both {
	struct ovl_reach at;  /* where the first one is */
	int from, to;         /* open; @from is -1 as long as it is not there */
	struct ovl_times now; /* of @to */
};

#define BOTH_INIT                                          \
	{                                                  \
		.at = OVL_REACH_INIT, .from = -1, .to = -1 \
	}

static void both_done(struct both *b)
{
	if (b->from >= 0)
		close(b->from);
	if (b->to >= 0)
		close(b->to);
	ovl_reach_done(&b->at);
}

static int open_to(struct ovl_trees *t, const struct ovl_op *op, struct both *b)
{
	_cleanup_(ovl_reach_done) struct ovl_reach reach = OVL_REACH_INIT;
	struct ovl_reader *reader = t->stack->reader;
	struct ovl_stat st;
	int r = ovl_trees_reach(t, &op->to, &reach);

	if (r == 0)
		r = ovl_beneath_open_dir(reach.dir, reach.name, &b->to);
	if (r == 0)
		r = reader->ops->stat(reader, b->to, "", &st);
	if (r == 0 && op->source_ino != 0 && st.ino != op->source_ino)
		r = -ESTALE;
	return r == 0 ? ovl_write_times(b->to, &b->now) : r;
}

static int open_both(struct ovl_trees *t, const struct ovl_op *op, struct both *b)
{
	int r = ovl_trees_reach(t, &op->at, &b->at);

	if (r < 0)
		return r;
	r = ovl_beneath_open_dir(b->at.dir, b->at.name, &b->from);
	if (r < 0 && r != -ENOENT)
		return r;
	return open_to(t, op, b);
}

/* Back into stage/. */
static int rename_back(const struct both *b, const struct ovl_tree_item *item)
{
	const struct ovl_op op = { .ino = item->ino, .mode = item->mode };
	const struct ovl_reach from = { b->to, item->name }, to = { b->from, item->name };

	return ovl_ends_rename(&from, &to, &op);
}

/* As ovl_ends_check(): 1, 0 if nothing is there, -ESTALE if it is another one. */
static int check(int dir, const struct ovl_tree_item *item)
{
	const struct ovl_op op = { .ino = item->ino, .mode = item->mode };
	const struct ovl_reach reach = { dir, item->name };

	return dir < 0 ? 0 : ovl_ends_check(&reach, &op);
}

/*
 * Was this one put there by us? 1, 0, or -ESTALE. Not if it is in stage/ still: then it has the name of a file
 * of which it is another one, which another operation put there.
 */
static int is_put(const struct both *b, const struct ovl_tree_item *item)
{
	int r = check(b->to, item);

	return r == 1 && check(b->from, item) == 1 ? 0 : r;
}

static int spread_prepare(struct ovl_trees *t, struct ovl_op *op)
{
	_cleanup_(both_done) struct both b = BOTH_INIT;
	struct ovl_reader *reader = t->stack->reader;
	struct ovl_stat from, to;
	int r = open_both(t, op, &b);

	if (r == 0)
		r = b.from < 0 ? -ENOENT : reader->ops->stat(reader, b.from, "", &from);
	if (r == 0)
		r = reader->ops->stat(reader, b.to, "", &to);
	if (r < 0)
		return r;
	op->ino = from.ino;
	op->mode = from.mode;
	op->source_ino = to.ino;
	op->times[1] = b.now;
	return 0;
}

/* ---- There ---- */

static int put(const struct both *b, const struct ovl_tree_item *item)
{
	int r = ovl_write_rename(b->from, item->name, b->to, item->name);

	if (r == -ENOENT || r == -EEXIST)
		r = check(b->to, item) == 1 ? 0 : r;
	return r;
}

/* In the same run: what it did not get to is another operation's. */
static int put_back(const struct both *b, const struct ovl_tree_item *item)
{
	int r = is_put(b, item);

	return r == 1 ? rename_back(b, item) : 0;
}

static int spread_do(struct ovl_trees *t, const struct ovl_op *op)
{
	_cleanup_(both_done) struct both b = BOTH_INIT;
	struct ovl_bytes list = ovl_buf_bytes(&op->new_value), rest = list;
	struct ovl_tree_item item;
	int r = open_both(t, op, &b), next = 1, back = 0;

	if (r == 0 && b.from < 0)
		r = -ENOENT;
	if (r < 0)
		return r;
	while (r == 0 && (next = ovl_tree_next(&rest, &item)) > 0)
		r = put(&b, &item);
	r = r == 0 ? next : r;
	if (r == 0)
		r = ovl_write_set_times(b.to, &op->times[1]);
	if (r == 0)
		return 0;
	while (back == 0 && ovl_tree_next(&list, &item) > 0)
		back = put_back(&b, &item);
	(void)ovl_write_set_times(b.to, &op->times[1]);
	return back < 0 ? -EUCLEAN : r;
}

/* ---- Back ---- */

/* Is it still what was put there, with nothing more in it? */
static int check_unused(const struct both *b, const struct ovl_tree_item *item)
{
	struct ovl_manifest now;
	int r = ovl_manifest_take(b->to, item->name, &now);

	if (r < 0)
		return r;
	return now.sum == item->manifest.sum && now.n == item->manifest.n ? 0 : -ESTALE;
}

/*
 * Can one be taken back? What is gone, its name free, is as it was before; what is in stage/ is taken back
 * already.
 */
static int look(const struct both *b, const struct ovl_tree_item *item)
{
	int r = is_put(b, item);

	if (r == 1)
		return check_unused(b, item);
	return r == 0 || check(b->from, item) == 1 ? 0 : r;
}

static int look_all(const struct both *b, const struct ovl_op *op)
{
	struct ovl_bytes list = ovl_buf_bytes(&op->new_value);
	struct ovl_tree_item item;
	int r = 0, next = 0;

	while (r == 0 && (next = ovl_tree_next(&list, &item)) > 0)
		r = look(b, &item);
	return r == 0 ? next : r;
}

/* After a crash whatever is there was us; but not what is more than was made. */
static int take_recorded(const struct both *b, const struct ovl_tree_item *item)
{
	struct ovl_manifest now;
	int r = is_put(b, item);

	if (r <= 0)
		return r == -ESTALE ? 0 : r;
	r = ovl_manifest_take(b->to, item->name, &now);
	if (r == 0 && now.n > item->manifest.n)
		r = -ESTALE;
	return r == 0 ? rename_back(b, item) : r;
}

/*
 * All of it was put there once, so what is in stage/ as well was on its way back when the power was cut:
 * btrfs may show a file under both names of a rename then.
 */
static int take_put(const struct both *b, const struct ovl_tree_item *item)
{
	int r = check(b->to, item);

	return r == 1 ? rename_back(b, item) : 0;
}

/* What is somebody else's by now does not keep the others back. */
static int take_all(const struct both *b, const struct ovl_op *op, bool recorded)
{
	struct ovl_bytes list = ovl_buf_bytes(&op->new_value);
	struct ovl_tree_item item;
	int first = 0, next;

	while ((next = ovl_tree_next(&list, &item)) > 0) {
		int r = recorded ? take_recorded(b, &item) : take_put(b, &item);

		if (first == 0)
			first = r;
	}
	return first == 0 ? next : first;
}

/* The directory in stage/ was removed at the end of the run that made it. */
static int open_from(struct both *b)
{
	int r = b->from >= 0 ? 0 : ovl_write_make_dir(b->at.dir, b->at.name, 0700);

	return r < 0 || b->from >= 0 ? r : ovl_beneath_open_dir(b->at.dir, b->at.name, &b->from);
}

static int spread_undo(struct ovl_trees *t, const struct ovl_op *op, bool recorded_times)
{
	_cleanup_(both_done) struct both b = BOTH_INIT;
	int r = open_both(t, op, &b);

	if (r == -ENOENT && op->to.tree == OVL_TREE_STORE)
		return 0; /* it was made in stage/ as well, and is gone */
	if (r == 0 && !recorded_times)
		r = look_all(&b, op);
	if (r == 0)
		r = open_from(&b);
	if (r == 0)
		r = take_all(&b, op, recorded_times);
	if (r < 0)
		return r;
	return ovl_write_set_times(b.to, recorded_times ? &op->times[1] : &b.now);
}

static int spread_look(struct ovl_trees *t, const struct ovl_op *op)
{
	_cleanup_(both_done) struct both b = BOTH_INIT;
	int r = open_both(t, op, &b);

	if (r == -ENOENT && op->to.tree == OVL_TREE_STORE)
		return 0;
	return r == 0 ? look_all(&b, op) : r;
}

const struct ovl_op_row ovl_op_spread = {
	.name = "spread",
	.prepare = spread_prepare,
	.redo = spread_do,
	.undo = spread_undo,
	.look = spread_look,
};
