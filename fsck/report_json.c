/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report for programs: one JSON document, one finding a line.
 *
 * The frame of the document is written by hand and each object in it made, printed and freed alone,
 * so that a million findings take no memory. json-c wants UTF-8 and file names are bytes: a name
 * that is not UTF-8 is shown with U+FFFD, and in full as hex beside it.
 */
#include <errno.h>

#include "cleanup.h"
#include "conversion.h"
#include "json.h"
#include "report_json.h"
#include "utf8.h"

static int json_begin(struct ovl_reporting *r, enum ovl_list list)
{
	static const char *const names[] = {
		[OVL_LIST_PROBLEMS] = "problems",
		[OVL_LIST_STEPS] = "steps",
		[OVL_LIST_JOURNALS] = "journals",
	};
	int e;

	ovl_json_open(r);
	e = ovl_json_print_overlay(r);
	fprintf(r->out, ",\n\"%s\": [", names[list]);
	return e;
}

static const char *fate_name(enum ovl_fate fate)
{
	switch (fate) {
	case OVL_FATE_FIXED:
		return "corrected";
	case OVL_FATE_DECLINED:
		return "declined";
	case OVL_FATE_FAILED:
		return "failed";
	case OVL_FATE_LEFT:
	default:
		return "left";
	}
}

static int json_finding(struct ovl_reporting *r, const struct ovl_result *result,
			enum ovl_severity severity)
{
	const struct ovl_finding *f = &result->finding;
	const struct ovl_problem *p = ovl_problem_get(f->problem);
	_cleanup_(ovl_json_drop) struct ovl_json o = ovl_json_object();

	ovl_json_add_id(&o, p);
	ovl_json_add_text(&o, "severity", ovl_severity_name(severity));
	ovl_json_add_place(&o, r->stack, f->loc);
	ovl_json_add_text(&o, "text", p->text);
	ovl_json_add_text(&o, "found", f->found);
	ovl_json_add_text(&o, "expected", f->expected);
	if (f->other.layer == OVL_LAYER_NONE) {
		ovl_json_add_null(&o, "other");
	} else {
		struct ovl_json other = ovl_json_object();

		ovl_json_add_place(&other, r->stack, f->other);
		if (other.failed)
			ovl_json_drop(&other);
		ovl_json_add(&o, "other", other.json);
	}
	ovl_json_add_text(&o, "symptom", p->symptom);
	ovl_json_add_text(&o, "action", result->way);
	ovl_json_add_text(&o, "result", fate_name(result->fate));
	ovl_json_add_text(&o, "reason", result->why);
	fputs(r->some ? ",\n" : "\n", r->out);
	r->some = true;
	return ovl_json_print(r->out, &o);
}

static int print_counts(struct ovl_reporting *r, const struct ovl_summary *s)
{
	const struct ovl_counts *c = s->counts;
	_cleanup_(ovl_json_drop) struct ovl_json o = ovl_json_object();

	ovl_json_add_number(&o, "layers", ovl_stack_n_layers(r->stack));
	ovl_json_add_number(&o, "objects", c->objects);
	ovl_json_add_number(&o, "directories", c->dirs);
	ovl_json_add_number(&o, "whiteouts", c->whiteouts);
	ovl_json_add_number(&o, "redirects", c->redirects);
	ovl_json_add_number(&o, "metacopy", c->metacopy);
	ovl_json_add_number(&o, "metacopy_bytes", c->metacopy_bytes);
	ovl_json_add_number(&o, "indexed", c->indexed);
	ovl_json_add_number(&o, "unreadable", c->unreadable);
	ovl_json_add_number(&o, "errors", s->tally.by_severity[OVL_SEV_ERROR]);
	ovl_json_add_number(&o, "warnings", s->tally.by_severity[OVL_SEV_WARNING]);
	ovl_json_add_number(&o, "information", s->tally.by_severity[OVL_SEV_INFO]);
	ovl_json_add_number(&o, "corrected", s->tally.corrected);
	ovl_json_add_number(&o, "left", s->tally.left);
	ovl_json_add_number(&o, "recovered", s->recovered);
	ovl_json_add_number(&o, "unrecovered", s->unrecovered);
	return ovl_json_print_member(r->out, "", "counts", &o);
}

/* Only with -t: without it, the same layers give the same document. */
static void print_timing(FILE *out, const struct ovl_summary *s)
{
	int pass;

	fprintf(out, ",\n\"timing\": {\"seconds\":%.3f,\"passes\":[", s->seconds);
	for (pass = OVL_PASS_WALK; pass < OVL_PASS__MAX; pass++)
		fprintf(out, "%s%.3f", pass == OVL_PASS_WALK ? "" : ",", s->pass_seconds[pass]);
	fputs("]}", out);
}

static int json_end(struct ovl_reporting *r, const struct ovl_summary *s)
{
	int e;

	fprintf(r->out, "%s],\n\"journal\": ", r->some ? "\n" : "");
	if (s->journal) /* a UUID: letters, digits, dashes */
		fprintf(r->out, "\"%s\",\n", s->journal);
	else
		fputs("null,\n", r->out);
	e = print_counts(r, s);
	if (e == 0)
		e = ovl_conversion_json(r, s);
	if (r->options->timing)
		print_timing(r->out, s);
	fprintf(r->out, ",\n\"cancelled\": %s,\n\"exit_code\": %d\n}\n",
		s->cancelled ? "true" : "false", s->exit_code);
	return e;
}

static int print_problem(FILE *out, const char *before, enum ovl_problem_id id)
{
	const struct ovl_problem *p = ovl_problem_get(id);
	_cleanup_(ovl_json_drop) struct ovl_json o = ovl_json_object();

	ovl_json_add_id(&o, p);
	ovl_json_add_text(&o, "severity", ovl_severity_name(p->severity));
	ovl_json_add_text(&o, "text", p->text);
	ovl_json_add_text(&o, "symptom", p->symptom);
	ovl_json_add_text(&o, "cause", p->cause);
	ovl_json_add_text(&o, "remedy", p->remedy);
	fputs(before, out);
	return ovl_json_print(out, &o);
}

static int json_explain(struct ovl_reporting *r, enum ovl_problem_id id)
{
	int e;

	ovl_json_open(r);
	e = print_problem(r->out, "\"problems\": [\n", id);
	fputs("\n]\n}\n", r->out);
	return e;
}

static int json_list(struct ovl_reporting *r)
{
	unsigned id;
	int e = 0;

	ovl_json_open(r);
	fputs("\"problems\": [", r->out);
	for (id = 0; id < OVL_P__MAX && e == 0; id++)
		e = print_problem(r->out, id ? ",\n" : "\n", (enum ovl_problem_id)id);
	fputs("\n]\n}\n", r->out);
	return e;
}

static void json_all_begin(struct ovl_reporting *r)
{
	fputs("{\n\"version\": \"" PACKAGE_VERSION "\",\n\"overlays\": [\n", r->out);
}

/* Of many overlays: which one a document without layers is about. */
static int print_overlay_label(struct ovl_reporting *r)
{
	_cleanup_(ovl_json_drop) struct ovl_json o = ovl_json_object();
	int e;

	if (!r->of_many || !r->label)
		return 0;
	ovl_json_add_name(&o, "label", "label_hex", r->label);
	e = ovl_json_print_member(r->out, "", "overlay", &o);
	fputs(",\n", r->out);
	return e;
}

static int json_skipped(struct ovl_reporting *r, const char *why)
{
	int e;

	ovl_json_open(r);
	e = print_overlay_label(r);
	fprintf(r->out, "\"skipped\": \"%s\",\n\"exit_code\": 0\n}\n", why);
	return e;
}

static void json_all_end(struct ovl_reporting *r, int exit_code)
{
	fprintf(r->out, "],\n\"exit_code\": %d\n}\n", exit_code);
}

static int json_failure(struct ovl_reporting *r, const char *text, int exit_code)
{
	_cleanup_free_ char *clean = ovl_utf8_clean(text, NULL);
	struct json_object *error = clean ? json_object_new_string(clean) : NULL;
	int e;

	if (!error)
		return -ENOMEM;
	ovl_json_open(r);
	e = print_overlay_label(r);
	fputs("\"error\": ", r->out);
	if (e == 0)
		e = ovl_json_print_value(r->out, error);
	fprintf(r->out, ",\n\"exit_code\": %d\n}\n", exit_code);
	json_object_put(error);
	return e;
}

const struct ovl_reporter ovl_report_json = {
	.begin = json_begin,
	.finding = json_finding,
	.end = json_end,
	.step = ovl_report_json_step,
	.steps_end = ovl_report_json_steps_end,
	.journal = ovl_report_json_journal,
	.journals_end = ovl_report_json_journals_end,
	.explain = json_explain,
	.list = json_list,
	.inspection = ovl_report_json_inspection,
	.all_begin = json_all_begin,
	.skipped = json_skipped,
	.all_end = json_all_end,
	.failure = json_failure,
};
