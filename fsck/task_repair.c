/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The repair: the mode becomes a policy, findings become questions, and the library does the rest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "cleanup.h"
#include "command.h"
#include "conclude.h"
#include "exitcode.h"
#include "explain.h"
#include "message.h"
#include "overlayfs/stamp.h"
#include "report_text.h"
#include "signals.h"
#include "task.h"
#include "watch.h"

/* What the callbacks of the library need. */
struct talk {
	struct ovl_reporting *r;
	struct ovl_watch *watch;
	struct ovl_ask ask;
	bool failed; /* a question could not be put */
};

static void free_repairs(struct ovl_repairs **repairs)
{
	ovl_repairs_free(*repairs);
}

static bool is_wanted(void *ctx, const struct ovl_finding *f)
{
	const struct talk *t = ctx;
	enum ovl_severity severity;

	return ovl_tally_grade(t->r->options, f, &severity);
}

static void on_explain(void *ctx, const struct ovl_question *q)
{
	struct talk *t = ctx;

	if (ovl_report_text_evidence(t->r, &q->finding) < 0)
		t->failed = true;
	ovl_explain_text(t->r, q->finding.problem);
	fputc('\n', t->r->out);
}

/* "upper:/etc/motd: metacopy has no lower data (meta-no-lowerdata)" */
static char *make_head(const struct talk *t, const struct ovl_finding *f)
{
	enum ovl_severity severity = f->severity;
	char *head = NULL;
	size_t len;
	FILE *out = open_memstream(&head, &len);
	int e;

	if (!out)
		return NULL;
	ovl_tally_grade(t->r->options, f, &severity);
	e = ovl_report_text_head(t->r, out, f, severity);
	if (fclose(out) == 0 && e == 0)
		return head;
	free(head);
	return NULL;
}

static int on_question(void *ctx, const struct ovl_question *q)
{
	struct talk *t = ctx;
	_cleanup_free_ char *head = make_head(t, &q->finding);

	if (!head) {
		t->failed = true;
		return OVL_ANSWER_QUIT;
	}
	ovl_progress_hide(&t->watch->progress);
	return ovl_ask(&t->ask, head, q);
}

/* What was written may be half of what was wanted: say so, and then what it was. */
static int conclude(struct talk *t, const struct ovl_repairs *repairs, double seconds, int error,
		    const struct ovl_error *e)
{
	struct ovl_results results = { .repairs = repairs };
	struct ovl_summary summary = {
		.results = &results,
		.seconds = seconds,
		.cancelled = error == -ECANCELED && !t->failed,
		.journal = ovl_repairs_journal(repairs),
		.recovered = ovl_repairs_recovered(repairs),
		.unrecovered = ovl_repairs_unrecovered(repairs),
		.conversion = ovl_repairs_conversion(repairs),
	};
	bool failed = t->failed || (error < 0 && error != -ECANCELED);

	memcpy(summary.pass_seconds, t->watch->pass_seconds, sizeof(summary.pass_seconds));
	if (t->failed)
		ovl_message_error("cannot ask: %s", strerror(ENOMEM));
	else if (failed)
		ovl_message_error("%s", e->text ? e->text : strerror(-error));
	return ovl_conclude(t->r, &summary, t->r->options->modes == 0, failed);
}

/* Does a run that ends well say that the overlay is clean, whatever the options are? */
static bool is_plain(const struct ovl_options *o)
{
	int id;

	for (id = 0; id < OVL_P__MAX; id++)
		if (o->grade[id] != OVL_GRADE_ROW && o->grade[id] != OVL_GRADE_ERROR)
			return false;
	return !o->skip_clean_lowers && !o->to && !o->dropped;
}

/*
 * At boot, and where there is a stamp of an earlier boot, the next one shall know of this. It is not worth an
 * error: without a stamp the next one looks at everything.
 */
static void leave_stamp(struct talk *t, struct ovl_stack *stack, const struct ovl_stamp_seen *seen,
			int code)
{
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	const struct ovl_options *o = t->r->options;

	if ((code & ~OVL_EXIT_CORRECTED) || !is_plain(o) ||
	    (!o->boot && (seen->state == OVL_STAMP_NO_PLACE || seen->state == OVL_STAMP_NONE)))
		return;
	if (ovl_stamp_leave(stack, seen, (uint64_t)time(NULL), &e) < 0)
		ovl_message_warning("%s", e.text ? e.text : strerror(ENOMEM));
}

static int repair(struct talk *t, struct ovl_stack *stack, const struct ovl_policy *policy)
{
	struct ovl_reporting *r = t->r;
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	_cleanup_(free_repairs) struct ovl_repairs *repairs = NULL;
	struct ovl_check_options wishes = ovl_watch_options(t->watch, r);
	struct ovl_stamp_seen seen;
	double seconds;
	int error, code;

	error = ovl_watch_begin(t->watch, r->options, r->label, &e);
	if (error == 0)
		error = ovl_stamp_look(stack, &seen);
	if (error < 0)
		return ovl_reporter_fail(r, error, &e);
	error = ovl_repair(stack, &wishes, policy, &repairs, &e);
	seconds = ovl_watch_end(t->watch, error == 0);
	if (!repairs)
		return ovl_reporter_fail_journal(r, error, &e);
	code = conclude(t, repairs, seconds, error, &e);
	leave_stamp(t, stack, &seen, code);
	return code;
}

int ovl_task_repair(struct ovl_reporting *r, struct ovl_stack *stack)
{
	const struct ovl_options *o = r->options;
	_cleanup_free_ char *command = ovl_command_line(o);
	_cleanup_(ovl_watch_done) struct ovl_watch watch = { 0 };
	struct talk talk = {
		.r = r,
		.watch = &watch,
		.ask = {
			.in = STDIN_FILENO,
			.out = r->out,
			.cancelled = ovl_signals_cancelled,
			.explain = on_explain,
		},
	};
	struct ovl_policy policy = {
		.mode = o->modes & OVL_MODE_PREEN ? OVL_REPAIR_PREEN :
			o->modes & OVL_MODE_YES   ? OVL_REPAIR_YES :
						    OVL_REPAIR_ASK,
		.lower = o->lower,
		.journal_dir = o->journal_dir,
		.keep = o->keep_journals,
		.command = command,
		.wanted = is_wanted,
		.ask = on_question,
		.ctx = &talk,
	};

	if (!command)
		return ovl_reporter_fail(r, -ENOMEM, &(struct ovl_error){ 0 });
	talk.ask.ctx = &talk;
	return repair(&talk, stack, &policy);
}
