/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One overlay: open its layers, and hand them to the task.
 */
#include "examine.h"

#include <errno.h>
#include <unistd.h>

#include "cleanup.h"
#include "notice.h"
#include "task.h"

static void close_stack(struct ovl_stack **stack)
{
	ovl_stack_close(*stack);
}

/* Who is to be asked must be there, and see the questions. */
static int require_terminal(const struct ovl_options *o, struct ovl_error *e)
{
	if (o->task != OVL_TASK_REPAIR || o->modes ||
	    (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
		return 0;
	return ovl_fail_plain(
		e, -ENOTTY,
		"there is no terminal to ask for each repair: give one of -n, -p and -y");
}

/* What is to be converted for, if anything is. */
static void make_profile(const struct ovl_options *o, struct ovl_config *given,
			 struct ovl_profile *ret)
{
	if (o->to)
		ovl_profile_for_kernel(ret, o->kernel, given);
	if (o->dropped)
		ovl_profile_drop(ret, o->dropped);
	ret->all_layers = o->all_layers;
	ret->accept_loss = o->accept_loss;
	if (!ret->active)
		return;
	given->leaves_userxattr = given->userxattr && !(ret->on & OVL_FBIT(USERXATTR));
	ovl_profile_fit(ret, given);
}

static int work(struct ovl_reporting *r, struct ovl_stack *stack)
{
	switch (r->options->task) {
	case OVL_TASK_INSPECT:
		return ovl_task_inspect(r, stack);
	case OVL_TASK_REPAIR:
		return ovl_task_repair(r, stack);
	case OVL_TASK_UNDO:
		return ovl_task_undo(r, stack);
	case OVL_TASK_LIST_UNDO:
		return ovl_task_list_undo(r, stack);
	case OVL_TASK_CHECK:
	case OVL_TASK_EXPLAIN: /* these need no layers */
	case OVL_TASK_LIST:
	case OVL_TASK_VERSION:
	case OVL_TASK_HELP:
	default:
		return ovl_task_check(r, stack);
	}
}

int ovl_examine(struct ovl_reporting *r, struct ovl_source *source)
{
	const struct ovl_options *o = r->options;
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	_cleanup_(close_stack) struct ovl_stack *stack = NULL;
	_cleanup_free_ char *users = NULL;
	struct ovl_profile profile = { 0 };
	int error = require_terminal(o, &e);

	if (error < 0)
		return ovl_reporter_fail(r, error, &e);
	r->label = source->label;
	ovl_notice_unknown(r, &source->config);
	make_profile(o, &source->config, &profile);
	r->profile = profile.active ? &profile : NULL;

	error = ovl_stack_open(&source->config, NULL, &stack, &e); /* layers -> stack */
	if (error == -ENOENT && r->nofail)
		return ovl_reporter_skip(r, "missing");
	if (error < 0)
		return ovl_reporter_fail(r, error, &e);
	r->stack = stack;
	if (o->debug && ovl_notice_debug(o, stack) < 0)
		return ovl_reporter_fail(r, -ENOMEM, &e);
	if (o->task == OVL_TASK_CHECK || o->task == OVL_TASK_INSPECT)
		ovl_notice_users(r, &users);
	r->users = users;

	return work(r, stack); /* stack -> exit code */
}
