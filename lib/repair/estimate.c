/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adding up what planners would do. See estimate.h.
 */
#include "repair/estimate.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/crowd.h"
#include "io/space.h"
#include "repair/tree.h"

#include "base/banned.h"

/** What is needed on one file system. */
struct demand {
	uint64_t dev;
	int layer; /* one that lies there */
	uint64_t bytes, shared, inodes;
	struct ovl_space space;
};

struct estimate {
	struct ovl_stack *stack;
	OVL_VEC(struct demand) demand;
	struct ovl_map filled; /* files whose data is counted */
	uint64_t by_problem[OVL_P__MAX];
	uint64_t number;
	pthread_mutex_t lock; /* for all of these */

	const struct ovl_report *report;
	const struct ovl_facts *facts;
	unsigned threads;
};

static int find_demand(struct estimate *x, int layer, struct demand **ret)
{
	const struct ovl_layer *l = ovl_stack_layer(x->stack, layer < 0 ? OVL_LAYER_UPPER : layer);
	struct demand d = { .dev = l->root.stat.dev, .layer = l->number };
	int r;

	for (size_t i = 0; i < x->demand.len; i++) {
		if (x->demand.data[i].dev == d.dev) {
			*ret = &x->demand.data[i];
			return 0;
		}
	}
	r = ovl_space_of(l->root.fd, &d.space);
	if (r == 0)
		r = ovl_vec_push(&x->demand, d);
	if (r == 0)
		*ret = &x->demand.data[x->demand.len - 1];
	return r;
}

static uint64_t dev_of(const struct estimate *x, int layer)
{
	const struct ovl_layer *l = layer == OVL_TREE_STORE ? NULL :
							      ovl_stack_layer(x->stack, layer);

	return l ? l->root.stat.dev : 0;
}

/* A file may be met twice: for itself, and with a directory above it that is expanded. 1: first */
static int is_first(struct estimate *x, const struct ovl_op *op)
{
	uint64_t *value;

	if (op->type != OVL_OP_DATA)
		return 1;
	return ovl_map_put(&x->filled, (struct ovl_key){ op->ino, (uint64_t)op->at.tree }, 1,
			   &value);
}

/* With the lock held. */
static int add_op(struct estimate *x, const struct ovl_finding *f, const struct ovl_op *op)
{
	const struct ovl_place *source = op->type == OVL_OP_DATA ? &op->to :
					 op->data.path           ? &op->data :
								   &op->source;
	struct demand *d = NULL;
	uint64_t cost;
	int r = find_demand(x, f->loc.layer, &d);

	if (r == 0)
		r = is_first(x, op);
	if (r <= 0)
		return r;
	if (op->make != OVL_MAKE_NONE)
		d->inodes += op->inodes ? op->inodes : 1;
	if (!source->path || op->cost == 0)
		return 0;
	cost = (op->cost + d->space.block - 1) / d->space.block * d->space.block;
	x->by_problem[f->problem] += cost;
	if (d->space.clones && dev_of(x, source->tree) == d->dev)
		d->shared += cost;
	else
		d->bytes += cost;
	return 0;
}

/* What the first way that is open would do. */
static int add_finding(struct estimate *x, struct ovl_fixer *fx)
{
	const struct ovl_repair_row *row;
	size_t n = ovl_repair_rows(fx->finding->problem, &row);
	struct ovl_way way;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		way = (struct ovl_way){ .row = &row[i] };
		free(TAKE_PTR(fx->why));
		fx->way = &way;
		r = row[i].fix(fx);
		for (size_t k = 0; r > 0 && k < way.ops.len; k++) {
			struct ovl_op *op = &way.ops.data[k];
			int added = op->make == OVL_MAKE_TREE ? ovl_tree_count(x->stack, op) : 0;

			pthread_mutex_lock(&x->lock);
			if (added == 0)
				added = add_op(x, fx->finding, op);
			pthread_mutex_unlock(&x->lock);
			r = added < 0 ? added : r;
		}
		ovl_way_done(&way);
		if (r < 0 && r != -ENOMEM)
			r = 0; /* it will be told when it is tried */
	}
	return r < 0 ? r : 0;
}

/* A little is needed for journal, directories and xattrs as well. */
static bool is_lacking(const struct demand *d)
{
	const uint64_t some = UINT64_C(1) << 20;
	uint64_t bytes = d->bytes + d->inodes * 512 + (d->bytes || d->inodes ? some : 0);

	return bytes > d->space.bytes || d->inodes > d->space.inodes;
}

/* The numbers that are told: all that is written, and the room where it is least. */
static void sum_up(const struct estimate *x, struct ovl_estimate *ret, int *ret_lacking)
{
	const struct demand *tight = NULL;

	*ret = (struct ovl_estimate){ .free_inodes = UINT64_MAX };
	memcpy(ret->by_problem, x->by_problem, sizeof(ret->by_problem));
	*ret_lacking = OVL_LAYER_NONE;
	for (size_t i = 0; i < x->demand.len; i++) {
		const struct demand *d = &x->demand.data[i];

		ret->bytes += d->bytes;
		ret->shared += d->shared;
		ret->inodes += d->inodes;
		if (is_lacking(d))
			*ret_lacking = d->layer;
		if (!tight || is_lacking(d) || d->space.bytes < tight->space.bytes)
			tight = d;
	}
	if (tight) {
		ret->free_bytes = tight->space.bytes;
		ret->free_inodes = tight->space.inodes;
	}
}

/* One thread's share of the findings. */
static int add_share(void *ctx, size_t share)
{
	struct estimate *x = ctx;
	struct ovl_fixer fx = { .stack = x->stack, .facts = x->facts, .number = &x->number };
	size_t n = ovl_report_len(x->report);
	size_t from = n * share / x->threads, to = n * (share + 1) / x->threads;
	int r = 0;

	for (size_t i = from; r == 0 && i < to; i++) {
		struct ovl_finding f = ovl_report_get(x->report, i);

		if (ovl_plan_phase(f.problem) == OVL_PHASE_REPAIR)
			continue;
		ovl_fixer_begin(&fx, &f);
		r = add_finding(x, &fx);
	}
	ovl_fixer_done(&fx);
	return r;
}

int ovl_estimate(struct ovl_stack *stack, const struct ovl_report *report,
		 const struct ovl_facts *facts, unsigned threads, struct ovl_estimate *ret,
		 int *ret_lacking)
{
	struct estimate x = { .stack = stack,
			      .lock = PTHREAD_MUTEX_INITIALIZER,
			      .report = report,
			      .facts = facts,
			      .threads = threads };
	int r = ovl_crowd(threads, threads, add_share, &x);

	if (r == 0)
		sum_up(&x, ret, ret_lacking);
	ovl_vec_done(&x.demand);
	ovl_map_done(&x.filled);
	return r;
}
