/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report for programs: one JSON document, one finding a line.
 *
 * The frame of the document is written by hand and each object in it made, printed and freed alone,
 * so that a million findings take no memory. json-c wants UTF-8 and file names are bytes: a name
 * that is not UTF-8 is shown with U+FFFD, and in full as hex beside it.
 */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "cleanup.h"
#include "inspect.h"
#include "reporter.h"
#include "utf8.h"

/* An object under construction. A failed allocation is remembered; the object is not used then. */
struct object {
	struct json_object *json;
	bool failed;
};

static struct object new_object(void)
{
	struct json_object *json = json_object_new_object();

	return (struct object){ json, !json };
}

static void drop(struct object *o)
{
	json_object_put(o->json);
	o->json = NULL;
}

/* Adds @value, which it takes, under @key; NULL stands for a failed allocation. */
static void add(struct object *o, const char *key, struct json_object *value)
{
	if (!value || o->failed || json_object_object_add(o->json, key, value) < 0) {
		json_object_put(value);
		o->failed = true;
	}
}

static void add_null(struct object *o, const char *key)
{
	if (!o->failed && json_object_object_add(o->json, key, NULL) < 0)
		o->failed = true;
}

static void add_number(struct object *o, const char *key, uint64_t n)
{
	add(o, key, json_object_new_uint64(n));
}

static void add_bool(struct object *o, const char *key, bool value)
{
	add(o, key, json_object_new_boolean(value));
}

/* A string that is UTF-8 already, or nearly; NULL becomes null. */
static void add_text(struct object *o, const char *key, const char *text)
{
	_cleanup_free_ char *clean = NULL;

	if (!text) {
		add_null(o, key);
		return;
	}
	clean = ovl_utf8_clean(text, NULL);
	add(o, key, clean ? json_object_new_string(clean) : NULL);
}

static struct json_object *new_hex(const char *bytes)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = strlen(bytes), i;
	_cleanup_free_ char *hex = NULL;

	if (len > INT32_MAX / 2)
		return NULL;
	hex = malloc(2 * len + 1);
	if (!hex)
		return NULL;
	for (i = 0; i < len; i++) {
		hex[2 * i] = digits[(unsigned char)bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 0xf];
	}
	hex[2 * len] = '\0';
	return json_object_new_string(hex);
}

/* A file name: raw bytes. */
static void add_name(struct object *o, const char *key, const char *key_hex, const char *name)
{
	_cleanup_free_ char *clean = NULL;
	bool replaced = false;

	if (name)
		clean = ovl_utf8_clean(name, &replaced);
	add(o, key, clean ? json_object_new_string(clean) : NULL);
	if (replaced)
		add(o, key_hex, new_hex(name));
}

static void add_place(struct object *o, const struct ovl_stack *stack, struct ovl_loc loc)
{
	_cleanup_free_ char *layer = ovl_stack_layer_name(stack, loc.layer);
	_cleanup_free_ char *path = ovl_stack_path(loc);

	add(o, "layer", layer ? json_object_new_string(layer) : NULL);
	add_name(o, "path", "path_hex", path);
}

static void add_id(struct object *o, const struct ovl_problem *p)
{
	char id[16];

	snprintf(id, sizeof(id), "0x%04x", p->id);
	add_text(o, "id", id);
	add_text(o, "slug", p->slug);
}

/*
 * Prints a value. json-c escapes the C0 controls; the others that a terminal might obey can only
 * stand in strings, where \u is allowed.
 */
static int print_value(FILE *out, struct json_object *value)
{
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text;
	size_t len, safe, n;
	uint32_t c = 0;

	/* Where its buffer cannot grow, json-c leaves a piece out and says nothing; malloc() does. */
	errno = 0;
	text = json_object_to_json_string_ext(value, flags);
	if (!text || errno == ENOMEM)
		return -ENOMEM;
	len = strlen(text);
	for (safe = 0; safe < len; safe += n) {
		n = ovl_utf8_next(text + safe, len - safe, &c);
		if (n == 0 || !ovl_utf8_is_unsafe(c)) {
			n = n ? n : 1; /* 0 cannot be: all strings were cleaned */
			continue;
		}
		fwrite(text, 1, safe, out);
		fprintf(out, "\\u%04x", c);
		text += safe + n;
		len -= safe + n;
		safe = n = 0;
	}
	fwrite(text, 1, len, out);
	return 0;
}

static int print(FILE *out, const struct object *o)
{
	return o->failed ? -ENOMEM : print_value(out, o->json);
}

static int print_member(FILE *out, const char *before, const char *key, const struct object *o)
{
	fprintf(out, "%s\"%s\": ", before, key);
	return print(out, o);
}

static void open_document(FILE *out)
{
	fputs("{\n\"version\": \"" PACKAGE_VERSION "\",\n", out);
}

static struct json_object *new_layer(const struct ovl_stack *stack, int layer)
{
	_cleanup_free_ char *name = ovl_stack_layer_name(stack, layer);
	struct object o = new_object();

	add(&o, "name", name ? json_object_new_string(name) : NULL);
	add_name(&o, "dir", "dir_hex", ovl_stack_layer_dir(stack, layer));
	if (o.failed)
		drop(&o);
	return o.json;
}

static struct json_object *new_layers(const struct ovl_stack *stack)
{
	bool has_upper = ovl_stack_config(stack)->upper != NULL;
	int n = (int)ovl_stack_n_layers(stack), first = has_upper ? 0 : 1, i;
	struct json_object *layers = json_object_new_array();

	for (i = first; layers && i < first + n; i++) {
		struct json_object *layer = new_layer(stack, i);

		if (!layer || json_object_array_add(layers, layer) < 0) {
			json_object_put(layer);
			json_object_put(layers);
			layers = NULL;
		}
	}
	return layers;
}

/* Lines to strings. */
static struct json_object *new_lines(const char *text)
{
	struct json_object *lines = json_object_new_array();
	size_t len;

	for (; lines && *text; text += len + (text[len] == '\n')) {
		struct json_object *line;

		len = strcspn(text, "\n");
		line = json_object_new_string_len(text, (int)len);
		if (!line || json_object_array_add(lines, line) < 0) {
			json_object_put(line);
			json_object_put(lines);
			lines = NULL;
		}
	}
	return lines;
}

static int print_overlay(struct ovl_reporting *r)
{
	_cleanup_(drop) struct object o = new_object();
	_cleanup_free_ char *options = ovl_config_render(ovl_stack_config(r->stack));

	add_name(&o, "label", "label_hex", r->label);
	add(&o, "layers", new_layers(r->stack));
	if (ovl_stack_layer_dir(r->stack, OVL_LAYER_WORK))
		add(&o, "work", new_layer(r->stack, OVL_LAYER_WORK));
	add_name(&o, "options", "options_hex", options);
	if (r->users) {
		_cleanup_free_ char *users = ovl_utf8_clean(r->users, NULL);

		add(&o, "in_use", users ? new_lines(users) : NULL);
	}
	return print_member(r->out, "", "overlay", &o);
}

static int json_begin(struct ovl_reporting *r)
{
	int e;

	open_document(r->out);
	e = print_overlay(r);
	fputs(",\n\"problems\": [", r->out);
	return e;
}

static int json_finding(struct ovl_reporting *r, const struct ovl_finding *f,
			enum ovl_severity severity)
{
	const struct ovl_problem *p = ovl_problem_get(f->problem);
	_cleanup_(drop) struct object o = new_object();

	add_id(&o, p);
	add_text(&o, "severity", ovl_severity_name(severity));
	add_place(&o, r->stack, f->loc);
	add_text(&o, "text", p->text);
	add_text(&o, "found", f->found);
	add_text(&o, "expected", f->expected);
	if (f->other.layer == OVL_LAYER_NONE) {
		add_null(&o, "other");
	} else {
		struct object other = new_object();

		add_place(&other, r->stack, f->other);
		if (other.failed)
			drop(&other);
		add(&o, "other", other.json);
	}
	add_text(&o, "symptom", p->symptom);
	fputs(r->some ? ",\n" : "\n", r->out);
	r->some = true;
	return print(r->out, &o);
}

static int print_counts(struct ovl_reporting *r, const struct ovl_summary *s)
{
	const struct ovl_counts *c = s->counts;
	_cleanup_(drop) struct object o = new_object();

	add_number(&o, "layers", ovl_stack_n_layers(r->stack));
	add_number(&o, "objects", c->objects);
	add_number(&o, "directories", c->dirs);
	add_number(&o, "whiteouts", c->whiteouts);
	add_number(&o, "redirects", c->redirects);
	add_number(&o, "metacopy", c->metacopy);
	add_number(&o, "metacopy_bytes", c->metacopy_bytes);
	add_number(&o, "indexed", c->indexed);
	add_number(&o, "unreadable", c->unreadable);
	add_number(&o, "errors", s->tally.by_severity[OVL_SEV_ERROR]);
	add_number(&o, "warnings", s->tally.by_severity[OVL_SEV_WARNING]);
	add_number(&o, "information", s->tally.by_severity[OVL_SEV_INFO]);
	return print_member(r->out, "", "counts", &o);
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

	fprintf(r->out, "%s],\n", r->some ? "\n" : "");
	e = print_counts(r, s);
	if (r->options->timing)
		print_timing(r->out, s);
	fprintf(r->out, ",\n\"cancelled\": %s,\n\"exit_code\": %d\n}\n",
		s->cancelled ? "true" : "false", s->exit_code);
	return e;
}

static int print_problem(FILE *out, const char *before, enum ovl_problem_id id)
{
	const struct ovl_problem *p = ovl_problem_get(id);
	_cleanup_(drop) struct object o = new_object();

	add_id(&o, p);
	add_text(&o, "severity", ovl_severity_name(p->severity));
	add_text(&o, "text", p->text);
	add_text(&o, "symptom", p->symptom);
	add_text(&o, "cause", p->cause);
	add_text(&o, "remedy", p->remedy);
	fputs(before, out);
	return print(out, &o);
}

static int json_explain(struct ovl_reporting *r, enum ovl_problem_id id)
{
	int e;

	open_document(r->out);
	e = print_problem(r->out, "\"problems\": [\n", id);
	fputs("\n]\n}\n", r->out);
	return e;
}

static int json_list(struct ovl_reporting *r)
{
	unsigned id;
	int e = 0;

	open_document(r->out);
	fputs("\"problems\": [", r->out);
	for (id = 0; id < OVL_P__MAX && e == 0; id++)
		e = print_problem(r->out, id ? ",\n" : "\n", (enum ovl_problem_id)id);
	fputs("\n]\n}\n", r->out);
	return e;
}

static struct json_object *new_xattrs(const struct ovl_inspect_layer *l)
{
	struct json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; list && i < l->n_xattr; i++) {
		struct object o = new_object();

		add_text(&o, "name", l->xattr[i].name);
		add_text(&o, "value", l->xattr[i].value);
		if (o.failed || json_object_array_add(list, o.json) < 0) {
			drop(&o);
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

static void add_object(struct object *o, const struct ovl_inspect_layer *l)
{
	const struct ovl_stat *st = &l->obs.stat;
	char mode[16];

	snprintf(mode, sizeof(mode), "%07o", st->mode);
	add_text(o, "kind", ovl_kind_name(l->obs.kind));
	add_text(o, "mode", mode);
	add_number(o, "uid", st->uid);
	add_number(o, "gid", st->gid);
	add_number(o, "size", st->size);
	add_number(o, "blocks", st->blocks);
	add_number(o, "nlink", st->nlink);
	add_number(o, "dev", st->dev);
	add_number(o, "ino", st->ino);
	add_number(o, "rdev", st->rdev);
	add(o, "mtime", json_object_new_int64(st->mtime_sec));
	add_number(o, "mtime_nsec", st->mtime_nsec);
	add(o, "xattrs", new_xattrs(l));
	add(o, "shows", new_parts(l->part));
}

static int print_inspected(struct ovl_reporting *r, const struct ovl_inspect_layer *l)
{
	_cleanup_(drop) struct object o = new_object();

	add_place(&o, r->stack, l->loc);
	add_bool(&o, "present", l->present);
	if (l->present)
		add_object(&o, l);
	add_text(&o, "why", l->why);
	return print(r->out, &o);
}

static int json_inspection(struct ovl_reporting *r, const char *path,
			   const struct ovl_inspection *inspection)
{
	_cleanup_(drop) struct object o = new_object();
	int e, result = inspection->result;
	size_t i;

	add_name(&o, "path", "path_hex", *path ? path : "/");
	add_bool(&o, "shown", result == 0);
	add_text(&o, "error", result == 0 ? NULL : ovl_inspect_errno(result));
	add(&o, "errno", json_object_new_int(-result));
	add_text(&o, "why", inspection->result_why);

	open_document(r->out);
	e = print_overlay(r);
	if (e == 0)
		e = print_member(r->out, ",\n", "inspection", &o);
	fputs(",\n\"layers\": [", r->out);
	for (i = 0; i < inspection->n_layer && e == 0; i++) {
		fputs(i ? ",\n" : "\n", r->out);
		e = print_inspected(r, &inspection->layer[i]);
	}
	fprintf(r->out, "%s]\n}\n", i ? "\n" : "");
	return e;
}

static int json_failure(struct ovl_reporting *r, const char *text, int exit_code)
{
	_cleanup_free_ char *clean = ovl_utf8_clean(text, NULL);
	struct json_object *error = clean ? json_object_new_string(clean) : NULL;
	int e;

	if (!error)
		return -ENOMEM;
	open_document(r->out);
	fputs("\"error\": ", r->out);
	e = print_value(r->out, error);
	fprintf(r->out, ",\n\"exit_code\": %d\n}\n", exit_code);
	json_object_put(error);
	return e;
}

const struct ovl_reporter ovl_report_json = {
	.begin = json_begin,
	.finding = json_finding,
	.end = json_end,
	.explain = json_explain,
	.list = json_list,
	.inspection = json_inspection,
	.failure = json_failure,
};
