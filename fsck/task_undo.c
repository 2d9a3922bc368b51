/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking a repair back, and telling what could be taken back.
 */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "exitcode.h"
#include "message.h"
#include "signals.h"
#include "task.h"

/* A report that goes on while the library works. */
struct talk {
	struct ovl_reporting *r;
	enum ovl_list list;
	bool begun;
	int error; /* of the report */
	struct ovl_undo_summary summary;
};

/* The document begins with its first item, so that a failure before it is a document of its own. */
static bool begin(struct talk *t)
{
	if (!t->begun)
		t->error = t->r->form->begin(t->r, t->list);
	t->begun = true;
	return t->error == 0;
}

static void on_step(void *ctx, const struct ovl_undo_step *step)
{
	struct talk *t = ctx;

	if (step->err)
		t->summary.left++;
	else
		t->summary.taken_back++;
	if (begin(t))
		t->error = t->r->form->step(t->r, step);
}

static void on_journal(void *ctx, const struct ovl_undo_entry *entry)
{
	struct talk *t = ctx;

	if (begin(t))
		t->error = t->r->form->journal(t->r, entry);
}

static bool is_cancelled(void *ctx)
{
	(void)ctx;
	return ovl_signals_cancelled();
}

static int say(int error, const struct ovl_error *e)
{
	ovl_message_error("%s", error == -ENOMEM ? "cannot write the report: out of memory" :
				e->text          ? e->text :
						   strerror(-error));
	return OVL_EXIT_ERROR;
}

int ovl_task_undo(struct ovl_reporting *r, struct ovl_stack *stack)
{
	const struct ovl_options *o = r->options;
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	struct talk talk = { .r = r, .list = OVL_LIST_STEPS };
	struct ovl_undo_summary *s = &talk.summary;
	const struct ovl_undo_options wishes = {
		.id = o->undo_id,
		.dry = o->modes & OVL_MODE_CHECK,
		.journal_dir = o->journal_dir,
		.step = on_step,
		.cancelled = is_cancelled,
		.ctx = &talk,
	};
	struct ovl_outcome outcome;
	size_t left = 0; /* on_step() has counted them */
	int error = ovl_undo(stack, &wishes, &left, &e);

	if (error < 0 && !talk.begun)
		return ovl_reporter_fail_journal(r, error, &e);
	s->cancelled = error == -ECANCELED;
	outcome = (struct ovl_outcome){
		.left = s->left,
		.cancelled = s->cancelled,
		.failed = error < 0 && !s->cancelled,
	};
	s->exit_code = ovl_exitcode(&outcome);
	if (outcome.failed)
		say(error, &e);
	if (begin(&talk))
		talk.error = r->form->steps_end(r, s);
	return s->exit_code | (talk.error < 0 ? say(talk.error, &e) : 0);
}

int ovl_task_list_undo(struct ovl_reporting *r, struct ovl_stack *stack)
{
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	struct talk talk = { .r = r, .list = OVL_LIST_JOURNALS };
	int error = ovl_undo_list(stack, r->options->journal_dir, on_journal, &talk, &e);

	if (error < 0 && !talk.begun)
		return ovl_reporter_fail_journal(r, error, &e);
	if (error == 0 && begin(&talk))
		talk.error = r->form->journals_end(r);
	if (error == 0)
		error = talk.error;
	return error < 0 ? say(error, &e) : OVL_EXIT_CLEAN;
}
