/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void ovl_tool_die(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (err)
		fprintf(stderr, ": %s", strerror(err));
	fputc('\n', stderr);
	exit(99);
}

void *ovl_tool_realloc(void *p, size_t count, size_t size)
{
	void *grown = reallocarray(p, count ? count : 1, size ? size : 1);

	if (!grown)
		ovl_tool_die("%zu times %zu bytes", count, size);
	return grown;
}

char *ovl_tool_format(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		ovl_tool_die("no memory for a string");
	return text;
}

uint64_t ovl_tool_number(const char *text, uint64_t max)
{
	unsigned long long value;
	char *end = NULL;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || value > max) {
		errno = 0;
		ovl_tool_die("'%s' is not a number from 0 to %ju", text, (uintmax_t)max);
	}
	return value;
}

void ovl_tool_escape(FILE *out, const void *data, size_t len, const char *also)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = byte[i];

		if (c == '\\')
			fputs("\\\\", out);
		else if (c < ' ' || c > '~' || strchr(also, c))
			fprintf(out, "\\%03o", c);
		else
			putc_unlocked(c, out);
	}
}

void ovl_tool_hex(FILE *out, const void *data, size_t len)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", byte[i]);
}

uint32_t ovl_tool_random(struct ovl_rng *rng, uint32_t below)
{
	uint64_t z;

	/* splitmix64: any seed will do, also 0 and neighbours. */
	rng->state += 0x9e3779b97f4a7c15u;
	z = rng->state;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return (uint32_t)(((z >> 32) * below) >> 32);
}
