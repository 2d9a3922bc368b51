/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading mount options into a configuration. See overlayfs/option.h.
 *
 * An option string is cut into words (option_word.c), a word into name and value, and each name has
 * a kind that says what to do with the value. Options are applied to a copy of the configuration,
 * which replaces the original only if all went well.
 */
#include "overlayfs/option.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "format/choice.h"
#include "format/layers.h"
#include "format/option_word.h"

#include "base/banned.h"

enum { SHOWN_MAX = 200 }; /* bytes of a value that an error text repeats */

enum kind {
	KIND_UPPERDIR,
	KIND_WORKDIR,
	KIND_LOWERDIR,
	KIND_LOWER_ADD,
	KIND_DATA_ADD,
	KIND_FSYNC,
	KIND_USERXATTR,
	KIND_VOLATILE,
	KIND_NOTHING, /* known, but the layers look the same with and without */
	KIND_RO,
	KIND_RW,
};

enum value_rule { VALUE_NEEDED, VALUE_MAY_BE_EMPTY, VALUE_NONE, VALUE_ANY };

static const struct option {
	const char *name;
	enum kind kind;
	enum value_rule rule;
} known[] = {
	{ "lowerdir", KIND_LOWERDIR, VALUE_MAY_BE_EMPTY },
	{ "lowerdir+", KIND_LOWER_ADD, VALUE_NEEDED },
	{ "datadir+", KIND_DATA_ADD, VALUE_NEEDED },
	{ "upperdir", KIND_UPPERDIR, VALUE_NEEDED },
	{ "workdir", KIND_WORKDIR, VALUE_NEEDED },
	{ "userxattr", KIND_USERXATTR, VALUE_NONE },
	{ "volatile", KIND_VOLATILE, VALUE_NONE },
	{ "fsync", KIND_FSYNC, VALUE_NEEDED },
	{ "default_permissions", KIND_NOTHING, VALUE_NONE },
	{ "override_creds", KIND_NOTHING, VALUE_NONE },
	{ "nooverride_creds", KIND_NOTHING, VALUE_NONE },
	{ "ro", KIND_RO, VALUE_ANY },
	{ "rw", KIND_RW, VALUE_ANY },
};

/* One option on its way into a configuration. */
struct word {
	const char *name;
	const char *value; /* NULL: no "=" */
	struct ovl_error *e;
};

static int out_of_memory(struct ovl_error *e)
{
	return ovl_fail(e, -ENOMEM, "cannot read the mount options");
}

/* "option index: want on or off: 'maybe'" */
static int refuse(const struct word *w, const char *why)
{
	_cleanup_(ovl_buf_done) struct ovl_buf name = { 0 }, value = { 0 };
	size_t len = w->value ? strlen(w->value) : 0;
	size_t shown = len > SHOWN_MAX ? SHOWN_MAX : len;

	if (ovl_buf_add_escaped(&name, w->name, strlen(w->name)) < 0)
		return out_of_memory(w->e);
	if (len == 0)
		return ovl_fail_plain(w->e, -EINVAL, "option %s: %s", name.data, why);
	if (ovl_buf_add_escaped(&value, w->value, shown) < 0 ||
	    (shown < len && ovl_buf_adds(&value, "...") < 0))
		return out_of_memory(w->e);
	return ovl_fail_plain(w->e, -EINVAL, "option %s: %s: '%s'", name.data, why, value.data);
}

static int set_string(char **to, char *s, const struct word *w)
{
	if (!s)
		return out_of_memory(w->e);
	free(*to);
	*to = s;
	return 0;
}

static int set_dir(char **to, const struct word *w)
{
	_cleanup_free_ char *path = NULL;

	path = ovl_layers_unescape(w->value, strlen(w->value));
	if (path && !*path)
		return refuse(w, "empty path");
	return set_string(to, TAKE_PTR(path), w);
}

static struct ovl_layers lower_of(const struct ovl_config *c)
{
	return (struct ovl_layers){ c->lower, c->n_lower };
}

static struct ovl_layers data_of(const struct ovl_config *c)
{
	return (struct ovl_layers){ c->data, c->n_data };
}

static void put_layers(struct ovl_config *c, struct ovl_layers lower, struct ovl_layers data)
{
	c->lower = lower.path;
	c->n_lower = lower.n;
	c->data = data.path;
	c->n_data = data.n;
}

static int set_lowerdir(struct ovl_config *c, const struct word *w)
{
	struct ovl_layers lower = { 0 }, data = { 0 }, old_lower, old_data;
	const char *why = NULL;
	int r;

	r = ovl_layers_split(w->value, &lower, &data, &why);
	if (r < 0) {
		ovl_layers_done(&lower);
		ovl_layers_done(&data);
		return r == -ENOMEM ? out_of_memory(w->e) : refuse(w, why);
	}
	old_lower = lower_of(c);
	old_data = data_of(c);
	ovl_layers_done(&old_lower);
	ovl_layers_done(&old_data);
	put_layers(c, lower, data);
	c->lower_is_list = lower.n > 0;
	return 0;
}

static int add_layer(struct ovl_config *c, const struct word *w, bool is_data)
{
	struct ovl_layers lower = lower_of(c), data = data_of(c);
	int r;

	if (c->lower_is_list)
		return refuse(w, "lowerdir= names all layers, none can be added to it");
	if (!is_data && data.n > 0)
		return refuse(w, "an ordinary layer cannot follow a data-only layer");
	r = ovl_layers_push(is_data ? &data : &lower, strdup(w->value));
	put_layers(c, lower, data);
	return r < 0 ? out_of_memory(w->e) : 0;
}

static int set_fsync(struct ovl_config *c, const struct word *w)
{
	if (strcmp(w->value, "volatile") == 0)
		c->is_volatile = true;
	else if (strcmp(w->value, "auto") == 0 || strcmp(w->value, "strict") == 0)
		c->is_volatile = false;
	else
		return refuse(w, "want auto, strict or volatile");
	return 0;
}

static int set_choice(struct ovl_config *c, const struct word *w, enum ovl_choice choice)
{
	_cleanup_(ovl_buf_done) struct ovl_buf why = { 0 };
	const char *word;
	int v;

	v = ovl_choice_parse(choice, w->value ? w->value : "");
	if (v > 0) {
		ovl_choice_put(c, choice, v);
		return 0;
	}
	if (ovl_buf_adds(&why, "want one of") < 0)
		return out_of_memory(w->e);
	for (v = 1; (word = ovl_choice_word(choice, v)); v++)
		if (ovl_buf_addf(&why, "%s %s", v > 1 ? "," : "", word) < 0)
			return out_of_memory(w->e);
	return refuse(w, why.data);
}

static const struct option *find_option(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].name, name) == 0)
			return &known[i];
	return NULL;
}

static int check_value(const struct option *o, const struct word *w)
{
	switch (o->rule) {
	case VALUE_NEEDED:
		return w->value && *w->value ? 0 : refuse(w, "a value is missing");
	case VALUE_MAY_BE_EMPTY:
		return w->value ? 0 : refuse(w, "a value is missing");
	case VALUE_NONE:
		return w->value ? refuse(w, "takes no value") : 0;
	case VALUE_ANY:
		break;
	}
	return 0;
}

static int apply_option(struct ovl_config *c, const struct option *o, const struct word *w)
{
	int r;

	r = check_value(o, w);
	if (r < 0)
		return r;
	switch (o->kind) {
	case KIND_UPPERDIR:
		return set_dir(&c->upper, w);
	case KIND_WORKDIR:
		return set_dir(&c->work, w);
	case KIND_LOWERDIR:
		return set_lowerdir(c, w);
	case KIND_LOWER_ADD:
		return add_layer(c, w, false);
	case KIND_DATA_ADD:
		return add_layer(c, w, true);
	case KIND_FSYNC:
		return set_fsync(c, w);
	case KIND_USERXATTR:
		c->userxattr = true;
		return 0;
	case KIND_VOLATILE:
		c->is_volatile = true;
		return 0;
	case KIND_NOTHING:
		return 0;
	case KIND_RO:
		c->read_only = true;
		return 0;
	case KIND_RW:
		c->read_only = false;
		return 0;
	}
	return 0;
}

/* Remembers an option that nobody knows, once. Takes @text, in the form of an option string. */
static int add_unknown(struct ovl_config *c, struct ovl_map *seen, char *text, struct ovl_error *e)
{
	struct ovl_layers list = { c->unknown, c->n_unknown };
	uint64_t *value;
	int r;

	if (!text)
		return out_of_memory(e);
	r = ovl_map_put(seen, ovl_map_hash(text, strlen(text)), 1, &value);
	if (r > 0)
		r = ovl_layers_push(&list, text);
	else
		free(text);
	c->unknown = list.path;
	c->n_unknown = list.n;
	return r < 0 ? out_of_memory(e) : 0;
}

/* Applies an option if it is known; returns 1 if so, 0 if not. */
static int apply(struct ovl_config *c, const struct word *w)
{
	const struct option *o;
	enum ovl_choice choice;
	int r;

	o = find_option(w->name);
	if (o)
		r = apply_option(c, o, w);
	else if (ovl_choice_find(w->name, &choice))
		r = set_choice(c, w, choice);
	else
		return ovl_option_word_is_vfs(w->name);
	return r < 0 ? r : 1;
}

/*
 * A word as it will stand in a longer option string: a backslash at its very end protects nothing
 * here, but would protect the comma there.
 */
static char *closed_word(struct ovl_bytes word)
{
	const char *p = (const char *)word.data;
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	size_t i;

	for (i = 0; i < word.len; i++)
		if (p[i] == '\\')
			i++;
	if (ovl_buf_add(&b, p, word.len) < 0 || (i > word.len && ovl_buf_addc(&b, '\\') < 0))
		return NULL;
	return ovl_buf_take(&b);
}

static int parse_word(struct ovl_config *c, struct ovl_map *seen, struct ovl_bytes text,
		      struct ovl_error *e)
{
	_cleanup_free_ char *name = NULL;
	struct word w = { .e = e };
	char *value;
	int r;

	name = strndup((const char *)text.data, text.len);
	if (!name)
		return out_of_memory(e);
	value = strchr(name, '=');
	if (value)
		*value++ = '\0';
	w.name = name;
	w.value = value;
	r = apply(c, &w);
	if (r != 0)
		return r < 0 ? r : 0;
	return add_unknown(c, seen, closed_word(text), e);
}

static int copy_string(char **to, const char *from)
{
	if (!from)
		return 0;
	*to = strdup(from);
	return *to ? 0 : -ENOMEM;
}

static int copy_config(const struct ovl_config *c, struct ovl_config *ret)
{
	struct ovl_layers lower = { 0 }, data = { 0 }, unknown = { 0 };
	struct ovl_config copy = *c;
	bool ok;

	copy.upper = NULL;
	copy.work = NULL;
	ok = copy_string(&copy.upper, c->upper) == 0 && copy_string(&copy.work, c->work) == 0 &&
	     ovl_layers_copy(&lower, c->lower, c->n_lower) == 0 &&
	     ovl_layers_copy(&data, c->data, c->n_data) == 0 &&
	     ovl_layers_copy(&unknown, c->unknown, c->n_unknown) == 0;
	put_layers(&copy, lower, data);
	copy.unknown = unknown.path;
	copy.n_unknown = unknown.n;
	if (!ok) {
		ovl_config_done(&copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

/* What is already known to be unknown. */
static int fill_seen(struct ovl_map *seen, const struct ovl_config *c)
{
	struct ovl_key key;
	uint64_t *value;
	size_t i;
	int r;

	for (i = 0; i < c->n_unknown; i++) {
		key = ovl_map_hash(c->unknown[i], strlen(c->unknown[i]));
		r = ovl_map_put(seen, key, 1, &value);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Ends a transaction: replaces @c by @copy unless @copy breaks an invariant. */
static int commit(struct ovl_config *c, struct ovl_config *copy, struct ovl_error *e)
{
	if (copy->n_data > 0 && copy->n_lower == 0)
		return ovl_fail_plain(e, -EINVAL,
				      "option datadir+: needs an ordinary layer before it");
	ovl_config_done(c);
	*c = *copy;
	*copy = (struct ovl_config){ 0 };
	return 0;
}

int ovl_config_parse(struct ovl_config *c, const char *options, struct ovl_error *e)
{
	_cleanup_(ovl_config_done) struct ovl_config copy = { 0 };
	_cleanup_(ovl_map_done) struct ovl_map seen = { 0 };
	const char *pos = options;
	struct ovl_bytes text;
	int r;

	if (copy_config(c, &copy) < 0 || fill_seen(&seen, &copy) < 0)
		return out_of_memory(e);
	while ((r = ovl_option_word_next(&pos, &text)) > 0) {
		if (text.len == 0)
			continue;
		r = parse_word(&copy, &seen, text, e);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return refuse(&(struct word){ "context", pos, e }, "the closing quote is missing");
	return commit(c, &copy, e);
}

/* "name=value" as a word of an option string. */
static char *escaped_word(const char *name, const char *value)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	const char *p, *parts[] = { name, value ? "=" : "", value ? value : "" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(parts); i++) {
		for (p = parts[i]; *p; p++) {
			if ((*p == ',' || *p == '\\') && ovl_buf_addc(&b, '\\') < 0)
				return NULL;
			if (ovl_buf_addc(&b, *p) < 0)
				return NULL;
		}
	}
	return ovl_buf_take(&b);
}

int ovl_config_set(struct ovl_config *c, const char *name, const char *value, struct ovl_error *e)
{
	_cleanup_(ovl_config_done) struct ovl_config copy = { 0 };
	_cleanup_(ovl_map_done) struct ovl_map seen = { 0 };
	struct word w = { name, value, e };
	int r;

	if (!*name && !value)
		return 0; /* an empty word, as between two commas */
	if (copy_config(c, &copy) < 0)
		return out_of_memory(e);
	r = apply(&copy, &w);
	if (r < 0)
		return r;
	if (r == 0) {
		if (fill_seen(&seen, &copy) < 0)
			return out_of_memory(e);
		r = add_unknown(&copy, &seen, escaped_word(name, value), e);
		if (r < 0)
			return r;
	}
	return commit(c, &copy, e);
}

void ovl_config_done(struct ovl_config *c)
{
	struct ovl_layers lower, data, unknown;

	if (!c)
		return;
	lower = lower_of(c);
	data = data_of(c);
	unknown = (struct ovl_layers){ c->unknown, c->n_unknown };
	ovl_layers_done(&lower);
	ovl_layers_done(&data);
	ovl_layers_done(&unknown);
	free(c->upper);
	free(c->work);
	*c = (struct ovl_config){ 0 };
}
