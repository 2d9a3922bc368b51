/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Escaped names: safe bytes only, and nothing is lost. */
#include "base/buf.h"
#include "fuzz/fuzz.h"

static size_t unescape(char *s, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		FUZZ_CHECK((unsigned char)s[i] >= 0x20 && s[i] != 0x7f);
		if (s[i] != '\\') {
			s[n++] = s[i];
		} else if (s[i + 1] == '\\') {
			s[n++] = s[++i];
		} else {
			FUZZ_CHECK(i + 3 < len);
			s[n++] = (char)((s[i + 1] - '0') << 6 | (s[i + 2] - '0') << 3 |
					(s[i + 3] - '0'));
			i += 3;
		}
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ovl_buf b = { 0 };

	FUZZ_CHECK(ovl_buf_add_escaped(&b, data, size) == 0);
	FUZZ_CHECK(b.len < b.room && b.data[b.len] == '\0' && strlen(b.data) == b.len);
	FUZZ_CHECK(unescape(b.data, b.len) == size);
	FUZZ_CHECK(size == 0 || memcmp(b.data, data, size) == 0);
	ovl_buf_done(&b);
	return 0;
}
