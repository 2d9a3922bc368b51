/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results to report and exit code.
 */
#include "conclude.h"

#include "conversion.h"
#include "exitcode.h"
#include "message.h"

/* Mere information is shown if the user wants it, or if something was done about it. */
static bool is_shown(const struct ovl_reporting *r, const struct ovl_result *result, bool asked,
		     enum ovl_severity *ret_severity)
{
	bool touched = result->fate == OVL_FATE_FIXED || result->fate == OVL_FATE_FAILED;

	if (!ovl_tally_grade(r->options, &result->finding, ret_severity))
		return false;
	/* There may be a million; they are counted at the end. */
	if (ovl_conversion_is_routine(result) && !r->options->json && !r->options->verbosity)
		return false;
	if (asked && (result->fate == OVL_FATE_FIXED || result->fate == OVL_FATE_DECLINED))
		return false;
	return touched || *ret_severity != OVL_SEV_INFO || r->options->verbosity;
}

static int report(struct ovl_reporting *r, const struct ovl_summary *s, bool asked)
{
	size_t n = ovl_results_len(s->results), i;
	int e = r->form->begin(r, OVL_LIST_PROBLEMS);

	for (i = 0; i < n && e == 0; i++) {
		struct ovl_result result = ovl_results_get(s->results, i);
		enum ovl_severity severity;

		if (is_shown(r, &result, asked, &severity))
			e = r->form->finding(r, &result, severity);
	}
	return e < 0 ? e : r->form->end(r, s);
}

/* A machine does not stay down for a warning, of which some are for ever. */
static uint64_t left_of(const struct ovl_reporting *r, const struct ovl_summary *s)
{
	return r->options->boot ? s->tally.errors_left : s->tally.left;
}

int ovl_conclude(struct ovl_reporting *r, struct ovl_summary *s, bool asked, bool failed)
{
	struct ovl_reporting *copy = ovl_reporter_copy(r);
	struct ovl_outcome outcome;

	s->counts = ovl_results_counts(s->results);
	s->tally = ovl_tally_results(r->options, s->results);
	outcome = (struct ovl_outcome){
		.corrected = s->tally.corrected,
		.left = left_of(r, s) + (s->conversion ? s->conversion->n_differ : 0),
		.unreadable = s->counts->unreadable,
		.cancelled = s->cancelled,
		.failed = failed,
	};
	if (s->conversion && s->conversion->lacks_space) /* nothing was begun: that is no result */
		outcome.left = 0;
	s->exit_code = ovl_exitcode(&outcome);
	r->tally = s->tally;
	if (report(r, s, asked) < 0 || (copy && report(copy, s, asked) < 0)) {
		ovl_message_error("cannot write the report: out of memory");
		outcome.failed = true;
	}
	return ovl_exitcode(&outcome);
}
