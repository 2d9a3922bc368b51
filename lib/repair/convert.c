/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The phases of a conversion. See convert.h.
 */
#include "repair/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/engine.h"
#include "check/snapshot.h"
#include "repair/copied.h"
#include "repair/estimate.h"

#include "base/banned.h"

static const struct ovl_report *last_report(const ovl_round_vec *rounds)
{
	return rounds->data[rounds->len - 1].report;
}

static bool has_phase(const struct ovl_report *report, enum ovl_phase phase)
{
	size_t n = ovl_report_len(report);

	for (size_t i = 0; i < n; i++)
		if (ovl_plan_phase(ovl_report_get(report, i).problem) == phase)
			return true;
	return false;
}

static bool has_work(const struct ovl_report *report)
{
	for (int phase = OVL_PHASE_REPAIR + 1; phase < OVL_PHASE__MAX; phase++)
		if (has_phase(report, (enum ovl_phase)phase))
			return true;
	return false;
}

/*
 * What stands in the way: errors that are left, since nobody knows what the overlay should show, and what
 * has no equivalent on the target, unless that may be lost (then it is no error).
 */
static enum ovl_obstacle find_obstacle(const struct ovl_report *report)
{
	enum ovl_obstacle obstacle = OVL_OBSTACLE_NONE;
	size_t n = ovl_report_len(report);

	for (size_t i = 0; i < n; i++) {
		const struct ovl_finding f = ovl_report_get(report, i);

		/* (What lies under a metacopy is not shown, and goes to saved/ when it is completed.) */
		if (f.severity != OVL_SEV_ERROR || f.problem == OVL_P_META_UPPER_HAS_DATA)
			continue;
		if (!ovl_problem_get(f.problem)->feature)
			return OVL_OBSTACLE_ERRORS;
		obstacle = OVL_OBSTACLE_LOSS;
	}
	return ovl_report_counts(report)->unreadable ? OVL_OBSTACLE_ERRORS : obstacle;
}

static int on_difference(void *ctx, const char *path)
{
	struct ovl_conversion *c = ctx;

	if (c->differs)
		return 0;
	c->differs = strdup(path);
	return c->differs ? 0 : -ENOMEM;
}

static int fail_proof(struct ovl_error *e, int r)
{
	return ovl_fail(e, r, "cannot record what the overlay shows");
}

/* Does the target show what was shown before? */
static int prove(struct ovl_work *w, struct ovl_snapshot *before, struct ovl_conversion *ret,
		 struct ovl_error *e)
{
	struct ovl_stack *stack = w->tx.stack;
	const struct ovl_config rules = ovl_profile_config(w->options->profile, &stack->config);
	struct ovl_snapshot *after = NULL;
	int64_t n = ovl_snapshot_take(stack, &rules, w->options, before, NULL, &after);

	if (n == 0)
		n = ovl_snapshot_compare(before, after, on_difference, ret);
	ovl_snapshot_free(after);
	if (n < 0)
		return fail_proof(e, (int)n);
	ret->compared = true;
	ret->n_differ = (uint64_t)n;
	return 0;
}

/* Before the first write: is there room for all of it? */
static int check_space(struct ovl_work *w, ovl_round_vec *rounds, struct ovl_conversion *ret,
		       struct ovl_error *e)
{
	const struct ovl_estimate *x = &ret->estimate;
	struct ovl_round *last = &rounds->data[rounds->len - 1];
	_cleanup_free_ char *layer = NULL;
	int lacking, r;

	r = ovl_estimate(w->tx.stack, last->report, last->facts, w->tx.threads, &ret->estimate,
			 &lacking);
	if (r < 0)
		return ovl_fail(e, r, "cannot find out how much space the conversion takes");
	ret->lacks_space = lacking != OVL_LAYER_NONE;
	if (!ret->lacks_space)
		return 0;
	layer = ovl_stack_layer_name(w->tx.stack, lacking);
	return ovl_fail_plain(
		e, -ENOSPC,
		"too little space on the file system of %s: %llu MiB and %llu inodes are "
		"needed, %llu MiB and %llu inodes are free; nothing was converted",
		layer ? layer : "a layer", (unsigned long long)(x->bytes >> 20) + 1,
		(unsigned long long)x->inodes, (unsigned long long)x->free_bytes >> 20,
		(unsigned long long)x->free_inodes);
}

static int run_phases(struct ovl_work *w, ovl_round_vec *rounds, struct ovl_error *e)
{
	int r = 0;

	for (int phase = OVL_PHASE_REPAIR + 1; r == 0 && phase < OVL_PHASE__MAX; phase++) {
		if (!has_phase(last_report(rounds), (enum ovl_phase)phase))
			continue;
		r = ovl_rounds(w, (enum ovl_phase)phase, rounds, e);
		/* A lower file that the index knows by its inode is not replaced before the entry is gone. */
		if (r == 0 && phase == OVL_PHASE_NAMES &&
		    has_phase(last_report(rounds), OVL_PHASE_DATA))
			r = ovl_rounds(w, OVL_PHASE_DATA, rounds, e);
	}
	/* What became useless, and what is left of all. */
	w->memory.converted = true;
	return r < 0 ? r : ovl_rounds(w, OVL_PHASE_REPAIR, rounds, e);
}

int ovl_convert(struct ovl_work *w, ovl_round_vec *rounds, struct ovl_conversion *ret,
		struct ovl_error *e)
{
	struct ovl_stack *stack = w->tx.stack;
	struct ovl_snapshot *before = NULL;
	int r;

	ret->active = true;
	ret->obstacle = find_obstacle(last_report(rounds));
	if (ret->obstacle != OVL_OBSTACLE_NONE || !has_work(last_report(rounds)))
		return 0;
	r = check_space(w, rounds, ret, e);
	if (r < 0)
		return r;
	r = ovl_copied_recall(&w->tx, &w->memory, e);
	if (r < 0)
		return r;
	r = ovl_snapshot_take(stack, &stack->config, w->options, NULL, &w->memory.twins, &before);
	if (r < 0)
		return fail_proof(e, r);
	w->tx.work = ret->estimate.bytes + ret->estimate.shared +
		     ovl_report_len(last_report(rounds)) * OVL_TX_STEP_WORK;
	r = run_phases(w, rounds, e);
	if (r == 0)
		r = prove(w, before, ret, e);
	ovl_snapshot_free(before);
	return r;
}

int ovl_convert_preview(struct ovl_stack *stack, const struct ovl_check_options *options,
			struct ovl_report **ret, struct ovl_conversion *ret_conversion,
			struct ovl_error *e)
{
	struct ovl_conversion c = { .active = true };
	struct ovl_facts *facts = NULL;
	int lacking, r = ovl_check_facts(stack, options, ret, &facts, e);

	if (r == 0) {
		c.obstacle = find_obstacle(*ret);
		r = ovl_estimate(stack, *ret, facts, ovl_check_threads(options), &c.estimate,
				 &lacking);
		if (r < 0)
			ovl_fail(e, r, "cannot find out how much space the conversion takes");
		c.lacks_space = r == 0 && lacking != OVL_LAYER_NONE;
	}
	ovl_facts_free(facts);
	*ret_conversion = c;
	return r;
}

void ovl_conversion_done(struct ovl_conversion *c)
{
	free(c->differs);
	*c = (struct ovl_conversion){ 0 };
}
