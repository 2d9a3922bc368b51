/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report for people: a finding is one line that begins with its place, the details are
 * indented below it, and the last line sums up.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "cleanup.h"
#include "command.h"
#include "conversion.h"
#include "explain.h"
#include "inspect.h"
#include "report_text.h"
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

static int text_begin(struct ovl_reporting *r, enum ovl_list list)
{
	(void)r; /* the last line says what was checked */
	(void)list;
	return 0;
}

int ovl_report_text_head(const struct ovl_reporting *r, FILE *out, const struct ovl_finding *f,
			 enum ovl_severity severity)
{
	const struct ovl_problem *p = ovl_problem_get(f->problem);
	_cleanup_free_ char *place = ovl_stack_place(r->stack, f->loc);
	const char *off = r->color ? "\033[0m" : "";

	if (!place)
		return -ENOMEM;
	fprintf(out, "%s: %s%s%s (%s)", place, paint(r, severity), p->text, off, p->slug);
	return 0;
}

/* Prints "name: text" if there is a text, behind what makes the line go on. */
static void print_part(FILE *out, const char **separator, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(out, "%s%s: %s", *separator, name, text);
	*separator = "; ";
}

int ovl_report_text_evidence(const struct ovl_reporting *r, const struct ovl_finding *f)
{
	_cleanup_free_ char *other = NULL;
	const char *separator = "    ";

	if (f->other.layer != OVL_LAYER_NONE) {
		other = ovl_stack_place(r->stack, f->other);
		if (!other)
			return -ENOMEM;
	}
	print_part(r->out, &separator, "found", f->found);
	print_part(r->out, &separator, "expected", f->expected);
	print_part(r->out, &separator, "other", other);
	if (*separator == ';')
		fputc('\n', r->out);
	return 0;
}

/* ". Redirect to lower1:/a? yes", or how else it ended; nothing if it was not tried */
static void print_fate(FILE *out, const struct ovl_result *result)
{
	if (result->fate == OVL_FATE_LEFT || !result->way)
		return;
	fputs(". ", out);
	ovl_text_sentence(out, result->way);
	if (result->fate == OVL_FATE_FIXED)
		fputs("? yes", out);
	else if (result->fate == OVL_FATE_DECLINED)
		fputs("? no", out);
	else
		fprintf(out, "? failed: %s", result->why ? result->why : "unknown reason");
}

/* "    repair: remove it; left: -p leaves it" */
static void print_left(FILE *out, const struct ovl_result *result)
{
	const char *separator = "    ";

	if (result->fate != OVL_FATE_LEFT)
		return;
	print_part(out, &separator, "repair", result->way);
	print_part(out, &separator, "left", result->why);
	if (*separator == ';')
		fputc('\n', out);
}

static int text_finding(struct ovl_reporting *r, const struct ovl_result *result,
			enum ovl_severity severity)
{
	const struct ovl_finding *f = &result->finding;
	const struct ovl_problem *p = ovl_problem_get(f->problem);
	bool fixed = result->fate == OVL_FATE_FIXED;
	int e = ovl_report_text_head(r, r->out, f, severity);

	if (e < 0)
		return e;
	print_fate(r->out, result);
	fputc('\n', r->out);
	if (r->options->verbosity)
		fprintf(r->out, "    severity: %s\n", ovl_severity_name(severity));
	if (!fixed || r->options->verbosity)
		e = ovl_report_text_evidence(r, f);
	if (e < 0 || fixed)
		return e;
	/* Thousands of findings of one kind have the same effect; once is enough. */
	if (!r->explained[f->problem] && p->symptom && *p->symptom)
		fprintf(r->out, "    effect: %s\n", p->symptom);
	r->explained[f->problem] = true;
	print_left(r->out, result);
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
		       const struct ovl_tally *tally)
{
	const struct ovl_counts *c = ovl_results_layer_counts(s->results, layer);
	bool found = tally->by_severity[OVL_SEV_ERROR] || tally->by_severity[OVL_SEV_WARNING] ||
		     tally->by_severity[OVL_SEV_INFO];
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
		print_number(r->out, c ? "; " : "", tally->by_severity[OVL_SEV_ERROR], "error",
			     "errors");
		print_number(r->out, ", ", tally->by_severity[OVL_SEV_WARNING], "warning",
			     "warnings");
		print_number(r->out, ", ", tally->by_severity[OVL_SEV_INFO], "note", "notes");
		if (tally->corrected)
			print_number(r->out, ", ", tally->corrected, "corrected", "corrected");
	}
	fputc('\n', r->out);
	return 0;
}

/* In the order of the report: the overlay, its layers from the top, work and index. */
static int print_layers(struct ovl_reporting *r, const struct ovl_summary *s)
{
	int last = (int)ovl_stack_n_layers(r->stack), layer, e;
	size_t n = (size_t)(last - OVL_LAYER_NONE) + 1;
	_cleanup_free_ struct ovl_tally *tally = calloc(n, sizeof(*tally));

	if (!tally)
		return -ENOMEM;
	ovl_tally_layers(r->options, s->results, tally, n);
	e = print_layer(r, s, OVL_LAYER_NONE, &tally[0]);
	for (layer = 0; layer <= last && e == 0; layer++)
		e = print_layer(r, s, layer, &tally[layer - OVL_LAYER_NONE]);
	for (layer = OVL_LAYER_WORK; layer > OVL_LAYER_NONE && e == 0; layer--)
		e = print_layer(r, s, layer, &tally[layer - OVL_LAYER_NONE]);
	return e;
}

/* With -v: what the layers hold, together and each, and what was found in each. */
static int print_counts(struct ovl_reporting *r, const struct ovl_summary *s)
{
	print_holds(r->out, "", s->counts);
	print_number(r->out, ", ", s->counts->indexed, "index entry", "index entries");
	fputc('\n', r->out);
	return print_layers(r, s);
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
 * "/srv/merged: 3 layers, 12,034 objects, 812 metacopy (3.1 GiB not copied yet), 1 problem, 1 corrected
 * (0.4 s)", on one line
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
	if (s->quick)
		fputs(", quick check", r->out);
	else
		print_number(r->out, ", ", c->objects, "object", "objects");
	if (c->metacopy) {
		print_number(r->out, ", ", c->metacopy, "metacopy", "metacopy");
		fprintf(r->out, " (%s not copied yet)", ovl_text_size(size, c->metacopy_bytes));
	}
	if (s->tally.problems)
		print_number(r->out, ", ", s->tally.problems, "problem", "problems");
	if (s->tally.corrected)
		print_number(r->out, ", ", s->tally.corrected, "corrected", "corrected");
	if (c->unreadable)
		print_number(r->out, ", ", c->unreadable, "unreadable", "unreadable");
	if (r->options->verbosity && s->tally.by_severity[OVL_SEV_INFO])
		print_number(r->out, ", ", s->tally.by_severity[OVL_SEV_INFO], "note", "notes");
	fprintf(r->out, " (%.1f s)\n", s->seconds);
	return 0;
}

/* "to take it back: fsck.overlay --undo=1b4e28ba-2fa1-41d2-883f-0016d3cca427 /srv/merged" */
static int print_undo_hint(struct ovl_reporting *r, const struct ovl_summary *s)
{
	_cleanup_free_ char *command = NULL;

	if (!s->journal)
		return 0;
	command = ovl_command_undo(r->options, s->journal);
	if (!command)
		return -ENOMEM;
	fprintf(r->out, "to take it back: %s\n", command);
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
	if (s->recovered) {
		print_number(r->out, "an unfinished run was taken back first: ", s->recovered,
			     "step", "steps");
		fputc('\n', r->out);
	}
	if (s->unrecovered) {
		print_number(
			r->out,
			"an unfinished run was not taken back, where others have changed its work: ",
			s->unrecovered, "step", "steps");
		fputc('\n', r->out);
	}
	e = ovl_conversion_text(r, s);
	if (e == 0)
		e = print_undo_hint(r, s);
	return e < 0 ? e : print_summary(r, s);
}

static int text_step(struct ovl_reporting *r, const struct ovl_undo_step *step)
{
	const char *done = r->options->modes & OVL_MODE_CHECK ? "would be taken back" :
								"taken back";

	fprintf(r->out, "%s: %s (%s): ", step->place, step->action, step->slug);
	if (step->err)
		fprintf(r->out, "left: %s\n", ovl_reporter_undo_why(step));
	else
		fprintf(r->out, "%s\n", done);
	return 0;
}

/* "/srv/merged: 3 steps taken back, 1 left" */
static int text_steps_end(struct ovl_reporting *r, const struct ovl_undo_summary *s)
{
	_cleanup_free_ char *label = ovl_text_escape(r->label);
	bool dry = r->options->modes & OVL_MODE_CHECK;

	if (!label)
		return -ENOMEM;
	fprintf(r->out, "%s: %s", label, s->cancelled ? "cancelled, " : "");
	print_number(r->out, "", s->taken_back, "step", "steps");
	fputs(dry ? " would be taken back" : " taken back", r->out);
	if (s->left)
		print_number(r->out, ", ", s->left, "left", "left");
	fputc('\n', r->out);
	return 0;
}

/* "1b4e28ba-2fa1-41d2-883f-0016d3cca427  2026-11-22 10:00:00 UTC  finished  3 steps" */
static int text_journal(struct ovl_reporting *r, const struct ovl_undo_entry *entry)
{
	time_t when = (time_t)entry->time;
	char date[64] = "unknown time";
	struct tm tm;

	if (entry->time && gmtime_r(&when, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &tm);
	fprintf(r->out, "%s  %s  %s", entry->id, date, entry->state);
	print_number(r->out, "  ", entry->n_steps, "step", "steps");
	fprintf(r->out, "%s\n", entry->has_saved ? ", with objects that were set aside" : "");
	return 0;
}

static int text_journals_end(struct ovl_reporting *r)
{
	(void)r;
	return 0;
}

static void text_all_begin(struct ovl_reporting *r)
{
	(void)r; /* each has its own line */
}

/* "/srv/merged: skipped, it is mounted" */
static int print_label(struct ovl_reporting *r, const char *before, const char *what)
{
	_cleanup_free_ char *label = ovl_text_escape(r->label);

	if (!label)
		return -ENOMEM;
	fprintf(r->out, "%s: %s%s\n", label, before, what);
	return 0;
}

static int text_skipped(struct ovl_reporting *r, const char *why)
{
	static const char *const texts[][2] = {
		{ "mounted", "it is mounted" },
		{ "missing", "its layers are not there (nofail)" },
		{ "declined", "its mount options say no" },
		{ "unwanted", "the kernel command line says no" },
		{ "clean", "it was checked and has not been mounted since" },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (strcmp(why, texts[i][0]) == 0)
			why = texts[i][1];
	return print_label(r, "skipped, ", why);
}

static void text_all_end(struct ovl_reporting *r, int exit_code)
{
	if (!r->nth && exit_code == 0 && r->options->verbosity)
		fputs("no overlay of fstab or of a mount unit asks to be checked\n", r->out);
}

/* People read stderr; but of many overlays each has a line. */
static int text_failure(struct ovl_reporting *r, const char *text, int exit_code)
{
	(void)text;
	(void)exit_code;
	return r->of_many ? print_label(r, "not done", "") : 0;
}

const struct ovl_reporter ovl_report_text = {
	.begin = text_begin,
	.finding = text_finding,
	.end = text_end,
	.step = text_step,
	.steps_end = text_steps_end,
	.journal = text_journal,
	.journals_end = text_journals_end,
	.explain = ovl_explain_text,
	.list = ovl_explain_list,
	.inspection = ovl_inspect_text,
	.all_begin = text_all_begin,
	.skipped = text_skipped,
	.all_end = text_all_end,
	.failure = text_failure,
};
