/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all forms of report share.
 */
#include "reporter.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "exitcode.h"
#include "message.h"
#include "text.h"

/* Of many, the line says which one is meant. */
static void tell(const struct ovl_reporting *r, const char *line)
{
	bool named = r->label && (r->of_many || r->extent);
	_cleanup_free_ char *label = named ? ovl_text_escape(r->label) : NULL;

	if (label)
		ovl_message_error("%s: %s", label, line);
	else
		ovl_message_error("%s", line);
}

int ovl_reporter_fail(struct ovl_reporting *r, int error, const struct ovl_error *e)
{
	const char *text = e->text ? e->text : strerror(-error);
	_cleanup_free_ char *line = ovl_text_join(text); /* users of the layers are one a line */
	int code = ovl_exitcode_of_error(error);
	struct ovl_reporting *copy = ovl_reporter_copy(r);

	if ((r->of_many || r->extent) &&
	    code == OVL_EXIT_USAGE) /* fstab is wrong, not the command line */
		code = OVL_EXIT_ERROR;
	tell(r, line ? line : text);
	r->form->failure(r, text, code);
	if (copy)
		copy->form->failure(copy, text, code);
	return code;
}

struct ovl_reporting *ovl_reporter_copy(const struct ovl_reporting *r)
{
	struct ovl_reporting *copy = r->copy;

	if (!copy)
		return NULL;
	copy->label = r->label;
	copy->stack = r->stack;
	copy->profile = r->profile;
	copy->users = r->users;
	copy->extent = r->extent;
	copy->why = r->why;
	return copy;
}

int ovl_reporter_skip(struct ovl_reporting *r, const char *why)
{
	struct ovl_reporting *copy = ovl_reporter_copy(r);
	int e = r->form->skipped(r, why);

	if (e == 0 && copy)
		e = copy->form->skipped(copy, why);
	return e < 0 ? OVL_EXIT_ERROR : OVL_EXIT_CLEAN;
}

int ovl_reporter_fail_journal(struct ovl_reporting *r, int error, const struct ovl_error *e)
{
	return ovl_reporter_fail(r, error == -EINVAL ? -EPROTO : error, e);
}

const char *ovl_reporter_undo_why(const struct ovl_undo_step *step)
{
	if (step->why)
		return step->why;
	switch (step->err) {
	case -ESTALE:
		return "it has changed since";
	case -EMLINK:
		return "it has got more names since, which may be outside of the layers";
	default:
		return strerror(-step->err);
	}
}
