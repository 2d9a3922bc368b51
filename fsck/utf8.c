/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UTF-8, as far as a report needs it.
 */
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

size_t ovl_utf8_next(const char *s, size_t len, uint32_t *ret_c)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s;
	uint32_t c;
	size_t n, i;

	if (p[0] < 0x80)
		n = 1;
	else if ((p[0] & 0xe0) == 0xc0)
		n = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		n = 3;
	else if ((p[0] & 0xf8) == 0xf0)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;

	c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_c = c;
	return n;
}

bool ovl_utf8_is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || /* C0, DEL, C1 */
	       (c >= 0x2028 && c <= 0x202e) ||         /* separators, embeddings, overrides */
	       (c >= 0x2066 && c <= 0x2069);           /* isolates */
}

char *ovl_utf8_clean(const char *s, bool *ret_replaced)
{
	size_t len = strlen(s), i, n, grown;
	bool replaced = false;
	char *clean, *to;
	uint32_t c;

	if (__builtin_mul_overflow(len, sizeof(replacement) - 1, &grown) || grown == SIZE_MAX)
		return NULL;
	clean = malloc(grown + 1);
	if (!clean)
		return NULL;
	for (i = 0, to = clean; i < len; i += n) {
		n = ovl_utf8_next(s + i, len - i, &c);
		if (n) {
			memcpy(to, s + i, n);
			to += n;
		} else {
			memcpy(to, replacement, sizeof(replacement) - 1);
			to += sizeof(replacement) - 1;
			replaced = true;
			n = 1;
		}
	}
	*to = '\0';
	if (ret_replaced)
		*ret_replaced = replaced;
	return clean;
}
