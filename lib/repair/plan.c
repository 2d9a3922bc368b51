/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From findings to steps: which way is taken for each, if any.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/crowd.h"
#include "repair/decide.h"
#include "repair/lower.h"
#include "repair/parents.h"

#include "base/banned.h"

enum { STRETCH = 64 }; /* findings that are worth several threads */

/** What making a plan needs. */
struct planner {
	struct ovl_fixer fx;
	const struct ovl_policy *policy;
	struct ovl_map writable; /* layer -> enum ovl_writable, once it was found out */
	struct ovl_plan_memory *memory;
	bool converts; /* the user has agreed to changes in whatever layer is to be converted */
	bool quit;
};

void ovl_plan_done(ovl_plan *plan)
{
	for (size_t i = 0; i < plan->len; i++) {
		ovl_way_done(&plan->data[i].way);
		free(plan->data[i].why);
	}
	ovl_vec_done(plan);
}

/* A work directory and an index are as writable as their upper. */
static int writable(struct planner *p, int layer, enum ovl_writable *ret)
{
	struct ovl_key key;
	uint64_t *value;
	int r;

	if (layer < 0)
		layer = OVL_LAYER_UPPER;
	key = (struct ovl_key){ (uint64_t)layer, 0 };
	r = ovl_map_put(&p->writable, key, UINT64_MAX, &value);
	if (r < 0)
		return r;
	if (*value == UINT64_MAX)
		*value = p->converts ?
				 ovl_lower_judge_agreed(p->fx.stack, layer, p->policy->lower) :
				 ovl_lower_judge(p->fx.stack, layer, p->policy->lower);
	*ret = (enum ovl_writable) * value;
	return 0;
}

/* One way for the finding at hand: 1 if it is open, with its operations in @ret. */
static int try_way(struct planner *p, const struct ovl_repair_row *row, struct ovl_way *ret,
		   const char **ret_why)
{
	struct ovl_way way = { .row = row };
	int r;

	free(TAKE_PTR(p->fx.why));
	p->fx.way = &way;
	p->fx.closed = false;
	r = row->fix(&p->fx);
	p->fx.way = NULL;
	if (r > 0 && way.ops.len > 0 && !p->fx.closed) {
		*ret = way;
		return 1;
	}
	ovl_way_done(&way);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		*ret_why = strerror(-r);
	else
		*ret_why = p->fx.why;
	return 0;
}

static int keep_why(struct ovl_repair_step *step, const char *why)
{
	if (!why)
		return 0;
	free(step->why);
	step->why = strdup(why);
	return step->why ? 0 : -ENOMEM;
}

/** The ways that are open for one finding, for a question. */
struct offer {
	OVL_VEC(struct ovl_way) way;
	OVL_VEC(const char *) text;
};

static void offer_done(struct offer *o)
{
	for (size_t i = 0; i < o->way.len; i++)
		ovl_way_done(&o->way.data[i]);
	ovl_vec_done(&o->way);
	ovl_vec_done(&o->text);
}

static int offer_add(struct offer *o, struct ovl_way *way)
{
	int r = ovl_vec_push(&o->way, *way);

	if (r < 0) {
		ovl_way_done(way);
		return r;
	}
	return ovl_vec_push(&o->text, way->text ? way->text : way->row->text);
}

/* Stands for a finding, in whatever report it is told again. */
static int finding_key(struct planner *p, struct ovl_key *ret)
{
	const struct ovl_finding *f = p->fx.finding;
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = ovl_buf_addf(&b, "%d %d ", (int)f->problem, f->loc.layer);

	if (r == 0)
		r = ovl_path_add(&b, f->loc.path);
	if (r == 0)
		r = ovl_buf_adds(&b, f->found);
	if (r == 0)
		*ret = ovl_map_hash(b.data, b.len);
	return r;
}

/* As it was answered before, or now. */
static int answer_to(struct planner *p, struct ovl_key key, const struct ovl_question *question)
{
	if (ovl_map_get(&p->memory->declined, key))
		return OVL_ANSWER_NO;
	if (ovl_map_get(&p->memory->agreed, key))
		return 0;
	return p->memory->quit ? OVL_ANSWER_QUIT : p->policy->ask(p->policy->ctx, question);
}

/* Asks, unless that was answered before. */
static int ask(struct planner *p, struct offer *offer, struct ovl_repair_step *step)
{
	const struct ovl_question question = { .finding = *p->fx.finding,
					       .way = offer->text.data,
					       .n_ways = offer->text.len };
	struct ovl_key key;
	uint64_t *value;
	int answer, r = finding_key(p, &key);

	if (r < 0)
		return r;
	answer = answer_to(p, key, &question);
	if (answer >= 0 && (size_t)answer < offer->way.len) {
		step->way = offer->way.data[answer];
		offer->way.data[answer] = (struct ovl_way){ 0 };
		return 0;
	}
	p->quit = answer == OVL_ANSWER_QUIT;
	step->fate = OVL_FATE_DECLINED;
	step->way.row = NULL;
	r = keep_why(step, offer->text.data[0]);
	return r < 0 ? r : ovl_map_put(&p->memory->declined, key, 1, &value) < 0 ? -ENOMEM : 0;
}

/* What the conversion has made is its own to put right, and was agreed to with it. */
static struct ovl_policy policy_for(const struct planner *p, const struct ovl_repair_row *row)
{
	struct ovl_policy policy = *p->policy;

	if (p->memory->converted && row->after && policy.mode == OVL_REPAIR_PREEN)
		policy.mode = OVL_REPAIR_YES;
	return policy;
}

static int plan_finding(struct planner *p, struct ovl_repair_step *step)
{
	_cleanup_(offer_done) struct offer offer = { 0 };
	const struct ovl_finding *f = p->fx.finding;
	const struct ovl_repair_row *row;
	size_t n = ovl_repair_rows(f->problem, &row);
	enum ovl_writable state = OVL_WRITABLE_YES;
	int r = n ? writable(p, f->loc.layer, &state) : 0;

	for (size_t i = 0; r == 0 && i < n && !step->way.row; i++) {
		const char *why = NULL;
		const struct ovl_policy policy = policy_for(p, &row[i]);
		enum ovl_verdict verdict =
			ovl_decide(&policy, &row[i], f->loc.layer > 0, state, &why);
		struct ovl_way way = { 0 };

		if (verdict != OVL_VERDICT_NO)
			r = try_way(p, &row[i], &way, &why);
		if (r == 1 && verdict == OVL_VERDICT_DO) {
			step->way = way;
			r = 0;
		} else if (r == 1) {
			r = offer_add(&offer, &way);
		} else if (r == 0 && !step->why) {
			r = keep_why(step, why);
		}
	}
	if (r == 0 && offer.way.len > 0)
		r = ask(p, &offer, step);
	return r;
}

enum ovl_phase ovl_plan_phase(enum ovl_problem_id problem)
{
	const struct ovl_repair_row *row;

	return ovl_repair_rows(problem, &row) > 0 ? row->phase : OVL_PHASE_REPAIR;
}

/** All that one call is about; what planners share. */
struct planning {
	struct ovl_stack *stack;
	const struct ovl_report *report;
	const struct ovl_facts *facts;
	const struct ovl_policy *policy;
	const struct ovl_plan_part *part;
	struct ovl_plan_memory *memory;
};

static struct planner planner_of(const struct planning *all)
{
	const bool converts = all->part->phase != OVL_PHASE_REPAIR;

	return (struct planner){ .fx = { .stack = all->stack,
					 .facts = all->facts,
					 .report = all->report,
					 .number = &all->memory->number,
					 .copied = &all->memory->copied,
					 .trees = converts ? &all->memory->trees : NULL,
					 .converted = all->memory->converted },
				 .policy = all->policy,
				 .memory = all->memory,
				 .converts = converts };
}

static void planner_done(struct planner *p)
{
	ovl_fixer_done(&p->fx);
	ovl_map_done(&p->writable);
}

static bool is_planned_for(const struct planning *all, size_t i)
{
	const struct ovl_policy *policy = all->policy;
	struct ovl_finding f = ovl_report_get(all->report, i);

	return ovl_plan_phase(f.problem) == all->part->phase &&
	       (!policy->wanted || policy->wanted(policy->ctx, &f));
}

static int plan_number(struct planner *p, size_t i, struct ovl_repair_step *ret)
{
	struct ovl_finding f = ovl_report_get(p->fx.report, i);
	struct ovl_repair_step step = { .finding = i };
	int r;

	ovl_fixer_begin(&p->fx, &f);
	r = plan_finding(p, &step);
	*ret = step;
	return r;
}

/* ---- Many at once ---- */

/** Findings that follow one another, each planned for whatever the others are. */
struct stretch {
	const struct planning *all;
	size_t from, n, shares;
	struct ovl_repair_step *step; /* of each */
};

static bool is_apart(const struct planning *all, size_t i)
{
	const struct ovl_repair_row *row;

	return ovl_repair_rows(ovl_report_get(all->report, i).problem, &row) == 1 && row->apart &&
	       is_planned_for(all, i);
}

static size_t stretch_len(const struct planning *all, size_t from)
{
	size_t to = from;

	if (all->part->threads == 1 || all->policy->mode == OVL_REPAIR_ASK)
		return 0;
	while (to < all->part->to && is_apart(all, to))
		to++;
	return to - from;
}

static int plan_share(void *ctx, size_t share)
{
	const struct stretch *s = ctx;
	struct planner p = planner_of(s->all);
	size_t to = s->n * (share + 1) / s->shares;
	int r = 0;

	for (size_t i = s->n * share / s->shares; r == 0 && i < to; i++)
		r = plan_number(&p, s->from + i, &s->step[i]);
	planner_done(&p);
	return r;
}

static int plan_stretch(const struct planning *all, size_t from, size_t n, ovl_plan *ret)
{
	_cleanup_free_ struct ovl_repair_step *step = calloc(n, sizeof(*step));
	struct stretch s = { all, from, n, all->part->threads, step };
	int r = step ? ovl_crowd((unsigned)s.shares, s.shares, plan_share, &s) : -ENOMEM;
	size_t i = 0;

	while (r == 0 && i < n) {
		r = ovl_vec_push(ret, step[i]);
		if (r == 0)
			i++;
	}
	for (; step && i < n; i++) {
		ovl_way_done(&step[i].way);
		free(step[i].why);
	}
	return r;
}

/* What a conversion has no way for is left by every phase, and told with the repairs. */
int ovl_plan_make(struct ovl_stack *stack, const struct ovl_report *report,
		  const struct ovl_facts *facts, const struct ovl_policy *policy,
		  const struct ovl_plan_part *part, struct ovl_plan_memory *memory, ovl_plan *ret)
{
	const struct planning all = { stack, report, facts, policy, part, memory };
	struct planner p = planner_of(&all);
	size_t i = part->from, n;
	int r = 0;

	while (r == 0 && i < part->to && !p.quit) {
		struct ovl_repair_step step;

		n = stretch_len(&all, i);
		if (n >= STRETCH) {
			r = plan_stretch(&all, i, n, ret);
			i += n;
			continue;
		}
		/* (Those of a short stretch are not looked at again and again.) */
		for (n = n ? n : 1; r == 0 && n > 0 && !p.quit; n--, i++) {
			if (!is_planned_for(&all, i))
				continue;
			r = plan_number(&p, i, &step);
			if (r == 0)
				r = ovl_vec_push(ret, step);
			if (r < 0) {
				ovl_way_done(&step.way);
				free(step.why);
			}
		}
	}
	planner_done(&p);
	return r < 0 ? r : p.quit ? -ECANCELED : 0;
}

static int add_parents(struct ovl_fixer *fx, const struct ovl_parents *parents, size_t finding,
		       ovl_plan *ret)
{
	static const struct ovl_repair_row row = { .text = "make the directories for it",
						   .trust = OVL_WAY_PREEN };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ovl_parents_len(parents); i++) {
		struct ovl_repair_step step = { .finding = finding, .way = { .row = &row } };

		fx->way = &step.way;
		r = ovl_parents_emit(parents, fx, i);
		if (r == 0)
			r = ovl_vec_push(ret, step);
		if (r < 0)
			ovl_way_done(&step.way);
	}
	return r;
}

/* Is a directory missing for a finding? 1, 0 or negative errno. */
static int lacks_parents(struct planner *p, const struct ovl_repair_row *row)
{
	struct ovl_parents parents;
	int r;

	ovl_parents_init(&parents, OVL_LAYER_UPPER);
	r = row->need(&p->fx, &parents);
	if (r >= 0)
		r = ovl_parents_len(&parents) > 0;
	ovl_parents_done(&parents);
	return r;
}

/*
 * Who is to be asked is asked before a directory is made: here, in other words than when it can be planned
 * for. May it be made? 1, 0 or negative errno.
 */
static int ask_early(struct planner *p, const struct ovl_repair_row *row)
{
	const char *text = row->text ? row->text : "make its names in the upper";
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	struct ovl_question question = { .finding = *p->fx.finding, .n_ways = 1 };
	struct ovl_key key;
	uint64_t *value;
	int answer, r = lacks_parents(p, row);

	if (r <= 0)
		return r < 0 ? r : 1;
	r = finding_key(p, &key);
	if (r == 0)
		r = ovl_buf_addf(&b, "%s, in directories that have to be made first", text);
	if (r < 0)
		return r;
	question.way = (const char *const *)&b.data;
	answer = answer_to(p, key, &question);
	p->memory->quit |= answer == OVL_ANSWER_QUIT;
	if (answer == OVL_ANSWER_QUIT)
		return 0;
	r = ovl_map_put(answer == 0 ? &p->memory->agreed : &p->memory->declined, key, 1, &value);
	return r < 0 ? r : answer == 0;
}

/* 1, 0 or negative errno */
static int may_make(struct planner *p, const struct ovl_repair_row *row)
{
	const struct ovl_finding *f = p->fx.finding;
	enum ovl_writable state;
	const char *why;
	int r = writable(p, f->loc.layer, &state);

	if (r < 0)
		return r;
	switch (ovl_decide(p->policy, row, f->loc.layer > 0, state, &why)) {
	case OVL_VERDICT_DO:
		return 1;
	case OVL_VERDICT_OFFER:
		return ask_early(p, row);
	case OVL_VERDICT_NO:
	default:
		return 0;
	}
}

/* What cannot be found out is told when the finding is planned for: only -ENOMEM. */
static int want_parents(struct planner *p, const struct ovl_finding *f, enum ovl_phase phase,
			struct ovl_parents *parents, bool *ret_wanted)
{
	const struct ovl_repair_row *row;
	int r;

	if (ovl_repair_rows(f->problem, &row) == 0 || row->phase != phase || !row->need ||
	    (p->policy->wanted && !p->policy->wanted(p->policy->ctx, f)))
		return 0;
	ovl_fixer_begin(&p->fx, f);
	r = may_make(p, row);
	if (r > 0) {
		*ret_wanted = true;
		r = row->need(&p->fx, parents);
	}
	return r == -ENOMEM ? r : 0;
}

int ovl_plan_parents(struct ovl_stack *stack, const struct ovl_report *report,
		     const struct ovl_facts *facts, const struct ovl_policy *policy,
		     const struct ovl_plan_part *part, struct ovl_plan_memory *memory,
		     ovl_plan *ret)
{
	const struct planning all = { stack, report, facts, policy, part, memory };
	struct planner p = planner_of(&all);
	struct ovl_parents parents;
	size_t last = part->from;
	int r = 0;

	ovl_parents_init(&parents, OVL_LAYER_UPPER);
	for (size_t i = part->from; r == 0 && i < part->to; i++) {
		const struct ovl_finding f = ovl_report_get(report, i);
		bool wanted = false;

		r = want_parents(&p, &f, part->phase, &parents, &wanted);
		last = wanted ? i : last;
	}
	if (r == 0)
		r = add_parents(&p.fx, &parents, last, ret);
	ovl_parents_done(&parents);
	planner_done(&p);
	return r;
}
