/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The check: look at everything, then say what was found.
 */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "conclude.h"
#include "task.h"
#include "watch.h"

static void free_report(struct ovl_report **report)
{
	ovl_report_free(*report);
}

int ovl_task_check(struct ovl_reporting *r, struct ovl_stack *stack)
{
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	_cleanup_(free_report) struct ovl_report *found = NULL;
	_cleanup_(ovl_watch_done) struct ovl_watch watch = { 0 };
	struct ovl_check_options wishes = ovl_watch_options(&watch, r);
	_cleanup_(ovl_conversion_done) struct ovl_conversion conversion = { 0 };
	struct ovl_results results = { 0 };
	struct ovl_summary summary = { .results = &results };
	int error;

	error = ovl_watch_begin(&watch, r->options, r->label, &e);
	if (error < 0)
		return ovl_reporter_fail(r, error, &e);
	error = r->profile ? ovl_convert_preview(stack, &wishes, &found, &conversion, &e) :
			     ovl_check(stack, &wishes, &found, &e);
	summary.seconds = ovl_watch_end(&watch, error == 0);
	if (error < 0 && (error != -ECANCELED || !found))
		return ovl_reporter_fail(r, error, &e);

	results.report = found;
	summary.preview = &conversion;
	memcpy(summary.pass_seconds, watch.pass_seconds, sizeof(watch.pass_seconds));
	summary.cancelled = error == -ECANCELED;
	return ovl_conclude(r, &summary, false, false);
}
