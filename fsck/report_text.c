/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report for people: a finding is one line that begins with its place, the details are
 * indented below it, and the last line sums up.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "cleanup.h"
#include "explain.h"
#include "inspect.h"
#include "reporter.h"
#include "text.h"

static const char *paint(const struct ovl_reporting *r, enum ovl_severity severity)
{
	if (!r->color)
		return "";
	switch (severity) {
	case OVL_SEV_ERROR:
		return "\033[1;31m";
	case OVL_SEV_WARNING:
		return "\033[1;33m";
	case OVL_SEV_INFO:
	case OVL_SEV__MAX:
	default:
		return "\033[36m";
	}
}

static int text_begin(struct ovl_reporting *r)
{
	(void)r; /* the last line says what was checked */
	return 0;
}

/* "    found: ...; expected: ...; other: ..." */
static int print_evidence(struct ovl_reporting *r, const struct ovl_finding *f)
{
	_cleanup_free_ char *other = NULL;
	const char *separator = "    ";

	if (f->other.layer != OVL_LAYER_NONE) {
		other = ovl_stack_place(r->stack, f->other);
		if (!other)
			return -ENOMEM;
	}
	if (*f->found) {
		fprintf(r->out, "%sfound: %s", separator, f->found);
		separator = "; ";
	}
	if (*f->expected) {
		fprintf(r->out, "%sexpected: %s", separator, f->expected);
		separator = "; ";
	}
	if (other) {
		fprintf(r->out, "%sother: %s", separator, other);
		separator = "; ";
	}
	if (strcmp(separator, "; ") == 0)
		fputc('\n', r->out);
	return 0;
}

static int text_finding(struct ovl_reporting *r, const struct ovl_finding *f,
			enum ovl_severity severity)
{
	const struct ovl_problem *p = ovl_problem_get(f->problem);
	_cleanup_free_ char *place = ovl_stack_place(r->stack, f->loc);
	const char *off = r->color ? "\033[0m" : "";
	int e;

	if (!place)
		return -ENOMEM;
	fprintf(r->out, "%s: %s%s%s (%s)\n", place, paint(r, severity), p->text, off, p->slug);
	if (r->options->verbosity)
		fprintf(r->out, "    severity: %s\n", ovl_severity_name(severity));
	e = print_evidence(r, f);
	if (e < 0)
		return e;
	/* Thousands of findings of one kind have the same effect; once is enough. */
	if (!r->explained[f->problem] && p->symptom && *p->symptom)
		fprintf(r->out, "    effect: %s\n", p->symptom);
	r->explained[f->problem] = true;
	return 0;
}

/* "3 problems", "1 problem" */
static void print_number(FILE *out, const char *before, uint64_t n, const char *one,
			 const char *many)
{
	char number[OVL_TEXT_NUMBER];

	fprintf(out, "%s%s %s", before, ovl_text_number(number, n), n == 1 ? one : many);
}

static void print_holds(FILE *out, const char *before, const struct ovl_counts *c)
{
	print_number(out, before, c->dirs, "directory", "directories");
	print_number(out, ", ", c->whiteouts, "whiteout", "whiteouts");
	print_number(out, ", ", c->redirects, "redirect", "redirects");
	print_number(out, ", ", c->metacopy, "metacopy", "metacopy");
}

/*
 * "upper: 12 objects, 3 directories, 1 whiteout, 0 redirects, 2 metacopy; 1 error, 0 warnings, 0 notes"
 *
 * The first half only of a layer that was walked, the second half only where something was found.
 */
static int print_layer(struct ovl_reporting *r, const struct ovl_summary *s, int layer,
		       size_t *next)
{
	const struct ovl_counts *c = ovl_report_layer_counts(s->report, layer);
	bool found = *next < ovl_report_len(s->report) &&
		     ovl_report_get(s->report, *next).loc.layer == layer;
	_cleanup_free_ char *name = NULL;

	if (!c && !found)
		return 0;
	name = ovl_stack_layer_name(r->stack, layer);
	if (!name)
		return -ENOMEM;
	fprintf(r->out, "%s: ", name);
	if (c) {
		print_number(r->out, "", c->objects, "object", "objects");
		print_holds(r->out, ", ", c);
	}
	if (found) {
		struct ovl_tally tally = ovl_tally_layer(r->options, s->report, next);

		print_number(r->out, c ? "; " : "", tally.by_severity[OVL_SEV_ERROR], "error",
			     "errors");
		print_number(r->out, ", ", tally.by_severity[OVL_SEV_WARNING], "warning",
			     "warnings");
		print_number(r->out, ", ", tally.by_severity[OVL_SEV_INFO], "note", "notes");
	}
	fputc('\n', r->out);
	return 0;
}

/* With -v: what the layers hold, together and each, and what was found in each. */
static int print_counts(struct ovl_reporting *r, const struct ovl_summary *s)
{
	int end = (int)ovl_stack_n_layers(r->stack) + 1, layer, e;
	size_t n = ovl_report_len(s->report), next = 0;

	print_holds(r->out, "", s->counts);
	print_number(r->out, ", ", s->counts->indexed, "index entry", "index entries");
	fputc('\n', r->out);

	/* In the order of the report: the overlay, the layers, work and index. */
	e = print_layer(r, s, OVL_LAYER_NONE, &next);
	for (layer = OVL_LAYER_UPPER; layer < end && e == 0; layer++)
		e = print_layer(r, s, layer, &next);
	while (next < n && e == 0)
		e = print_layer(r, s, ovl_report_get(s->report, next).loc.layer, &next);
	return e;
}

static double seconds_of(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec / 1e6;
}

/* With -t: the whole; with -tt: each pass. */
static void print_timing(struct ovl_reporting *r, const struct ovl_summary *s)
{
	char memory[OVL_TEXT_NUMBER];
	struct rusage usage;
	int pass;

	for (pass = OVL_PASS_WALK; pass < OVL_PASS__MAX && r->options->timing > 1; pass++)
		fprintf(r->out, "pass %d: %.2f s\n", pass, s->pass_seconds[pass]);
	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return;
	fprintf(r->out, "time: %.2f s, user %.2f s, system %.2f s; memory: %s at most\n",
		s->seconds, seconds_of(&usage.ru_utime), seconds_of(&usage.ru_stime),
		ovl_text_size(memory, (uint64_t)usage.ru_maxrss * 1024));
}

/*
 * "/srv/merged: 3 layers, 12,034 objects, 812 metacopy (3.1 GiB not copied yet), 1 problem (0.4 s)"
 *
 * "clean" is said only if the whole of every layer was seen and nothing found.
 */
static int print_summary(struct ovl_reporting *r, const struct ovl_summary *s)
{
	_cleanup_free_ char *label = ovl_text_escape(r->label);
	const struct ovl_counts *c = s->counts;
	char size[OVL_TEXT_NUMBER];

	if (!label)
		return -ENOMEM;
	fprintf(r->out, "%s: ", label);
	if (s->cancelled)
		fputs("cancelled, ", r->out);
	else if (!s->tally.problems && !c->unreadable)
		fputs("clean, ", r->out);
	print_number(r->out, "", ovl_stack_n_layers(r->stack), "layer", "layers");
	print_number(r->out, ", ", c->objects, "object", "objects");
	if (c->metacopy) {
		print_number(r->out, ", ", c->metacopy, "metacopy", "metacopy");
		fprintf(r->out, " (%s not copied yet)", ovl_text_size(size, c->metacopy_bytes));
	}
	if (s->tally.problems)
		print_number(r->out, ", ", s->tally.problems, "problem", "problems");
	if (c->unreadable)
		print_number(r->out, ", ", c->unreadable, "unreadable", "unreadable");
	if (r->options->verbosity && s->tally.by_severity[OVL_SEV_INFO])
		print_number(r->out, ", ", s->tally.by_severity[OVL_SEV_INFO], "note", "notes");
	fprintf(r->out, " (%.1f s)\n", s->seconds);
	return 0;
}

static int text_end(struct ovl_reporting *r, const struct ovl_summary *s)
{
	int e = 0;

	if (r->options->verbosity)
		e = print_counts(r, s);
	if (e < 0)
		return e;
	if (r->options->timing)
		print_timing(r, s);
	return print_summary(r, s);
}

static int text_failure(struct ovl_reporting *r, const char *text, int exit_code)
{
	(void)r; /* people read stderr */
	(void)text;
	(void)exit_code;
	return 0;
}

const struct ovl_reporter ovl_report_text = {
	.begin = text_begin,
	.finding = text_finding,
	.end = text_end,
	.explain = ovl_explain_text,
	.list = ovl_explain_list,
	.inspection = ovl_inspect_text,
	.failure = text_failure,
};
