/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The documents of --undo and --list-undo.
 */
#include "cleanup.h"
#include "json.h"
#include "report_json.h"

static int print_item(struct ovl_reporting *r, const struct ovl_json *o)
{
	fputs(r->some ? ",\n" : "\n", r->out);
	r->some = true;
	return ovl_json_print(r->out, o);
}

int ovl_report_json_step(struct ovl_reporting *r, const struct ovl_undo_step *step)
{
	_cleanup_(ovl_json_drop) struct ovl_json o = ovl_json_object();

	ovl_json_add_text(&o, "slug", step->slug);
	ovl_json_add_text(&o, "place", step->place);
	ovl_json_add_text(&o, "action", step->action);
	ovl_json_add_text(&o, "result", step->err ? "left" : "taken back");
	ovl_json_add_text(&o, "reason", step->err ? ovl_reporter_undo_why(step) : NULL);
	return print_item(r, &o);
}

int ovl_report_json_steps_end(struct ovl_reporting *r, const struct ovl_undo_summary *s)
{
	_cleanup_(ovl_json_drop) struct ovl_json o = ovl_json_object();
	int e;

	ovl_json_add_number(&o, "taken_back", s->taken_back);
	ovl_json_add_number(&o, "left", s->left);
	fprintf(r->out, "%s],\n\"dry_run\": %s,\n", r->some ? "\n" : "",
		r->options->modes & OVL_MODE_CHECK ? "true" : "false");
	e = ovl_json_print_member(r->out, "", "counts", &o);
	fprintf(r->out, ",\n\"cancelled\": %s,\n\"exit_code\": %d\n}\n",
		s->cancelled ? "true" : "false", s->exit_code);
	return e;
}

int ovl_report_json_journal(struct ovl_reporting *r, const struct ovl_undo_entry *entry)
{
	_cleanup_(ovl_json_drop) struct ovl_json o = ovl_json_object();

	ovl_json_add_text(&o, "id", entry->id);
	ovl_json_add_number(&o, "time", entry->time);
	ovl_json_add_text(&o, "state", entry->state);
	ovl_json_add_number(&o, "steps", entry->n_steps);
	ovl_json_add_bool(&o, "saved", entry->has_saved);
	return print_item(r, &o);
}

int ovl_report_json_journals_end(struct ovl_reporting *r)
{
	fprintf(r->out, "%s],\n\"exit_code\": 0\n}\n", r->some ? "\n" : "");
	return 0;
}
