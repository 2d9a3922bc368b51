/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text for people. No locale: reports look the same everywhere.
 */
#include "text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "utf8.h"

enum { COLUMNS = 78 };

static char *add_octal(char *to, const char *bytes, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		*to++ = '\\';
		*to++ = (char)('0' + (c >> 6));
		*to++ = (char)('0' + (c >> 3 & 7));
		*to++ = (char)('0' + (c & 7));
	}
	return to;
}

static char *escape(const char *s, bool backslash)
{
	size_t len = strlen(s), room, i, n;
	char *text, *to;
	uint32_t c = 0;

	if (__builtin_mul_overflow(len, (size_t)4, &room) || room == SIZE_MAX)
		return NULL;
	text = malloc(room + 1);
	if (!text)
		return NULL;
	for (i = 0, to = text; i < len; i += n) {
		n = ovl_utf8_next(s + i, len - i, &c);
		if (n == 0) {
			n = 1;
			to = add_octal(to, s + i, n);
		} else if (ovl_utf8_is_unsafe(c)) {
			to = add_octal(to, s + i, n);
		} else {
			memcpy(to, s + i, n);
			to += n;
			if (c == '\\' && backslash)
				*to++ = '\\';
		}
	}
	*to = '\0';
	return text;
}

char *ovl_text_escape(const char *name)
{
	return escape(name, true);
}

char *ovl_text_safe(const char *message)
{
	return escape(message, false);
}

char *ovl_text_join(const char *lines)
{
	size_t len;
	char *line = NULL;
	FILE *out = open_memstream(&line, &len);

	if (!out)
		return NULL;
	for (; *lines; lines++) {
		if (*lines == '\n')
			fputs("; ", out);
		else
			fputc(*lines, out);
	}
	if (fclose(out) == 0)
		return line;
	free(line);
	return NULL;
}

const char *ovl_text_number(char *buf, uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *to = buf;
	int i;

	for (i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return buf;
}

const char *ovl_text_size(char *buf, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double size = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(buf, OVL_TEXT_NUMBER, "%" PRIu64 " B", bytes);
		return buf;
	}
	/* What would be printed as 1024.0 is 1.0 of the next unit. */
	while (size >= 1023.95 && i + 1 < ARRAY_LEN(units)) {
		size /= 1024;
		i++;
	}
	snprintf(buf, OVL_TEXT_NUMBER, "%.1f %s", size, units[i]);
	return buf;
}

void ovl_text_sentence(FILE *out, const char *text)
{
	if (!*text)
		return;
	fputc(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text, out);
	fputs(text + 1, out);
}

void ovl_text_paragraph(FILE *out, unsigned indent, const char *text)
{
	size_t column = 0, len;

	for (text += strspn(text, " \n"); *text; text += len, text += strspn(text, " \n")) {
		len = strcspn(text, " \n");
		if (column && column + 1 + len > COLUMNS) {
			fputc('\n', out);
			column = 0;
		}
		if (column == 0)
			column = (size_t)fprintf(out, "%*s", (int)indent, "");
		else
			column += (size_t)fprintf(out, " ");
		column += fwrite(text, 1, len, out);
	}
	if (column)
		fputc('\n', out);
}
