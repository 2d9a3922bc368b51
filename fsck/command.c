/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command lines to print.
 */
#include "command.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

static bool is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "+,-./:=@^_";

	return *word && word[strspn(word, plain)] == '\0';
}

static bool is_printable(const char *word)
{
	size_t len = strlen(word), i, n;
	uint32_t c = 0;

	for (i = 0; i < len; i += n) {
		n = ovl_utf8_next(word + i, len - i, &c);
		if (n == 0 || ovl_utf8_is_unsafe(c))
			return false;
	}
	return true;
}

/* 'a b', where ' is the only character to care for */
static void put_quoted(FILE *out, const char *word)
{
	fputc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	}
	fputc('\'', out);
}

/* $'a\012b', where everything but ASCII is octal */
static void put_octal(FILE *out, const char *word)
{
	fputs("$'", out);
	for (; *word; word++) {
		unsigned char c = (unsigned char)*word;

		if (c == '\'' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\%03o", c);
		else
			fputc(c, out);
	}
	fputc('\'', out);
}

static void put_value(FILE *out, const char *word)
{
	if (is_plain(word))
		fputs(word, out);
	else if (is_printable(word))
		put_quoted(out, word);
	else
		put_octal(out, word);
}

static void put_word(FILE *out, const char *word)
{
	fputc(' ', out);
	put_value(out, word);
}

static void put_option(FILE *out, const char *option, const char *value)
{
	fprintf(out, " %s", option);
	put_word(out, value);
}

char *ovl_command_line(const struct ovl_options *o)
{
	char *line = NULL;
	size_t len;
	FILE *out = open_memstream(&line, &len);
	int i;

	if (!out)
		return NULL;
	fputs("fsck.overlay", out);
	for (i = 1; i < o->argc; i++)
		put_word(out, o->argv[i]);
	if (fclose(out) == 0)
		return line;
	free(line);
	return NULL;
}

char *ovl_command_undo(const struct ovl_options *o, const char *id)
{
	char *line = NULL;
	size_t len, i;
	FILE *out = open_memstream(&line, &len);

	if (!out)
		return NULL;
	fprintf(out, "fsck.overlay --undo=%s", id);
	if (o->journal_dir)
		put_option(out, "-z", o->journal_dir);
	if (o->fstab) {
		fputs(" -E fstab=", out);
		put_value(out, o->fstab);
	}
	for (i = 0; i < o->n_word; i++)
		put_option(out, "-o", o->word[i]);
	for (i = 0; i < o->n_operand; i++) {
		if (i == 0 && *o->operand[0] == '-')
			fputs(" --", out);
		put_word(out, o->operand[i]);
	}
	if (fclose(out) == 0)
		return line;
	free(line);
	return NULL;
}
