/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The quick check: look at what can be seen without walking the trees, and say what was found, unless that
 * asks for the whole check.
 */
#include <errno.h>

#include "cleanup.h"
#include "conclude.h"
#include "task.h"
#include "watch.h"

static void free_report(struct ovl_report **report)
{
	ovl_report_free(*report);
}

/* Would this mode repair it? */
static bool is_repairable(const struct ovl_options *o, const struct ovl_problem *p)
{
	return (o->modes & OVL_MODE_PREEN && p->trust == OVL_TRUST_PREEN) ||
	       (o->modes & OVL_MODE_YES && p->trust != OVL_TRUST_NEVER);
}

/* The first problem that is no business of a quick check; NULL: none. */
static const char *find_reason(const struct ovl_options *o, const struct ovl_report *report)
{
	size_t n = ovl_report_len(report), i;

	for (i = 0; i < n; i++) {
		const struct ovl_finding f = ovl_report_get(report, i);
		const struct ovl_problem *p = ovl_problem_get(f.problem);
		enum ovl_severity severity;

		if (ovl_tally_grade(o, &f, &severity) && severity != OVL_SEV_INFO &&
		    (p->doubt || is_repairable(o, p)))
			return p->slug;
	}
	if (ovl_report_counts(report)->passed_over)
		return "the work directory holds much";
	return NULL;
}

int ovl_task_quick(struct ovl_reporting *r, struct ovl_stack *stack, const char **ret_found)
{
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	_cleanup_(free_report) struct ovl_report *found = NULL;
	_cleanup_(ovl_watch_done) struct ovl_watch watch = { 0 };
	struct ovl_check_options wishes = ovl_watch_options(&watch, r);
	struct ovl_results results = { 0 };
	struct ovl_summary summary = { .results = &results, .quick = true };
	const char *reason;
	int error;

	wishes.quick = true;
	wishes.threads = 1;
	error = ovl_watch_begin(&watch, r->options, r->label, &e);
	if (error == 0)
		error = ovl_check(stack, &wishes, &found, &e);
	summary.seconds = ovl_watch_end(&watch, error == 0);
	if (error < 0 && (error != -ECANCELED || !found))
		return ovl_reporter_fail(r, error, &e);
	reason = error == 0 ? find_reason(r->options, found) : NULL;
	if (reason) {
		*ret_found = reason;
		return 0;
	}
	results.report = found;
	summary.cancelled = error == -ECANCELED;
	return ovl_conclude(r, &summary, false, false);
}
