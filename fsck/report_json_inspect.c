/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The document of --inspect.
 */
#include "cleanup.h"
#include "inspect.h"
#include "json.h"
#include "report_json.h"

static struct json_object *new_xattrs(const struct ovl_inspect_layer *l)
{
	struct json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; list && i < l->n_xattr; i++) {
		struct ovl_json o = ovl_json_object();

		ovl_json_add_text(&o, "name", l->xattr[i].name);
		ovl_json_add_text(&o, "value", l->xattr[i].value);
		if (o.failed || json_object_array_add(list, o.json) < 0) {
			ovl_json_drop(&o);
			json_object_put(list);
			list = NULL;
		}
	}
	return list;
}

static struct json_object *new_parts(unsigned parts)
{
	struct json_object *list = json_object_new_array();
	const char *word;
	unsigned part;
	size_t i;

	for (i = 0; list && (word = ovl_inspect_part(i, &part)); i++) {
		struct json_object *s;

		if (!(parts & part))
			continue;
		s = json_object_new_string(word);
		if (!s || json_object_array_add(list, s) < 0) {
			json_object_put(s);
			json_object_put(list);
			list = NULL;
		}
	}
	return list;
}

static void add_object(struct ovl_json *o, const struct ovl_inspect_layer *l)
{
	const struct ovl_stat *st = &l->obs.stat;
	char mode[16];

	snprintf(mode, sizeof(mode), "%07o", st->mode);
	ovl_json_add_text(o, "kind", ovl_kind_name(l->obs.kind));
	ovl_json_add_text(o, "mode", mode);
	ovl_json_add_number(o, "uid", st->uid);
	ovl_json_add_number(o, "gid", st->gid);
	ovl_json_add_number(o, "size", st->size);
	ovl_json_add_number(o, "blocks", st->blocks);
	ovl_json_add_number(o, "nlink", st->nlink);
	ovl_json_add_number(o, "dev", st->dev);
	ovl_json_add_number(o, "ino", st->ino);
	ovl_json_add_number(o, "rdev", st->rdev);
	ovl_json_add(o, "mtime", json_object_new_int64(st->mtime_sec));
	ovl_json_add_number(o, "mtime_nsec", st->mtime_nsec);
	ovl_json_add(o, "xattrs", new_xattrs(l));
	ovl_json_add(o, "shows", new_parts(l->part));
}

static int print_inspected(struct ovl_reporting *r, const struct ovl_inspect_layer *l)
{
	_cleanup_(ovl_json_drop) struct ovl_json o = ovl_json_object();

	ovl_json_add_place(&o, r->stack, l->loc);
	ovl_json_add_bool(&o, "present", l->present);
	if (l->present)
		add_object(&o, l);
	ovl_json_add_text(&o, "why", l->why);
	return ovl_json_print(r->out, &o);
}

int ovl_report_json_inspection(struct ovl_reporting *r, const char *path,
			       const struct ovl_inspection *inspection)
{
	_cleanup_(ovl_json_drop) struct ovl_json o = ovl_json_object();
	int e, result = inspection->result;
	size_t i;

	ovl_json_add_name(&o, "path", "path_hex", *path ? path : "/");
	ovl_json_add_bool(&o, "shown", result == 0);
	ovl_json_add_text(&o, "error", result == 0 ? NULL : ovl_inspect_errno(result));
	ovl_json_add(&o, "errno", json_object_new_int(-result));
	ovl_json_add_text(&o, "why", inspection->result_why);

	ovl_json_open(r);
	e = ovl_json_print_overlay(r);
	if (e == 0)
		e = ovl_json_print_member(r->out, ",\n", "inspection", &o);
	fputs(",\n\"layers\": [", r->out);
	for (i = 0; i < inspection->n_layer && e == 0; i++) {
		fputs(i ? ",\n" : "\n", r->out);
		e = print_inspected(r, &inspection->layer[i]);
	}
	fprintf(r->out, "%s]\n}\n", i ? "\n" : "");
	return e;
}
