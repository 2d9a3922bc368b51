/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One overlay after the other. See all.h.
 */
#include "all.h"

#include "cleanup.h"
#include "examine.h"
#include "exitcode.h"
#include "message.h"
#include "signals.h"

struct round {
	struct ovl_reporting *r;
	int code; /* of all so far */
};

unsigned ovl_all_modes(unsigned given, enum ovl_mount_wish wish)
{
	static const unsigned modes[] = {
		[OVL_WISH_REPORT] = OVL_MODE_CHECK,
		[OVL_WISH_PREEN] = OVL_MODE_PREEN,
		[OVL_WISH_YES] = OVL_MODE_YES,
	};
	unsigned both;

	if (wish == OVL_WISH_ANY)
		return given;
	both = given | modes[wish];
	return both & -both; /* the lowest bit is the most careful one */
}

/* What the command line asks for, of this overlay alone. */
static int examine(const struct ovl_reporting *of_all, struct ovl_mount_asked *asked)
{
	struct ovl_options o = *of_all->options;
	struct ovl_reporting r = *of_all;
	struct ovl_source source = {
		.config = asked->config,
		.kind = asked->source,
		.label = (char *)asked->target,
	};
	int code;

	o.operand = &asked->target;
	o.n_operand = 1;
	o.modes = ovl_all_modes(o.modes, asked->wish);
	o.task = o.modes & OVL_MODE_CHECK ? OVL_TASK_CHECK : OVL_TASK_REPAIR;
	r.options = &o;
	r.nofail = asked->nofail;
	code = ovl_examine(&r, &source);
	asked->config = source.config; /* its owner frees it */
	return code;
}

static int on_asked(void *ctx, struct ovl_mount_asked *asked)
{
	struct round *round = ctx;
	struct ovl_reporting *r = round->r;
	int code = OVL_EXIT_CLEAN;

	if (ovl_signals_cancelled()) {
		round->code = ovl_exitcode_join(round->code, OVL_EXIT_CANCELLED);
		return 1;
	}
	r->label = asked->target;
	if (asked->failed)
		code = ovl_reporter_fail(r, asked->failed->code, asked->failed);
	else if (!asked->is_live)
		code = examine(r, asked);
	else
		code = ovl_reporter_skip(r, "mounted");
	fflush(r->out); /* the next one may take long */
	r->nth++;
	round->code = ovl_exitcode_join(round->code, code);
	return code & OVL_EXIT_CANCELLED ? 1 : 0;
}

int ovl_all(struct ovl_reporting *r)
{
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	struct round round = { .r = r };

	r->of_many = true;
	r->form->all_begin(r);
	if (ovl_mount_asked(r->options->fstab, on_asked, &round, &e) < 0) {
		ovl_message_error("%s", e.text ? e.text : "out of memory");
		round.code = ovl_exitcode_join(round.code, OVL_EXIT_ERROR);
	}
	r->form->all_end(r, round.code);
	return round.code;
}
