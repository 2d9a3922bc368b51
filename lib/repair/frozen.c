/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chattr +i and +a. See frozen.h.
 */
#include "repair/frozen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#include "base/banned.h"

/* "upper:/a/b"; of @len bytes of the path */
static int add_place(const struct ovl_stack *stack, const struct ovl_place *place, size_t len,
		     struct ovl_buf *out)
{
	_cleanup_free_ char *layer = NULL;
	int r;

	if (place->tree == OVL_TREE_STORE)
		return ovl_buf_adds(out, "the folder of the journal");
	layer = ovl_stack_layer_name(stack, place->tree);
	r = layer ? ovl_buf_addf(out, "%s:", layer) : -ENOMEM;
	return r == 0 ? ovl_buf_add_escaped(out, place->path, len) : r;
}

static int say(const struct ovl_stack *stack, const struct ovl_place *place, size_t len,
	       enum ovl_frozen frozen, char **ret_why)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = add_place(stack, place, len, &b);

	if (r == 0)
		r = ovl_buf_adds(&b, frozen == OVL_FROZEN_IMMUTABLE ?
					     " is immutable (chattr +i)" :
					     " is append-only (chattr +a)");
	*ret_why = r == 0 ? ovl_buf_take(&b) : NULL;
	return -EPERM;
}

/* @names: its directory is changed, too */
static int check_place(struct ovl_trees *t, const struct ovl_place *place, bool names,
		       char **ret_why)
{
	_cleanup_(ovl_reach_done) struct ovl_reach reach = OVL_REACH_INIT;
	_cleanup_close_ int object = -EBADF;
	enum ovl_frozen frozen;
	size_t len;

	if (ovl_trees_reach(t, place, &reach) < 0)
		return 0;
	len = (size_t)(reach.name - place->path);
	frozen = names ? ovl_write_frozen(reach.dir) : OVL_FROZEN_NOT;
	if (frozen != OVL_FROZEN_NOT)
		return say(t->stack, place, len > 1 ? len - 1 : len, frozen, ret_why);
	if (ovl_write_hold(reach.dir, reach.name, &object, NULL) < 0)
		return 0;
	frozen = ovl_write_frozen(object);
	return frozen == OVL_FROZEN_NOT ?
		       0 :
		       say(t->stack, place, strlen(place->path), frozen, ret_why);
}

int ovl_frozen_check(struct ovl_trees *trees, const struct ovl_op *op, char **ret_why)
{
	bool names = op->type == OVL_OP_MOVE || op->type == OVL_OP_LINK ||
		     op->type == OVL_OP_UNLINK;
	int r;

	if (op->type == OVL_OP_SPREAD)
		return check_place(trees, &op->to, false, ret_why);
	r = check_place(trees, &op->at, op->type == OVL_OP_MOVE, ret_why);
	return r == 0 && names ? check_place(trees, &op->to, true, ret_why) : r;
}

static bool changes_names(const struct ovl_op *op)
{
	return op->type != OVL_OP_XATTR && op->type != OVL_OP_DATA;
}

/* One after the other, as a rule, the operations of a step change the same object. */
static bool is_checked(const ovl_op_vec *ops, size_t i)
{
	const struct ovl_op *op = &ops->data[i], *before = i > 0 ? &ops->data[i - 1] : NULL;

	return before && !changes_names(op) && !changes_names(before) &&
	       op->at.tree == before->at.tree && strcmp(op->at.path, before->at.path) == 0;
}

int ovl_frozen_check_all(struct ovl_trees *trees, const ovl_op_vec *ops, char **ret_why)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ops->len; i++)
		if (!is_checked(ops, i))
			r = ovl_frozen_check(trees, &ops->data[i], ret_why);
	return r;
}
