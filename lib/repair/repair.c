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
#include "repair/convert.h"
#include "repair/rounds.h"
#include "repair/undo.h"

#include "base/banned.h"

/** A result: a step of a round. */
struct item {
	size_t round, step;
};

struct ovl_repairs {
	ovl_round_vec round;
	OVL_VEC(struct item) item;
	struct ovl_conversion conversion;
	struct ovl_recovered recovered;
	char journal[37]; /* "": none */
};

struct ovl_repairs *ovl_repairs_free(struct ovl_repairs *repairs)
{
	if (!repairs)
		return NULL;
	for (size_t i = 0; i < repairs->round.len; i++)
		ovl_round_done(&repairs->round.data[i]);
	ovl_vec_done(&repairs->round);
	ovl_vec_done(&repairs->item);
	ovl_conversion_done(&repairs->conversion);
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
	const struct ovl_round *round = &repairs->round.data[item->round];
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

const struct ovl_conversion *ovl_repairs_conversion(const struct ovl_repairs *repairs)
{
	return &repairs->conversion;
}

size_t ovl_repairs_recovered(const struct ovl_repairs *repairs)
{
	return repairs->recovered.back;
}

size_t ovl_repairs_unrecovered(const struct ovl_repairs *repairs)
{
	return repairs->recovered.left;
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

static int finish(struct ovl_work *w, struct ovl_repairs *repairs, int r, struct ovl_error *e)
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
	struct ovl_work w = { .options = options };
	int r;

	if (!repairs)
		return ovl_fail(e, -ENOMEM, "repair");
	r = ovl_tx_begin(&w.tx, stack, policy, e);
	if (r == 0) {
		w.tx.threads = ovl_check_threads(options);
		w.tx.options = options;
		w.tx.trees.threads = w.tx.threads;
		w.tx.trees.cancelled = options->cancelled;
		w.tx.trees.cancelled_ctx = options->ctx;
		w.memory.number = w.tx.open ? w.tx.store.journal.saved : 0;
		r = ovl_rounds(&w, OVL_PHASE_REPAIR, &repairs->round, e);
		if (r == 0 && options->profile && options->profile->active)
			r = ovl_convert(&w, &repairs->round, &repairs->conversion, e);
		r = finish(&w, repairs, r, e);
	}
	ovl_tx_done(&w.tx);
	ovl_plan_forget(&w.memory);
	ovl_reasons_done(&w.reasons);
	if (repairs->round.len > 0 && list_results(repairs) == 0)
		*ret = repairs;
	else
		ovl_repairs_free(repairs);
	return r;
}
