/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rounds of a repair or of one phase of a conversion. See rounds.h.
 *
 * A repair is planned as a whole before anything is written: its ways were judged against each other. A
 * conversion may have a million findings, each with a way of its own; it is planned and carried out part
 * by part, so that memory does not grow with it.
 */
#include "repair/rounds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "stack/stack.h"

#include "base/banned.h"

enum {
	MAX_ROUNDS = 100, /* nested directories are expanded one level a round */
	PART = 2048,      /* findings of a conversion that are planned at a time */
};

void ovl_round_done(struct ovl_round *round)
{
	ovl_facts_free(round->facts);
	ovl_plan_done(&round->plan);
	ovl_report_free(round->report);
}

static void forget_facts(struct ovl_round *round)
{
	round->facts = ovl_facts_free(round->facts);
}

/* ---- Reasons ---- */

void ovl_reasons_done(struct ovl_reasons *reasons)
{
	struct ovl_key key;
	uint64_t value;
	size_t pos = 0;

	while (ovl_map_next(&reasons->text, &pos, &key, &value))
		free((char *)(uintptr_t)value);
	ovl_map_done(&reasons->text);
}

static int reason_key(const struct ovl_finding *f, struct ovl_key *ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = ovl_buf_addf(&b, "%d %d ", (int)f->problem, f->loc.layer);

	if (r == 0)
		r = ovl_path_add(&b, f->loc.path);
	if (r == 0)
		*ret = ovl_map_hash(b.data, b.len);
	return r;
}

/* Keeps why a step was left, for the last report. */
static int keep_reason(struct ovl_reasons *reasons, const struct ovl_finding *f, const char *why)
{
	struct ovl_key key;
	uint64_t *value;
	char *copy;
	int r = reason_key(f, &key);

	if (r == 0)
		r = ovl_map_put(&reasons->text, key, 0, &value);
	if (r < 0)
		return r;
	copy = strdup(why);
	if (!copy)
		return -ENOMEM;
	free((char *)(uintptr_t)*value);
	*value = (uint64_t)(uintptr_t)copy;
	return 0;
}

static int keep_reasons(struct ovl_work *w, const struct ovl_round *round)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < round->plan.len; i++) {
		const struct ovl_repair_step *step = &round->plan.data[i];
		struct ovl_finding f;

		if (step->fate == OVL_FATE_FIXED || !step->why)
			continue;
		f = ovl_report_get(round->report, step->finding);
		r = keep_reason(&w->reasons, &f, step->why);
	}
	return r;
}

/* What a conversion has left: the last report tells it, with the reason of its phase. */
static int add_left(struct ovl_work *w, struct ovl_round *round)
{
	size_t n = ovl_report_len(round->report);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct ovl_finding f = ovl_report_get(round->report, i);
		struct ovl_repair_step step = { .finding = i };
		struct ovl_key key;
		uint64_t *value;

		if (ovl_plan_phase(f.problem) == OVL_PHASE_REPAIR)
			continue;
		r = reason_key(&f, &key);
		value = r == 0 ? ovl_map_get(&w->reasons.text, key) : NULL;
		if (value) {
			step.why = strdup((const char *)(uintptr_t)*value);
			r = step.why ? 0 : -ENOMEM;
		}
		if (r == 0)
			r = ovl_vec_push(&round->plan, step);
		if (r < 0)
			free(step.why);
	}
	return r;
}

/* ---- One round ---- */

static int look(struct ovl_work *w, struct ovl_round *round, struct ovl_error *e)
{
	struct ovl_stack *stack = w->tx.stack;
	int r = 0;

	stack->marked = w->tx.open;
	if (w->tx.open)
		r = ovl_stack_look_for_index(stack, e);
	/* Traces from which options were concluded may be gone by now. */
	if (r == 0 && w->tx.open)
		r = ovl_resolve_options(stack, e);
	return r < 0 ? r : ovl_check_facts(stack, w->options, &round->report, &round->facts, e);
}

/* Steps of their own, which no report tells: without them the findings cannot be planned for. */
static int make_parents(struct ovl_work *w, struct ovl_round *round,
			const struct ovl_plan_part *part, struct ovl_error *e)
{
	ovl_plan plan = { 0 };
	int r = ovl_plan_parents(w->tx.stack, round->report, round->facts, w->tx.policy, part,
				 &w->memory, &plan);

	if (r < 0)
		ovl_fail(e, r, "cannot plan the conversion");
	else
		r = ovl_tx_apply(&w->tx, round->report, &plan, 0, e);
	ovl_plan_done(&plan);
	return r;
}

/* Plans for a part of the findings and carries it out. */
static int run_part(struct ovl_work *w, struct ovl_round *round, const struct ovl_plan_part *part,
		    struct ovl_error *e)
{
	size_t from = round->plan.len;
	int r = part->phase == OVL_PHASE_REPAIR ? 0 : make_parents(w, round, part, e);

	if (r < 0)
		return r;
	r = ovl_plan_make(w->tx.stack, round->report, round->facts, w->tx.policy, part, &w->memory,
			  &round->plan);

	w->quit = r == -ECANCELED;
	if (r < 0 && !w->quit)
		return ovl_fail(e, r, "cannot plan the %s",
				part->phase == OVL_PHASE_REPAIR ? "repairs" : "conversion");
	r = ovl_tx_apply(&w->tx, round->report, &round->plan, from, e);
	for (size_t i = from; i < round->plan.len; i++)
		ovl_way_forget(&round->plan.data[i].way);
	return r;
}

/*
 * Is another look needed? Whatever was done may have brought something to light, so the last look is one
 * after which nothing was done: then the report tells what is left, and a second run finds the same. Phases
 * of a conversion are followed by a look of their own, and only go on for what is not done yet: something
 * else may have stood in its way.
 */
static bool wants_more(const ovl_plan *plan, enum ovl_phase phase)
{
	bool progress = false, more = phase == OVL_PHASE_REPAIR;

	for (size_t i = 0; i < plan->len; i++) {
		enum ovl_fate fate = plan->data[i].fate;

		progress |= fate == OVL_FATE_FIXED;
		more |= fate != OVL_FATE_FIXED && fate != OVL_FATE_DECLINED;
	}
	return progress && more;
}

/* One round: 1 if another one is needed, 0 if not. */
static int run_round(struct ovl_work *w, enum ovl_phase phase, struct ovl_round *round,
		     struct ovl_error *e)
{
	size_t n, size;
	int r = round->report ? 0 : look(w, round, e);

	if (r < 0)
		return r;
	n = ovl_report_len(round->report);
	size = phase == OVL_PHASE_REPAIR ? n : (size_t)PART;
	for (size_t at = 0; r == 0 && !w->quit && at < n; at += size) {
		const struct ovl_plan_part part = { at, n - at < size ? n : at + size, phase,
						    w->tx.threads };

		r = run_part(w, round, &part, e);
	}
	ovl_plan_forget_facts(&w->memory);
	if (phase != OVL_PHASE_REPAIR) /* (who converts asks for those of the repair) */
		round->facts = ovl_facts_free(round->facts);
	if (r == 0 && phase == OVL_PHASE_REPAIR)
		r = add_left(w, round);
	else if (r == 0)
		r = keep_reasons(w, round);
	if (r < 0)
		return r;
	return w->quit ? -ECANCELED : wants_more(&round->plan, phase);
}

/* A round of repairs that had nothing to do: what it saw holds for the first phase as well. */
static bool is_fresh(const struct ovl_round *round)
{
	for (size_t i = 0; i < round->plan.len; i++)
		if (round->plan.data[i].fate != OVL_FATE_LEFT || round->plan.data[i].way.row)
			return false;
	return round->facts != NULL;
}

/* The first look of a phase, if the last one of the repair is as good: then that round is replaced. */
static void take_over(ovl_round_vec *rounds, enum ovl_phase phase, struct ovl_round *ret)
{
	struct ovl_round *last = rounds->len > 0 ? &rounds->data[rounds->len - 1] : NULL;

	if (!last)
		return;
	if (phase == OVL_PHASE_REPAIR || !is_fresh(last)) {
		forget_facts(last);
		return;
	}
	ret->report = TAKE_PTR(last->report);
	ret->facts = TAKE_PTR(last->facts);
	ovl_round_done(last);
	rounds->len--;
}

int ovl_rounds(struct ovl_work *w, enum ovl_phase phase, ovl_round_vec *rounds, struct ovl_error *e)
{
	int r = 1;

	for (unsigned n = 0; r == 1 && n < MAX_ROUNDS; n++) {
		struct ovl_round round = { 0 };

		take_over(rounds, phase, &round);
		r = run_round(w, phase, &round, e);
		if (!round.report || ovl_vec_push(rounds, round) < 0) {
			ovl_round_done(&round);
			return r < 0 ? r : -ENOMEM;
		}
	}
	return r == 1 ? 0 : r;
}
