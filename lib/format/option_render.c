/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing a configuration as an option string. See overlayfs/option.h.
 */
#include "overlayfs/option.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "format/choice.h"

#include "base/banned.h"

/* Appends @s with a backslash before each of the bytes in @special. */
static int add_protected(struct ovl_buf *b, const char *s, const char *special)
{
	size_t len;
	int r;

	for (;;) {
		len = strcspn(s, special);
		r = ovl_buf_add(b, s, len);
		if (r < 0 || !s[len])
			return r;
		r = ovl_buf_addf(b, "\\%c", s[len]);
		if (r < 0)
			return r;
		s += len + 1;
	}
}

static int add_comma(struct ovl_buf *b)
{
	return b->len > 0 ? ovl_buf_addc(b, ',') : 0;
}

static int add_word(struct ovl_buf *b, const char *word)
{
	int r;

	r = add_comma(b);
	return r < 0 ? r : ovl_buf_adds(b, word);
}

static int add_flag(struct ovl_buf *b, const char *word, bool given)
{
	return given ? add_word(b, word) : 0;
}

static int add_dir(struct ovl_buf *b, const char *name, const char *path)
{
	int r;

	if (!path)
		return 0;
	r = add_comma(b);
	if (r < 0)
		return r;
	r = ovl_buf_addf(b, "%s=", name);
	return r < 0 ? r : add_protected(b, path, "\\,");
}

static int add_layers(struct ovl_buf *b, char *const *path, size_t n, const char *separator,
		      bool first)
{
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		r = first && i == 0 ? 0 : ovl_buf_adds(b, separator);
		if (r < 0)
			return r;
		r = add_protected(b, path[i], "\\,:");
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_lowerdir(struct ovl_buf *b, const struct ovl_config *c)
{
	int r;

	if (c->n_lower == 0)
		return 0;
	r = add_word(b, "lowerdir=");
	if (r < 0)
		return r;
	r = add_layers(b, c->lower, c->n_lower, ":", true);
	return r < 0 ? r : add_layers(b, c->data, c->n_data, "::", false);
}

static int add_choices(struct ovl_buf *b, const struct ovl_config *c)
{
	enum ovl_choice choice;
	const char *word;
	int i, r;

	for (i = 0; i < OVL_CHOICE__MAX; i++) {
		choice = (enum ovl_choice)i;
		word = ovl_choice_word(choice, ovl_choice_get(c, choice));
		if (!word)
			continue;
		r = add_comma(b);
		if (r < 0)
			return r;
		r = ovl_buf_addf(b, "%s=%s", ovl_choice_name(choice), word);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_unknown(struct ovl_buf *b, const struct ovl_config *c)
{
	size_t i;
	int r;

	for (i = 0; i < c->n_unknown; i++) {
		r = add_word(b, c->unknown[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

char *ovl_config_render(const struct ovl_config *c)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };

	if (add_flag(&b, "ro", c->read_only) < 0 || add_lowerdir(&b, c) < 0 ||
	    add_dir(&b, "upperdir", c->upper) < 0 || add_dir(&b, "workdir", c->work) < 0 ||
	    add_choices(&b, c) < 0 || add_flag(&b, "userxattr", c->userxattr) < 0 ||
	    add_flag(&b, "volatile", c->is_volatile) < 0 || add_unknown(&b, c) < 0)
		return NULL;
	return ovl_buf_take(&b);
}
