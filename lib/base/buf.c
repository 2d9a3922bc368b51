/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing buffer of bytes. See buf.h for its invariants.
 */
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { FIRST_ROOM = 64 };

void ovl_buf_done(struct ovl_buf *b)
{
	if (!b)
		return;
	free(b->data);
	*b = (struct ovl_buf){ 0 };
}

void ovl_buf_clear(struct ovl_buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

int ovl_buf_reserve(struct ovl_buf *b, size_t more)
{
	size_t need, room;
	char *data;

	if (__builtin_add_overflow(b->len, more, &need) ||
	    __builtin_add_overflow(need, (size_t)1, &need))
		return -ENOMEM;
	if (need <= b->room)
		return 0;

	/* Doubling keeps appending linear; near the end of size_t ask for just what is needed. */
	if (b->room > SIZE_MAX / 2)
		room = need;
	else
		room = b->room ? b->room * 2 : FIRST_ROOM;
	if (room < need)
		room = need;

	data = realloc(b->data, room);
	if (!data)
		return -ENOMEM;
	data[b->len] = '\0';
	b->data = data;
	b->room = room;
	return 0;
}

int ovl_buf_add(struct ovl_buf *b, const void *data, size_t len)
{
	int r;

	r = ovl_buf_reserve(b, len);
	if (r < 0)
		return r;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int ovl_buf_adds(struct ovl_buf *b, const char *s)
{
	return ovl_buf_add(b, s, strlen(s));
}

int ovl_buf_addc(struct ovl_buf *b, char c)
{
	return ovl_buf_add(b, &c, 1);
}

int ovl_buf_addf(struct ovl_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n, r;

	va_start(ap, fmt);
	r = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (r < 0)
		return -ENOMEM;
	n = r;

	r = ovl_buf_reserve(b, (size_t)n);
	if (r < 0)
		return r;

	va_start(ap, fmt);
	r = vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	if (r != n) { /* the text changed under us, or printf itself ran out of memory */
		b->data[b->len] = '\0';
		return -ENOMEM;
	}
	b->len += (size_t)n;
	return 0;
}

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/*
 * The length of the valid UTF-8 sequence at @p, 0 if there is none; its code point goes to @ret_c.
 * Overlong forms, surrogates and what lies beyond U+10FFFF are not valid.
 */
static size_t utf8_sequence(const unsigned char *p, size_t len, uint32_t *ret_c)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c;
	size_t n, i;

	if (p[0] < 0xc0)
		return 0;
	else if (p[0] < 0xe0)
		n = 2;
	else if (p[0] < 0xf0)
		n = 3;
	else if (p[0] < 0xf8)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;

	c = p[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if (!is_continuation(p[i]))
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_c = c;
	return n;
}

/*
 * Characters that a name may not show as they are: the C1 controls, which some terminals obey;
 * the line separators; and the marks that reverse the direction of all that follows, with which a
 * name could dress up the rest of the line.
 */
static bool is_unsafe(uint32_t c)
{
	return (c >= 0x80 && c <= 0x9f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static void put_octal(char *to, unsigned char c)
{
	to[0] = '\\';
	to[1] = (char)('0' + (c >> 6));
	to[2] = (char)('0' + (c >> 3 & 7));
	to[3] = (char)('0' + (c & 7));
}

int ovl_buf_add_escaped(struct ovl_buf *b, const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t room, used, n, i;
	uint32_t c = 0;
	char *to;
	int r;

	if (__builtin_mul_overflow(len, (size_t)4, &room))
		return -ENOMEM;
	r = ovl_buf_reserve(b, room);
	if (r < 0)
		return r;

	to = b->data + b->len;
	for (used = 0; len > 0; p += n, len -= n) {
		n = 1;
		if (p[0] == '\\') {
			to[used++] = '\\';
			to[used++] = '\\';
			continue;
		}
		if (p[0] >= 0x20 && p[0] < 0x7f) {
			to[used++] = (char)p[0];
			continue;
		}
		n = utf8_sequence(p, len, &c);
		if (n > 0 && !is_unsafe(c)) {
			memcpy(to + used, p, n);
			used += n;
			continue;
		}
		if (n == 0)
			n = 1;
		for (i = 0; i < n; i++, used += 4)
			put_octal(to + used, p[i]);
	}
	to[used] = '\0';
	b->len += used;
	return 0;
}

int ovl_buf_add_hex(struct ovl_buf *b, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;
	size_t room, i;
	char *to;
	int r;

	if (__builtin_mul_overflow(len, (size_t)2, &room))
		return -ENOMEM;
	r = ovl_buf_reserve(b, room);
	if (r < 0)
		return r;

	to = b->data + b->len;
	for (i = 0; i < len; i++) {
		*to++ = digits[p[i] >> 4];
		*to++ = digits[p[i] & 0xf];
	}
	*to = '\0';
	b->len += room;
	return 0;
}

char *ovl_buf_take(struct ovl_buf *b)
{
	char *s;

	if (ovl_buf_reserve(b, 0) < 0)
		return NULL;
	s = b->data;
	*b = (struct ovl_buf){ 0 };
	return s;
}
