/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON objects, made with json-c, and printed so that no terminal obeys what is in them.
 */
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "utf8.h"

struct ovl_json ovl_json_object(void)
{
	struct json_object *json = json_object_new_object();

	return (struct ovl_json){ json, !json };
}

void ovl_json_drop(struct ovl_json *o)
{
	json_object_put(o->json);
	o->json = NULL;
}

void ovl_json_add(struct ovl_json *o, const char *key, struct json_object *value)
{
	if (!value || o->failed || json_object_object_add(o->json, key, value) < 0) {
		json_object_put(value);
		o->failed = true;
	}
}

void ovl_json_add_null(struct ovl_json *o, const char *key)
{
	if (!o->failed && json_object_object_add(o->json, key, NULL) < 0)
		o->failed = true;
}

void ovl_json_add_number(struct ovl_json *o, const char *key, uint64_t n)
{
	ovl_json_add(o, key, json_object_new_uint64(n));
}

void ovl_json_add_bool(struct ovl_json *o, const char *key, bool value)
{
	ovl_json_add(o, key, json_object_new_boolean(value));
}

void ovl_json_add_text(struct ovl_json *o, const char *key, const char *text)
{
	_cleanup_free_ char *clean = NULL;

	if (!text) {
		ovl_json_add_null(o, key);
		return;
	}
	clean = ovl_utf8_clean(text, NULL);
	ovl_json_add(o, key, clean ? json_object_new_string(clean) : NULL);
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

void ovl_json_add_name(struct ovl_json *o, const char *key, const char *key_hex, const char *name)
{
	_cleanup_free_ char *clean = NULL;
	bool replaced = false;

	if (name)
		clean = ovl_utf8_clean(name, &replaced);
	ovl_json_add(o, key, clean ? json_object_new_string(clean) : NULL);
	if (replaced)
		ovl_json_add(o, key_hex, new_hex(name));
}

void ovl_json_add_place(struct ovl_json *o, const struct ovl_stack *stack, struct ovl_loc loc)
{
	_cleanup_free_ char *layer = ovl_stack_layer_name(stack, loc.layer);
	_cleanup_free_ char *path = ovl_stack_path(loc);

	ovl_json_add(o, "layer", layer ? json_object_new_string(layer) : NULL);
	ovl_json_add_name(o, "path", "path_hex", path);
}

void ovl_json_add_id(struct ovl_json *o, const struct ovl_problem *p)
{
	char id[16];

	snprintf(id, sizeof(id), "0x%04x", p->id);
	ovl_json_add_text(o, "id", id);
	ovl_json_add_text(o, "slug", p->slug);
}

/*
 * Prints a value. json-c escapes the C0 controls; the others that a terminal might obey can only
 * stand in strings, where \u is allowed.
 */
int ovl_json_print_value(FILE *out, struct json_object *value)
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

int ovl_json_print(FILE *out, const struct ovl_json *o)
{
	return o->failed ? -ENOMEM : ovl_json_print_value(out, o->json);
}

int ovl_json_print_member(FILE *out, const char *before, const char *key, const struct ovl_json *o)
{
	fprintf(out, "%s\"%s\": ", before, key);
	return ovl_json_print(out, o);
}

void ovl_json_open(const struct ovl_reporting *r)
{
	if (r->of_many && r->nth)
		fputs(",\n", r->out);
	fputs("{\n\"version\": \"" PACKAGE_VERSION "\",\n", r->out);
	if (r->extent)
		fprintf(r->out, "\"check\": \"%s\",\n\"reason\": \"%s\",\n", r->extent, r->why);
}

static struct json_object *new_layer(const struct ovl_stack *stack, int layer)
{
	_cleanup_free_ char *name = ovl_stack_layer_name(stack, layer);
	struct ovl_json o = ovl_json_object();

	ovl_json_add(&o, "name", name ? json_object_new_string(name) : NULL);
	ovl_json_add_name(&o, "dir", "dir_hex", ovl_stack_layer_dir(stack, layer));
	if (o.failed)
		ovl_json_drop(&o);
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

int ovl_json_print_overlay(struct ovl_reporting *r)
{
	_cleanup_(ovl_json_drop) struct ovl_json o = ovl_json_object();
	_cleanup_free_ char *options = ovl_config_render(ovl_stack_config(r->stack));

	ovl_json_add_name(&o, "label", "label_hex", r->label);
	ovl_json_add(&o, "layers", new_layers(r->stack));
	if (ovl_stack_layer_dir(r->stack, OVL_LAYER_WORK))
		ovl_json_add(&o, "work", new_layer(r->stack, OVL_LAYER_WORK));
	ovl_json_add_name(&o, "options", "options_hex", options);
	if (r->users) {
		_cleanup_free_ char *users = ovl_utf8_clean(r->users, NULL);

		ovl_json_add(&o, "in_use", users ? new_lines(users) : NULL);
	}
	return ovl_json_print_member(r->out, "", "overlay", &o);
}
