/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups of steps: record, do, make durable, commit.
 */
#include "repair/tx.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/crowd.h"
#include "repair/frozen.h"
#include "repair/recover.h"
#include "repair/stage.h"
#include "repair/tree.h"
#include "repair/undo.h"

#include "base/banned.h"

enum {
	GROUP_STEPS = 2048, /* what a crash takes back at most */
	GROUP_OPS = 8192,
	KEEP_DEFAULT = 10,
};

/** A step on its way. */
struct item {
	struct ovl_repair_step *step;
	int err;   /* what hindered it */
	char *why; /* the same in words, if they are known better; owned */
};

/** Steps that are committed together. */
struct group {
	OVL_VEC(struct item) item;
	size_t n_ops;
	struct ovl_map touched; /* objects that steps of this plan change -> enum touch */
};

enum touch { TOUCH_XATTR = 1, TOUCH_DATA = 2 };

static const char *reason(int err)
{
	switch (err) {
	case -ESTALE:
		return "it has changed since it was checked";
	case -EMLINK:
		return "it has got a name outside of the layers since it was checked";
	default:
		return strerror(-err);
	}
}

static int leave(struct item *item)
{
	struct ovl_repair_step *step = item->step;

	step->fate = item->err == -ECANCELED ? OVL_FATE_LEFT : OVL_FATE_FAILED;
	free(step->why);
	step->why = item->why ? TAKE_PTR(item->why) : strdup(reason(item->err));
	return step->why ? 0 : -ENOMEM;
}

/*
 * A change of content was planned for what the object was: another step, done before, may have made the
 * content that this one takes for a leftover. Then it is looked at once more. @note: 1 if it is so
 */
static int meets_another(struct group *g, const struct ovl_repair_step *step, bool note)
{
	for (size_t i = 0; i < step->way.ops.len; i++) {
		const struct ovl_op *op = &step->way.ops.data[i];
		const uint64_t id[] = { (uint64_t)op->at.tree, op->ino };
		uint64_t touch = op->type == OVL_OP_DATA ? TOUCH_DATA : TOUCH_XATTR, *value;
		struct ovl_key key = ovl_map_hash(id, sizeof(id));

		if (op->type != OVL_OP_DATA && op->type != OVL_OP_XATTR)
			continue;
		value = ovl_map_get(&g->touched, key);
		if (!note && value && (touch == TOUCH_DATA || *value == TOUCH_DATA))
			return 1;
		if (note && ovl_map_put(&g->touched, key, touch, &value) < 0)
			return -ENOMEM;
		if (note && touch == TOUCH_DATA)
			*value = TOUCH_DATA;
	}
	return 0;
}

static void unmake(struct ovl_tx *tx, struct ovl_repair_step *step)
{
	for (size_t i = 0; i < step->way.ops.len; i++)
		if (step->way.ops.data[i].make != OVL_MAKE_NONE)
			ovl_stage_remove(&tx->trees, &step->way.ops.data[i]);
}

/* Makes what is new in the stage and compares everything with the disk. */
static int prepare(struct ovl_tx *tx, struct item *item)
{
	struct ovl_repair_step *step = item->step;
	int r = ovl_frozen_check_all(&tx->trees, &step->way.ops, &item->why);

	for (size_t i = 0; r == 0 && i < step->way.ops.len; i++) {
		struct ovl_op *op = &step->way.ops.data[i];

		if (op->make != OVL_MAKE_NONE) {
			r = ovl_stage_make(&tx->trees, op);
			item->why = TAKE_PTR(tx->trees.why);
		}
	}
	/* What is made may be where another operation goes to. */
	for (size_t i = 0; r == 0 && i < step->way.ops.len; i++)
		r = ovl_op_prepare(&tx->trees, &step->way.ops.data[i]);
	if (r < 0)
		unmake(tx, step);
	return r;
}

static int record(struct ovl_tx *tx, const struct ovl_report *report,
		  const struct ovl_repair_step *step)
{
	const struct ovl_finding f = ovl_report_get(report, step->finding);
	const struct ovl_way *way = &step->way;
	_cleanup_free_ char *place = ovl_stack_place(tx->stack, f.loc);
	int r;

	if (!place)
		return -ENOMEM;
	r = ovl_journal_step(&tx->store.journal, ovl_problem_get(f.problem)->slug, place,
			     way->text ? way->text : way->row->text);
	for (size_t i = 0; r == 0 && i < way->ops.len; i++)
		r = ovl_journal_op(&tx->store.journal, &way->ops.data[i]);
	return r;
}

static int record_copied(struct ovl_tx *tx, ovl_copied_vec copied)
{
	int r = 0;

	for (size_t i = 0; i < copied.len; i++) {
		if (r == 0)
			r = ovl_journal_copied(&tx->store.journal, &copied.data[i]);
		ovl_copied_done(&copied.data[i]);
	}
	ovl_vec_done(&copied);
	return r;
}

/* Of what a step makes, the files of several names: a run that goes on after this one has to know them. */
static int record_several(struct ovl_tx *tx, const struct ovl_repair_step *step)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < step->way.ops.len; i++) {
		const struct ovl_op *op = &step->way.ops.data[i];
		const struct ovl_copied copied = { op->source, op->to, op->source_ino, op->ino };

		if (op->several)
			r = ovl_journal_copied(&tx->store.journal, &copied);
		else if (op->links)
			r = record_copied(tx, ovl_tree_links_take(op->links));
	}
	return r;
}

static bool is_cancelled(const struct ovl_tx *tx)
{
	return tx->options && tx->options->cancelled && tx->options->cancelled(tx->options->ctx);
}

/* Tells how far a conversion is, unless another thread is telling it. A step counts even if it is small. */
static void tell(struct ovl_tx *tx, const struct ovl_repair_step *step)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	uint64_t done = OVL_TX_STEP_WORK;

	if (tx->work == 0 || !tx->options->progress)
		return;
	for (size_t i = 0; i < step->way.ops.len; i++)
		done += step->way.ops.data[i].cost;
	done = __atomic_add_fetch(&tx->done, done, __ATOMIC_RELAXED);
	if (pthread_mutex_trylock(&lock) != 0)
		return;
	tx->options->progress(tx->options->ctx, OVL_PASS_VERIFY, done < tx->work ? done : tx->work,
			      tx->work);
	pthread_mutex_unlock(&lock);
}

/* Carries one step out, or takes back what of it was done: 0, or what hindered it. */
static int carry_out(struct ovl_tx *tx, struct item *item)
{
	struct ovl_repair_step *step = item->step;
	const ovl_op_vec *ops = &step->way.ops;
	size_t done = 0;
	int r = 0, back = 0;

	while (r == 0 && done < ops->len) {
		r = ovl_op_do(&tx->trees, &ops->data[done]);
		if (r == 0)
			done++;
	}
	if (r == 0) {
		step->fate = OVL_FATE_FIXED;
		tell(tx, step);
		return 0;
	}
	while (back == 0 && done > 0)
		back = ovl_op_undo(&tx->trees, &ops->data[--done], true);
	unmake(tx, step);
	return back < 0 ? -EUCLEAN : r;
}

/** Steps of a group that are worked on at once. */
struct batch {
	struct ovl_tx *tx;
	struct group *group;
	size_t from;
	int (*work)(struct ovl_tx *tx, struct item *item);
};

static int work_on(void *ctx, size_t i)
{
	const struct batch *b = ctx;
	struct item *item = &b->group->item.data[b->from + i];

	if (item->err == 0)
		item->err = b->work(b->tx, item);
	return 0;
}

/*
 * Steps that change no names, but only content and xattrs, have nothing to do with each other: none of
 * two changes what the other one does, see meets_another(). (The directory of the index is opened when
 * it is asked for, which only one thread may do.)
 */
static bool stands_alone(const struct ovl_repair_step *step)
{
	for (size_t i = 0; i < step->way.ops.len; i++) {
		const struct ovl_op *op = &step->way.ops.data[i];

		if ((op->type != OVL_OP_XATTR && op->type != OVL_OP_DATA) ||
		    op->at.tree == OVL_LAYER_INDEX || op->to.tree == OVL_LAYER_INDEX)
			return false;
	}
	return true;
}

/* Runs @work for all steps, in order as far as it matters; err of each is written. */
static int for_each_step(struct ovl_tx *tx, struct group *g,
			 int (*work)(struct ovl_tx *tx, struct item *item))
{
	size_t from = 0, to;
	int r = 0;

	while (r == 0 && from < g->item.len) {
		struct batch b = { tx, g, from, work };

		for (to = from; to < g->item.len && stands_alone(g->item.data[to].step); to++)
			;
		if (to == from)
			to++;
		r = ovl_crowd(tx->threads, to - from, work_on, &b);
		from = to;
	}
	return r;
}

/* What is recorded is durable now. */
static int carry_out_group(struct ovl_tx *tx, struct group *g)
{
	int r = for_each_step(tx, g, carry_out);

	for (size_t i = 0; r == 0 && i < g->item.len; i++) {
		struct item *item = &g->item.data[i];

		if (item->err == -EUCLEAN) /* half done: only the journal can help */
			return -EIO;
		if (item->err == 0)
			continue;
		r = leave(item);
		if (r == 0)
			r = ovl_journal_abort(&tx->store.journal, (uint32_t)i);
	}
	if (r == 0)
		r = ovl_undo_sync(&tx->trees);
	if (r == 0)
		r = ovl_journal_mark(&tx->store.journal, OVL_RECORD_COMMIT);
	return r;
}

/* Who meets another step of this run is looked at once more in the next round. */
static int keep_apart(struct group *g)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < g->item.len; i++) {
		struct item *item = &g->item.data[i];

		r = meets_another(g, item->step, false);
		if (r > 0)
			item->err = -ESTALE;
		else if (r == 0)
			r = meets_another(g, item->step, true);
	}
	return r < 0 ? r : 0;
}

/* Those that could not be prepared are left out. */
static int prepare_group(struct ovl_tx *tx, const struct ovl_report *report, struct group *g)
{
	size_t n = 0;
	int r = ovl_journal_group(&tx->store.journal);

	if (r == 0)
		r = keep_apart(g);
	if (r == 0)
		r = for_each_step(tx, g, prepare);
	for (size_t i = 0; r == 0 && i < g->item.len; i++) {
		struct item *item = &g->item.data[i];

		if (item->err < 0) {
			r = item->err == -ENOMEM ? item->err : leave(item);
			continue;
		}
		g->item.data[n++] = *item;
		r = record(tx, report, item->step);
		if (r == 0)
			r = record_several(tx, item->step);
	}
	g->item.len = n;
	return r == 0 ? ovl_journal_sync(&tx->store.journal) : r;
}

static int apply_group(struct ovl_tx *tx, const struct ovl_report *report, struct group *g,
		       struct ovl_error *e)
{
	int r = prepare_group(tx, report, g);

	if (r == 0)
		r = carry_out_group(tx, g);
	g->item.len = 0;
	g->n_ops = 0;
	return r < 0 ? ovl_fail(e, r, "cannot go on with repairs") : 0;
}

static int open_journal(struct ovl_tx *tx, struct ovl_error *e)
{
	int r;

	if (tx->open)
		return 0;
	if (tx->store.base < 0)
		return ovl_fail_plain(
			e, -ENOENT,
			"there is no work directory to keep the journal in: use -z DIR");
	r = ovl_store_lock(&tx->store, e);
	if (r == 0)
		r = ovl_store_create(&tx->store, tx->policy->command, e);
	if (r < 0)
		return r;
	tx->open = true;
	tx->trees.store = tx->store.dir;
	/* From now on the kernel refuses the mount; somebody may have been quicker. */
	return ovl_undo_alone(tx->stack, e);
}

int ovl_tx_apply(struct ovl_tx *tx, const struct ovl_report *report, ovl_plan *plan, size_t from,
		 struct ovl_error *e)
{
	struct group g = { 0 };
	int r = 0;

	for (size_t i = from; r == 0 && i < plan->len; i++) {
		struct ovl_repair_step *step = &plan->data[i];

		if (!step->way.row)
			continue;
		r = open_journal(tx, e);
		if (r == 0)
			r = ovl_vec_push(&g.item, ((struct item){ .step = step }));
		g.n_ops += step->way.ops.len;
		if (r < 0 || (g.item.len < GROUP_STEPS && g.n_ops < GROUP_OPS))
			continue;
		r = apply_group(tx, report, &g, e);
		if (r == 0 && is_cancelled(tx))
			r = -ECANCELED;
	}
	if (r == 0 && g.item.len > 0)
		r = apply_group(tx, report, &g, e);
	ovl_vec_done(&g.item);
	ovl_map_done(&g.touched);
	return r;
}

int ovl_tx_begin(struct ovl_tx *tx, struct ovl_stack *stack, const struct ovl_policy *policy,
		 struct ovl_error *e)
{
	int r;

	*tx = (struct ovl_tx){ .stack = stack, .policy = policy };
	ovl_trees_init(&tx->trees, stack);
	r = ovl_store_init(&tx->store, stack, policy->journal_dir, e);
	if (r == 0)
		r = ovl_undo_alone(stack, e);
	if (r == 0 && tx->store.base >= 0)
		r = ovl_recover(&tx->store, &tx->trees, &tx->open, &tx->recovered, e);
	return r;
}

int ovl_tx_end(struct ovl_tx *tx, struct ovl_error *e)
{
	size_t keep = tx->policy->keep ? tx->policy->keep : KEEP_DEFAULT;
	int r;

	if (!tx->open)
		return 0;
	tx->open = false;
	r = ovl_store_finish(&tx->store, OVL_RECORD_FINISHED, e);
	if (r == 0)
		r = ovl_store_prune(&tx->store, keep, e);
	return r;
}

void ovl_tx_done(struct ovl_tx *tx)
{
	ovl_trees_done(&tx->trees);
	ovl_store_done(&tx->store);
}
