/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --undo -n: what could be taken back. See undo.h.
 *
 * Steps go backwards, and each finds what those after it have left. Nothing is changed here, so what a
 * later step has touched is taken for what it would be then.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "repair/frozen.h"
#include "repair/undo.h"

#include "base/banned.h"

/** What later steps have touched: names, and inodes. */
struct touched {
	struct ovl_map name, inode;
};

/* The first bytes of the path only */
static struct ovl_key name_key(const struct ovl_place *place, size_t len)
{
	struct ovl_key key = ovl_map_hash(place->path, len);

	key.a += (uint64_t)place->tree;
	return key;
}

static struct ovl_key inode_key(const struct ovl_op *op)
{
	return (struct ovl_key){ op->ino, (uint64_t)op->at.tree };
}

static bool is_about_names(const struct ovl_op *op)
{
	return op->type == OVL_OP_MOVE || op->type == OVL_OP_LINK || op->type == OVL_OP_UNLINK ||
	       op->type == OVL_OP_SPREAD;
}

/* Is it a name that was touched, or below one? The index is in the work directory as well. */
static bool is_below(const struct touched *t, const struct ovl_place *place)
{
	static char index_path[] = "/index";
	const struct ovl_place index = { .tree = OVL_LAYER_WORK, .path = index_path };

	if (place->tree == OVL_LAYER_INDEX &&
	    ovl_map_get(&t->name, name_key(&index, strlen(index.path))))
		return true;
	for (const char *p = place->path; p; p = strchr(p + 1, '/'))
		if (ovl_map_get(&t->name, name_key(place, (size_t)(p - place->path))))
			return true;
	return ovl_map_get(&t->name, name_key(place, strlen(place->path))) != NULL;
}

static bool was_touched(const struct touched *t, const struct ovl_op *op)
{
	return is_below(t, &op->at) || (is_about_names(op) && is_below(t, &op->to)) ||
	       ovl_map_get(&t->inode, inode_key(op));
}

static int touch(struct touched *t, const struct ovl_op *op)
{
	uint64_t *value;
	int r;

	if (!is_about_names(op))
		return ovl_map_put(&t->inode, inode_key(op), 1, &value);
	r = ovl_map_put(&t->name, name_key(&op->at, strlen(op->at.path)), 1, &value);
	return r < 0 ? r : ovl_map_put(&t->name, name_key(&op->to, strlen(op->to.path)), 1, &value);
}

static int touch_all(struct touched *t, const struct ovl_logged_step *step)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < step->ops.len; i++)
		r = touch(t, &step->ops.data[i]);
	return r < 0 ? r : 0;
}

/* Its directory is made with the marker, before anything is taken back. */
static bool is_beside_marker(const struct ovl_op *op)
{
	static const char place[] = "/work/incompat/";

	return op->at.tree == OVL_LAYER_WORK && strncmp(op->at.path, place, strlen(place)) == 0;
}

static int look_at(struct ovl_trees *trees, const struct ovl_op *op, const struct touched *t)
{
	int r = was_touched(t, op) ? 0 : ovl_op_look(trees, op);

	return r == -ENOENT && is_beside_marker(op) ? 0 : r;
}

/* The operations of a step as well are taken back one after the other. */
static int look(struct ovl_trees *trees, const struct ovl_logged_step *step, struct touched *t,
		char **ret_why)
{
	int first = ovl_frozen_check_all(trees, &step->ops, ret_why), r = 0;

	for (size_t i = step->ops.len; r >= 0 && i-- > 0;) {
		const struct ovl_op *op = &step->ops.data[i];
		int err = look_at(trees, op, t);

		if (err == -ENOMEM)
			return err;
		if (err < 0 && first == 0)
			first = err;
		r = touch(t, op);
	}
	return r < 0 ? r : first;
}

static int each(struct ovl_trees *trees, const struct ovl_log *log, struct touched *t,
		const struct ovl_undo_options *options, size_t *left)
{
	int r = 0;

	for (size_t i = log->step.len; r == 0 && i-- > 0;) {
		const struct ovl_logged_step *step = &log->step.data[i];
		_cleanup_free_ char *why = NULL;

		if (step->aborted)
			continue;
		if (options->cancelled && options->cancelled(options->ctx))
			return -ECANCELED;
		/* It would go first, and is not asked about. */
		if (!step->committed) {
			r = touch_all(t, step);
			continue;
		}
		r = look(trees, step, t, &why);
		if (r == -ENOMEM)
			return r;
		ovl_undo_tell(step, options, r, why, left);
		r = 0;
	}
	return r;
}

int ovl_undo_log_dry(struct ovl_trees *trees, const struct ovl_log *log,
		     const struct ovl_undo_options *options, size_t *ret_left, struct ovl_error *e)
{
	struct touched t = { 0 };
	size_t left = 0;
	int r = each(trees, log, &t, options, &left);

	ovl_map_done(&t.name);
	ovl_map_done(&t.inode);
	if (r == -ECANCELED)
		return r;
	if (r < 0)
		return ovl_fail(e, r, "cannot compare the repair with the layers");
	*ret_left = left;
	return 0;
}
