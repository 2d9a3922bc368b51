/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The check from beginning to end: the passes in their order.
 *
 *   walk    the overlay as a whole; the index is listed; then the upper and each lower, object by
 *           object, top down, so that a layer knows all redirects of the layers above
 *   cross   objects against each other, from the facts that the walk collected
 *   index   index entries against the names that were counted
 *   work    leftovers in the work directory
 *
 * Nothing here writes, and nothing prints.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "check/engine.h"
#include "io/witness.h"

#include "base/banned.h"

enum { MAX_DEFAULT_THREADS = 8, MAX_THREADS = 256 };

static bool wants_role(const struct ovl_problem *p, enum ovl_role role)
{
	static const unsigned bit[OVL_ROLE__MAX] = { [OVL_ROLE_UPPER] = OVL_ON_UPPER,
						     [OVL_ROLE_LOWER] = OVL_ON_LOWER,
						     [OVL_ROLE_DATA] = OVL_ON_DATA };

	return (p->on & bit[role]) != 0;
}

/* Has the target of a conversion to do without any of these? */
static bool lacks(const struct ovl_profile *profile, ovl_features features)
{
	return profile && profile->active && (features & ~profile->on);
}

/* Sorts the rows of the table by who wants to see what, so that the walk does not search. */
static void list_rules(struct ovl_run *run)
{
	for (int id = 0; id < OVL_P__MAX; id++) {
		const struct ovl_problem *p = ovl_problem_get((enum ovl_problem_id)id);

		if (!p->check)
			continue; /* the engine itself reports it, or nobody can */
		if (p->feature && !lacks(run->options->profile, p->feature))
			continue;
		if (lacks(run->options->profile, p->moot))
			continue;
		if (run->options->quick && !ovl_problem_is_quick(p))
			continue;
		if (p->scope != OVL_SCOPE_OBJECT) {
			struct ovl_rule_list *list = &run->scope[p->scope];

			list->id[list->n++] = (uint16_t)id;
			continue;
		}
		for (int role = 0; role < OVL_ROLE__MAX; role++)
			if (wants_role(p, (enum ovl_role)role))
				run->object[role].id[run->object[role].n++] = (uint16_t)id;
	}
}

static bool wants_object(const struct ovl_problem *p, const struct ovl_view *v)
{
	const struct ovl_obs *obs = v->obs;

	if (!v->dir && !(p->on & OVL_ON_ROOT))
		return false;
	if (p->kind && !(p->kind & (1u << obs->kind)))
		return false;
	return !p->xattr || (p->xattr & (obs->xmask | obs->xbad));
}

/* One xattr that is there but cannot be read is a finding of its own; no rule guesses its value. */
static int report_unreadable_xattrs(const struct ovl_view *v, struct ovl_sink *sink)
{
	for (int id = 0; id < OVL_X__MAX; id++) {
		if (v->obs->xbad & (1u << id)) {
			int r = ovl_sink_unreadable(sink, v->loc,
						    ovl_xattr_name((enum ovl_xattr_id)id,
								   v->stack->config.userxattr),
						    v->obs->xerr);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int ovl_run_object(struct ovl_run *run, const struct ovl_view *view, struct ovl_sink *sink)
{
	const struct ovl_rule_list *list = &run->object[view->role];
	int r = view->obs->xbad ? report_unreadable_xattrs(view, sink) : 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		const struct ovl_problem *p = ovl_problem_get((enum ovl_problem_id)list->id[i]);

		if (wants_object(p, view))
			r = p->check(view, sink);
	}
	return r < 0 ? r : sink->error;
}

int ovl_run_scope(struct ovl_run *run, enum ovl_scope scope, const struct ovl_view *view,
		  struct ovl_sink *sink)
{
	const struct ovl_rule_list *list = &run->scope[scope];
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++)
		r = ovl_problem_get((enum ovl_problem_id)list->id[i])->check(view, sink);
	return r < 0 ? r : sink->error;
}

void ovl_run_progress(struct ovl_run *run, enum ovl_pass pass, uint64_t current, uint64_t max)
{
	if (!run->options->progress || pthread_mutex_trylock(&run->progress_lock) != 0)
		return;
	run->options->progress(run->options->ctx, pass, current, max);
	pthread_mutex_unlock(&run->progress_lock);
}

/* A check that looks at the overlay as a whole. */
static int run_whole(struct ovl_run *run, enum ovl_scope scope)
{
	struct ovl_view_shared shared = { 0 };
	struct ovl_view v = { .stack = run->stack,
			      .profile = run->options->profile,
			      .facts = &run->facts,
			      .loc = { OVL_LAYER_NONE, NULL },
			      .dirfd = -1,
			      .name = "",
			      .shared = &shared };
	int r = ovl_run_scope(run, scope, &v, &run->sink[0]);

	ovl_view_shared_done(&shared);
	return r;
}

static struct ovl_counts counts_so_far(const struct ovl_run *run)
{
	struct ovl_counts sum = { 0 };

	for (unsigned i = 0; i < run->threads; i++)
		ovl_counts_add(&sum, &run->sink[i].counts);
	return sum;
}

/* One layer is walked at a time: what the threads have counted meanwhile is in it. */
static int walk_layer(struct ovl_run *run, int n)
{
	struct ovl_counts from = counts_so_far(run), to;
	int r = ovl_walk_layer(run, n);

	to = counts_so_far(run);
	run->layer[n] = (struct ovl_layer_counts){
		.walked = r == 0,
		.counts = { .objects = to.objects - from.objects,
			    .dirs = to.dirs - from.dirs,
			    .whiteouts = to.whiteouts - from.whiteouts,
			    .redirects = to.redirects - from.redirects,
			    .metacopy = to.metacopy - from.metacopy,
			    .metacopy_bytes = to.metacopy_bytes - from.metacopy_bytes,
			    .unreadable = to.unreadable - from.unreadable },
	};
	return r;
}

static int pass_walk(struct ovl_run *run)
{
	int r = ovl_collect_layout(run, &run->sink[0]);

	if (r == 0)
		r = run_whole(run, OVL_SCOPE_STACK);
	if (r == 0)
		r = ovl_collect_index(run, &run->sink[0]);
	if (r == 0 && run->stack->has_upper)
		r = walk_layer(run, OVL_LAYER_UPPER);
	if (r == 0)
		r = ovl_facts_sort(&run->facts);
	for (int n = 1; r == 0 && n <= (int)run->stack->n_lower; n++) {
		if (run->options->skip_clean_lowers && run->facts.wanted.n == 0)
			break;
		r = walk_layer(run, n);
		if (r == 0)
			r = ovl_facts_sort(&run->facts);
	}
	return r;
}

static int pass_cross(struct ovl_run *run)
{
	return run_whole(run, OVL_SCOPE_CROSS);
}

static int pass_index(struct ovl_run *run)
{
	return ovl_walk_index(run, &run->sink[0]);
}

static int pass_work(struct ovl_run *run)
{
	return ovl_walk_work(run, &run->sink[0]);
}

/* What comes after the walk is short work on facts: its progress is begun and done. */
static int run_passes(struct ovl_run *run)
{
	static int (*const pass[])(struct ovl_run *) = { [OVL_PASS_WALK] = pass_walk,
							 [OVL_PASS_CROSS] = pass_cross,
							 [OVL_PASS_INDEX] = pass_index,
							 [OVL_PASS_WORK] = pass_work };
	struct timespec from, to;
	int r = 0;

	for (size_t p = OVL_PASS_WALK; r == 0 && p < ARRAY_LEN(pass); p++) {
		clock_gettime(CLOCK_MONOTONIC, &from);
		ovl_run_progress(run, (enum ovl_pass)p, 0, 1);
		r = ovl_run_cancelled(run) ? -ECANCELED : pass[p](run);
		ovl_run_progress(run, (enum ovl_pass)p, 1, 1);
		clock_gettime(CLOCK_MONOTONIC, &to);
		if (run->options->pass_done)
			run->options->pass_done(run->options->ctx, (enum ovl_pass)p,
						(double)(to.tv_sec - from.tv_sec) +
							(double)(to.tv_nsec - from.tv_nsec) * 1e-9);
	}
	return r;
}

static bool is_about_reading(const struct ovl_finding_item *item)
{
	return item->problem == OVL_P_UNREADABLE || item->problem == OVL_P_CHANGED;
}

/* The places that have a finding already which says that they could not be read. */
static int list_told(const struct ovl_run *run, struct ovl_map *told)
{
	struct ovl_key key;
	uint64_t *value;
	int r = 0;

	for (unsigned t = 0; t < run->threads; t++) {
		const ovl_finding_vec *items = &run->sink[t].items;

		for (size_t i = 0; r >= 0 && i < items->len; i++) {
			if (!is_about_reading(&items->data[i]))
				continue;
			r = ovl_unread_key(items->data[i].loc, &key);
			if (r == 0)
				r = ovl_map_put(told, key, 0, &value);
		}
	}
	return r < 0 ? r : 0;
}

/* Where lookups could not read, and whatever hangs on that was not judged. */
static int tell_unread(struct ovl_run *run)
{
	const struct ovl_unread_list *unread = &run->stack->unread;
	_cleanup_(ovl_map_done) struct ovl_map told = { 0 };
	struct ovl_key key;
	int r = 0;

	if (unread->item.len > 0)
		r = list_told(run, &told);
	for (size_t i = 0; r == 0 && i < unread->item.len; i++) {
		const struct ovl_unread *u = &unread->item.data[i];

		r = ovl_unread_key(u->loc, &key);
		if (r == 0 && !ovl_map_get(&told, key))
			r = ovl_sink_unreadable(&run->sink[0], u->loc, "look it up", u->err);
	}
	return r;
}

/* Something could not be read and no finding says so: then at least nobody calls the overlay clean. */
static int tell_failures(struct ovl_run *run, const struct ovl_witness *w)
{
	const struct ovl_loc whole = { OVL_LAYER_NONE, NULL };
	struct ovl_sink *sink = &run->sink[0];
	struct ovl_bytes name = { (const unsigned char *)w->name, strlen(w->name) };

	for (unsigned i = 0; i < run->threads; i++)
		if (run->sink[i].counts.unreadable > 0)
			return 0;
	return ovl_sink_unreadable(sink, whole,
				   name.len ? ovl_sink_text(sink, "%s of %s", w->what,
							    ovl_sink_quote(sink, name)) :
					      w->what,
				   w->err);
}

static int run_with_witness(struct ovl_run *run)
{
	struct ovl_reader *reader = run->stack->reader;
	struct ovl_witness witness;
	int r = ovl_witness_init(&witness, reader);

	if (r < 0)
		return r;
	ovl_unread_clear(&run->stack->unread);
	run->stack->reader = &witness.reader;
	r = run_passes(run);
	run->stack->reader = reader;
	if (r == 0)
		r = tell_unread(run);
	if (r == 0 && witness.failures > 0)
		r = tell_failures(run, &witness);
	/* Evidence that there was no memory for is not told as an empty one. */
	for (unsigned i = 0; r == 0 && i < run->threads; i++)
		r = run->sink[i].error;
	ovl_witness_done(&witness);
	return r;
}

unsigned ovl_check_threads(const struct ovl_check_options *options)
{
	long cores;

	if (options->threads > 0)
		return options->threads > MAX_THREADS ? MAX_THREADS : options->threads;
	cores = sysconf(_SC_NPROCESSORS_ONLN);
	return cores < 1 ? 1 : cores > MAX_DEFAULT_THREADS ? MAX_DEFAULT_THREADS : (unsigned)cores;
}

struct ovl_facts *ovl_facts_free(struct ovl_facts *facts)
{
	if (facts)
		ovl_facts_done(facts);
	free(facts);
	return NULL;
}

/* The facts are handed over whole; what is left of the run needs none of them any more. */
static int hand_over(struct ovl_run *run, struct ovl_report **ret, struct ovl_facts **ret_facts)
{
	struct ovl_facts *facts = NULL;
	struct ovl_report *report;

	if (ret_facts) {
		facts = malloc(sizeof(*facts));
		if (!facts)
			return -ENOMEM;
	}
	report = ovl_report_new(run->sink, run->threads);
	if (!report) {
		free(facts);
		return -ENOMEM;
	}
	ovl_report_set_layers(report, TAKE_PTR(run->layer), run->stack->n_layer);
	if (facts) {
		*facts = run->facts;
		pthread_mutex_init(&facts->lock, NULL); /* a lock is not moved by copying it */
		*ret_facts = facts;
		ovl_facts_init(&run->facts);
	}
	*ret = report;
	return 0;
}

int ovl_check_facts(struct ovl_stack *stack, const struct ovl_check_options *options,
		    struct ovl_report **ret, struct ovl_facts **ret_facts, struct ovl_error *e)
{
	struct ovl_run run = { .stack = stack,
			       .options = options,
			       .threads = ovl_check_threads(options) };
	int r = ovl_facts_init(&run.facts), taken;

	if (r < 0)
		return ovl_fail(e, r, "check");
	pthread_mutex_init(&run.progress_lock, NULL);
	list_rules(&run);
	run.sink = calloc(run.threads, sizeof(*run.sink));
	run.layer = calloc(stack->n_layer, sizeof(*run.layer));
	r = run.sink && run.layer ? 0 : -ENOMEM;
	for (unsigned i = 0; run.sink && i < run.threads; i++)
		run.sink[i].stack = stack;
	if (r == 0)
		r = run_with_witness(&run);
	if (r == 0 || r == -ECANCELED) {
		taken = hand_over(&run, ret, ret_facts);
		r = taken < 0 ? taken : r;
	}
	free(run.layer);
	for (unsigned i = 0; run.sink && i < run.threads; i++)
		ovl_sink_done(&run.sink[i]);
	free(run.sink);
	ovl_map_done(&run.plain_index);
	ovl_facts_done(&run.facts);
	pthread_mutex_destroy(&run.progress_lock);
	return r < 0 ? ovl_fail(e, r, "check") : 0;
}

int ovl_check(struct ovl_stack *stack, const struct ovl_check_options *options,
	      struct ovl_report **ret, struct ovl_error *e)
{
	return ovl_check_facts(stack, options, ret, NULL, e);
}
