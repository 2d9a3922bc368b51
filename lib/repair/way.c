/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What planners emit: operations, from locations and wishes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "overlayfs/xattr.h"
#include "repair/plan.h"
#include "repair/trees.h"

#include "base/banned.h"

void ovl_way_forget(struct ovl_way *way)
{
	for (size_t i = 0; i < way->ops.len; i++)
		ovl_op_done(&way->ops.data[i]);
	ovl_vec_done(&way->ops);
}

void ovl_way_done(struct ovl_way *way)
{
	ovl_way_forget(way);
	free(way->text);
	*way = (struct ovl_way){ 0 };
}

int ovl_way_add(struct ovl_fixer *fx, struct ovl_op *op, int r)
{
	if (r == 0)
		r = ovl_vec_push(&fx->way->ops, *op);
	if (r < 0)
		ovl_op_done(op);
	return r;
}

/*
 * An inode with a name outside of the layers is somebody else's as well. Whichever planner it is that would
 * change it: its way is closed then.
 */
static int guard(struct ovl_fixer *fx, struct ovl_loc loc, uint64_t *ret_names)
{
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, loc, &obs);

	if (r < 0)
		return r;
	*ret_names = obs.stat.nlink;
	if (obs.kind == OVL_KIND_DIR) {
		*ret_names = 0;
		return 0;
	}
	if (obs.stat.nlink == 1)
		return 0;
	r = ovl_fixer_names(fx, loc);
	if (r != 0)
		return r < 0 ? r : 0;
	fx->closed = true;
	return ovl_way_refuse(fx, "it has names outside of the %s as well",
			      loc.layer > OVL_LAYER_UPPER ? "layer" : "upper");
}

/*
 * That the root of the upper has no marks is why files full of nothing are suspected to be metacopy files
 * that have lost theirs. As long as nobody has decided on those, it stays so: they must not be forgotten.
 */
static bool is_evidence(const struct ovl_fixer *fx, struct ovl_loc loc)
{
	if (loc.layer != OVL_LAYER_UPPER || loc.path || !fx->report)
		return false;
	for (size_t i = 0; i < ovl_report_len(fx->report); i++)
		if (ovl_report_get(fx->report, i).problem == OVL_P_META_SUSPECT_LOST)
			return true;
	return false;
}

int ovl_way_xattr_as(struct ovl_fixer *fx, struct ovl_loc loc, enum ovl_xattr_id id, bool userxattr,
		     const struct ovl_bytes *value)
{
	struct ovl_op op = { .type = OVL_OP_XATTR };
	struct ovl_obs obs;
	int r;

	if (is_evidence(fx, loc)) {
		fx->closed = true;
		return ovl_way_refuse(
			fx, "files of the upper have lost their marks (meta-suspect-lost): "
			    "decide on them first");
	}
	r = guard(fx, loc, &op.names);

	/* Last, since what it gives is good until the next look only. */
	if (r == 0)
		r = ovl_fixer_observe_as(fx, loc, userxattr, &obs);
	if (r < 0)
		return r;
	if (obs.xbad & (1u << id))
		return obs.xerr;
	op.has_old = obs.xmask & (1u << id);
	op.has_new = value != NULL;
	if (!op.has_old && !op.has_new)
		return 0;
	if (op.has_old && op.has_new && obs.x[id].len == value->len &&
	    (value->len == 0 || memcmp(obs.x[id].data, value->data, value->len) == 0))
		return 0;
	op.ino = obs.stat.ino;
	op.mode = obs.stat.mode;
	op.xattr = strdup(ovl_xattr_name(id, userxattr));
	r = op.xattr ? ovl_place_set(&op.at, loc) : -ENOMEM;
	if (r == 0 && op.has_old)
		r = ovl_buf_add(&op.old_value, obs.x[id].data, obs.x[id].len);
	if (r == 0 && op.has_new)
		r = ovl_buf_add(&op.new_value, value->data, value->len);
	return ovl_way_add(fx, &op, r);
}

int ovl_way_set_xattr(struct ovl_fixer *fx, struct ovl_loc loc, enum ovl_xattr_id id,
		      struct ovl_bytes value)
{
	return ovl_way_xattr_as(fx, loc, id, fx->stack->config.userxattr, &value);
}

int ovl_way_remove_xattr(struct ovl_fixer *fx, struct ovl_loc loc, enum ovl_xattr_id id)
{
	return ovl_way_xattr_as(fx, loc, id, fx->stack->config.userxattr, NULL);
}

/* What is moved or linked is known by its inode number. */
static int begin(struct ovl_fixer *fx, struct ovl_loc loc, struct ovl_op *op)
{
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, loc, &obs);

	if (r < 0)
		return r;
	op->ino = obs.stat.ino;
	op->mode = obs.stat.mode;
	return ovl_place_set(&op->at, loc);
}

int ovl_way_set_aside(struct ovl_fixer *fx, struct ovl_loc loc)
{
	struct ovl_op op = { .type = OVL_OP_MOVE };
	int r = begin(fx, loc, &op);

	if (r == 0)
		r = ovl_place_store(&op.to, "saved", ovl_fixer_number(fx));
	return ovl_way_add(fx, &op, r);
}

int ovl_way_move(struct ovl_fixer *fx, struct ovl_loc from, struct ovl_loc to)
{
	struct ovl_op op = { .type = OVL_OP_MOVE };
	int r = begin(fx, from, &op);

	if (r == 0)
		r = ovl_place_set(&op.to, to);
	return ovl_way_add(fx, &op, r);
}

int ovl_way_link(struct ovl_fixer *fx, struct ovl_loc from, struct ovl_loc to)
{
	struct ovl_op op = { .type = OVL_OP_LINK };
	int r = begin(fx, from, &op);

	if (r == 0)
		r = ovl_place_set(&op.to, to);
	return ovl_way_add(fx, &op, r);
}

int ovl_way_unlink(struct ovl_fixer *fx, struct ovl_loc kept, struct ovl_loc gone)
{
	struct ovl_op op = { .type = OVL_OP_UNLINK };
	int r = begin(fx, kept, &op);

	if (r == 0)
		r = ovl_place_set(&op.to, gone);
	return ovl_way_add(fx, &op, r);
}

int ovl_way_whiteout(struct ovl_fixer *fx, struct ovl_loc loc)
{
	struct ovl_op op = { .type = OVL_OP_MOVE, .make = OVL_MAKE_WHITEOUT };
	int r = ovl_place_store(&op.at, "stage", ovl_fixer_number(fx));

	if (r == 0)
		r = ovl_place_set(&op.to, loc);
	return ovl_way_add(fx, &op, r);
}

/* @data: NULL: in the file itself */
static int copy(struct ovl_fixer *fx, struct ovl_loc lower, const struct ovl_loc *data,
		struct ovl_loc to)
{
	struct ovl_op op = { .type = OVL_OP_MOVE, .make = OVL_MAKE_COPY };
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, lower, &obs);

	if (r < 0)
		return r;
	op.source_ino = obs.stat.ino;
	if (data) {
		r = ovl_fixer_observe(fx, *data, &obs);
		if (r == 0)
			r = ovl_place_set(&op.data, *data);
		op.data_ino = obs.stat.ino;
	}
	op.cost = obs.kind == OVL_KIND_REG ? obs.stat.blocks * 512 : 0;
	if (r == 0)
		r = ovl_place_store(&op.at, "stage", ovl_fixer_number(fx));
	if (r == 0)
		r = ovl_place_set(&op.source, lower);
	if (r == 0)
		r = ovl_place_set(&op.to, to);
	return ovl_way_add(fx, &op, r);
}

int ovl_way_copy(struct ovl_fixer *fx, struct ovl_loc lower, struct ovl_loc to)
{
	return copy(fx, lower, NULL, to);
}

int ovl_way_copy_whole(struct ovl_fixer *fx, struct ovl_loc lower, struct ovl_loc data,
		       struct ovl_loc to)
{
	return copy(fx, lower, &data, to);
}

/* @size: what the file is to have; that of @lower if there is one. */
static int change_data(struct ovl_fixer *fx, struct ovl_loc file, const struct ovl_loc *lower,
		       const uint64_t *size)
{
	struct ovl_op op = { .type = OVL_OP_DATA };
	struct ovl_obs obs;
	int r = begin(fx, file, &op);

	if (r == 0)
		r = guard(fx, file, &op.names);
	if (r == 0)
		r = ovl_fixer_observe(fx, file, &obs);
	if (r == 0) {
		op.old_size = obs.stat.size;
		op.new_size = size ? *size : obs.stat.size;
		op.saved = ovl_fixer_number(fx);
	}
	if (r == 0 && lower) {
		r = ovl_fixer_observe(fx, *lower, &obs);
		if (r == 0) {
			op.source_ino = obs.stat.ino;
			op.new_size = obs.stat.size;
			op.cost = obs.stat.blocks * 512;
			r = ovl_place_set(&op.to, *lower);
		}
	}
	return ovl_way_add(fx, &op, r);
}

int ovl_way_fill(struct ovl_fixer *fx, struct ovl_loc file, struct ovl_loc lower)
{
	return change_data(fx, file, &lower, NULL);
}

int ovl_way_punch(struct ovl_fixer *fx, struct ovl_loc file)
{
	return change_data(fx, file, NULL, NULL);
}

int ovl_way_hollow(struct ovl_fixer *fx, struct ovl_loc file, uint64_t size)
{
	return change_data(fx, file, NULL, &size);
}
