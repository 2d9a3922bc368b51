/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole of a repair: check, plan, apply, and look again where repairs bring things to light.
 */
#include "overlayfs/repair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/engine.h"
#include "repair/tx.h"
#include "repair/undo.h"

#include "base/banned.h"

enum { MAX_ROUNDS = 10 };

/** One look at the layers and what was done then. */
struct round {
	struct ovl_report *report;
	struct ovl_facts *facts; /* until the plan is made */
	ovl_plan plan;
};

/** A result: a step of a round. */
struct item {
	size_t round, step;
};

struct ovl_repairs {
	OVL_VEC(struct round) round;
	OVL_VEC(struct item) item;
	size_t recovered;
	char journal[37]; /* "": none */
};

static void round_done(struct round *r)
{
	ovl_facts_free(r->facts);
	ovl_plan_done(&r->plan);
	ovl_report_free(r->report);
}

struct ovl_repairs *ovl_repairs_free(struct ovl_repairs *repairs)
{
	if (!repairs)
		return NULL;
	for (size_t i = 0; i < repairs->round.len; i++)
		round_done(&repairs->round.data[i]);
	ovl_vec_done(&repairs->round);
	ovl_vec_done(&repairs->item);
	free(repairs);
	return NULL;
}

size_t ovl_repairs_len(const struct ovl_repairs *repairs)
{
	return repairs->item.len;
}

struct ovl_result ovl_repairs_get(const struct ovl_repairs *repairs, size_t i)
{
	const struct item *item = &repairs->item.data[i];
	const struct round *round = &repairs->round.data[item->round];
	const struct ovl_repair_step *step = &round->plan.data[item->step];
	struct ovl_result result = { .finding = ovl_report_get(round->report, step->finding),
				     .fate = step->fate,
				     .why = step->why };

	if (step->way.row)
		result.way = step->way.text ? step->way.text : step->way.row->text;
	if (step->fate == OVL_FATE_DECLINED) { /* what was offered */
		result.way = step->why;
		result.why = NULL;
	}
	return result;
}

const struct ovl_counts *ovl_repairs_counts(const struct ovl_repairs *repairs)
{
	return ovl_report_counts(repairs->round.data[repairs->round.len - 1].report);
}

const struct ovl_counts *ovl_repairs_layer_counts(const struct ovl_repairs *repairs, int layer)
{
	return ovl_report_layer_counts(repairs->round.data[repairs->round.len - 1].report, layer);
}

const char *ovl_repairs_journal(const struct ovl_repairs *repairs)
{
	return *repairs->journal ? repairs->journal : NULL;
}

size_t ovl_repairs_recovered(const struct ovl_repairs *repairs)
{
	return repairs->recovered;
}

/* What was repaired in any round, and what the last one could not. */
static int list_results(struct ovl_repairs *repairs)
{
	int r = 0;

	for (size_t i = 0; i < repairs->round.len; i++) {
		const ovl_plan *plan = &repairs->round.data[i].plan;
		bool last = i + 1 == repairs->round.len;

		for (size_t k = 0; r == 0 && k < plan->len; k++)
			if (last || plan->data[k].fate == OVL_FATE_FIXED)
				r = ovl_vec_push(&repairs->item, ((struct item){ i, k }));
	}
	return r;
}

/* Is another look needed? Not if this round has changed nothing. */
static bool wants_more(const ovl_plan *plan)
{
	bool progress = false, more = false;

	for (size_t i = 0; i < plan->len; i++) {
		const struct ovl_repair_step *step = &plan->data[i];

		if (step->fate == OVL_FATE_FIXED) {
			progress = true;
			more |= step->recheck;
		}
		more |= step->again;
	}
	return progress && more;
}

/** What all rounds share. */
struct work {
	struct ovl_tx tx;
	const struct ovl_check_options *options;
	struct ovl_map declined;
	uint64_t number;
	bool quit;
};

/* One round: 1 if another one is needed, 0 if not. */
static int run_round(struct work *w, struct round *round, struct ovl_error *e)
{
	int r = 0;

	w->tx.stack->marked = w->tx.open;
	if (w->tx.open)
		r = ovl_stack_look_for_index(w->tx.stack, e);
	if (r == 0)
		r = ovl_check_facts(w->tx.stack, w->options, &round->report, &round->facts, e);
	if (r < 0)
		return r;
	r = ovl_plan_make(w->tx.stack, round->report, round->facts, w->tx.policy, &w->number,
			  &w->declined, &round->plan);
	w->quit = r == -ECANCELED;
	if (r < 0 && !w->quit)
		return ovl_fail(e, r, "cannot plan the repairs");
	round->facts = ovl_facts_free(round->facts);
	r = ovl_tx_apply(&w->tx, round->report, &round->plan, e);
	if (r < 0)
		return r;
	return w->quit ? -ECANCELED : wants_more(&round->plan);
}

static int run_rounds(struct work *w, struct ovl_repairs *repairs, struct ovl_error *e)
{
	int r = 1;

	for (unsigned n = 0; r == 1 && n < MAX_ROUNDS; n++) {
		struct round round = { 0 };

		r = run_round(w, &round, e);
		if (!round.report || ovl_vec_push(&repairs->round, round) < 0) {
			round_done(&round);
			return r < 0 ? r : -ENOMEM;
		}
	}
	return r == 1 ? 0 : r;
}

static int finish(struct work *w, struct ovl_repairs *repairs, int r, struct ovl_error *e)
{
	bool written = w->tx.open;
	int end = 0;

	repairs->recovered = w->tx.recovered;
	if (written)
		memcpy(repairs->journal, w->tx.store.id, sizeof(repairs->journal));
	/* After a failure the journal stays unfinished, and the marker keeps the kernel away. */
	if (r == 0 || r == -ECANCELED)
		end = ovl_tx_end(&w->tx, e);
	return end < 0 ? end : r;
}

int ovl_repair(struct ovl_stack *stack, const struct ovl_check_options *options,
	       const struct ovl_policy *policy, struct ovl_repairs **ret, struct ovl_error *e)
{
	struct ovl_repairs *repairs = calloc(1, sizeof(*repairs));
	struct work w = { .options = options };
	int r;

	if (!repairs)
		return ovl_fail(e, -ENOMEM, "repair");
	r = ovl_tx_begin(&w.tx, stack, policy, e);
	if (r == 0) {
		w.tx.cancelled = options->cancelled;
		w.tx.cancelled_ctx = options->ctx;
		w.number = w.tx.open ? w.tx.store.journal.saved : 0;
		r = run_rounds(&w, repairs, e);
		r = finish(&w, repairs, r, e);
	}
	ovl_tx_done(&w.tx);
	ovl_map_done(&w.declined);
	if (repairs->round.len > 0 && list_results(repairs) == 0)
		*ret = repairs;
	else
		ovl_repairs_free(repairs);
	return r;
}
