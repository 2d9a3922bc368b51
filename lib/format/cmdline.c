/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words of the kernel command line. See cmdline.h.
 */
#include "format/cmdline.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

#include "base/banned.h"

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

static void skip(struct ovl_bytes *rest, size_t n)
{
	rest->data += n;
	rest->len -= n;
}

static int next_of_argv(struct ovl_bytes *rest, struct ovl_buf *word)
{
	size_t len;

	if (rest->len == 0)
		return 0;
	len = strnlen((const char *)rest->data, rest->len);
	if (ovl_buf_add(word, rest->data, len) < 0)
		return -ENOMEM;
	skip(rest, len < rest->len ? len + 1 : len);
	return 1;
}

static int next_of_text(struct ovl_bytes *rest, struct ovl_buf *word)
{
	unsigned char quote = 0, c;

	while (rest->len > 0 && is_blank(*rest->data))
		skip(rest, 1);
	if (rest->len == 0)
		return 0;
	for (; rest->len > 0; skip(rest, 1)) {
		c = *rest->data;
		if (c == quote && quote != 0)
			quote = 0;
		else if (quote == 0 && (c == '"' || c == '\''))
			quote = c;
		else if (c == '\0' || (quote == 0 && is_blank(c)))
			break;
		else if (ovl_buf_addc(word, (char)c) < 0)
			return -ENOMEM;
	}
	return 1;
}

int ovl_cmdline_next(struct ovl_bytes *rest, enum ovl_cmdline_form form, struct ovl_buf *word)
{
	ovl_buf_clear(word);
	return form == OVL_CMDLINE_ARGV ? next_of_argv(rest, word) : next_of_text(rest, word);
}

int ovl_cmdline_bool(const char *value)
{
	static const char *const words[][2] = {
		{ "0", "1" },        { "no", "yes" }, { "n", "y" },
		{ "false", "true" }, { "f", "t" },    { "off", "on" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(value, words[i][0]) == 0)
			return 0;
		if (strcasecmp(value, words[i][1]) == 0)
			return 1;
	}
	return -EINVAL;
}

/* "fsck.mode": -1 for a value that means nothing */
static int mode_of(const char *value)
{
	static const char *const modes[] = {
		[OVL_BOOT_AUTO] = "auto",
		[OVL_BOOT_FORCE] = "force",
		[OVL_BOOT_SKIP] = "skip",
	};

	for (int i = 0; i < (int)ARRAY_LEN(modes); i++) {
		if (strcmp(value, modes[i]) == 0)
			return i;
	}
	return -1;
}

/* A word without value */
static void apply_flag(struct ovl_boot *b, const char *word)
{
	if (strcmp(word, "fastboot") == 0)
		b->mode = OVL_BOOT_SKIP;
	else if (strcmp(word, "forcefsck") == 0)
		b->mode = OVL_BOOT_FORCE;
	else if (strcmp(word, "fsck.overlay") == 0)
		b->is_off = false;
}

static void apply(struct ovl_boot *b, char *word)
{
	char *value = strchr(word, '=');
	int is;

	if (!value) {
		apply_flag(b, word);
		return;
	}
	*value++ = '\0';
	is = ovl_cmdline_bool(value);
	if (strcmp(word, "fsck.mode") == 0 && mode_of(value) >= 0)
		b->mode = (enum ovl_boot_mode)mode_of(value);
	else if (strcmp(word, "fsck.repair") == 0 && strcmp(value, "preen") == 0)
		b->repair = OVL_WISH_PREEN;
	else if (strcmp(word, "fsck.repair") == 0 && is >= 0)
		b->repair = is ? OVL_WISH_YES : OVL_WISH_REPORT;
	else if (strcmp(word, "fsck.overlay") == 0 && is >= 0)
		b->is_off = !is;
}

int ovl_cmdline_parse(struct ovl_bytes line, enum ovl_cmdline_form form, bool in_initrd,
		      struct ovl_boot *ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf word = { 0 };
	struct ovl_boot b = { 0 };
	int r;

	*ret = b;
	while ((r = ovl_cmdline_next(&line, form, &word)) > 0) {
		if (word.len == 0)
			continue;
		if (strncmp(word.data, "rd.", 3) != 0)
			apply(&b, word.data);
		else if (in_initrd)
			apply(&b, word.data + 3);
	}
	if (r == 0)
		*ret = b;
	return r;
}
