/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Redirects: what is accepted has no empty component, and reads the same without its tail. */
#include <errno.h>

#include "format/redirect.h"
#include "fuzz/fuzz.h"

static bool has_dots(const unsigned char *p, size_t len)
{
	size_t start, end;

	for (start = 0; start < len; start = end + 1) {
		for (end = start; end < len && p[end] != '/'; end++)
			;
		if ((end - start == 1 && p[start] == '.') ||
		    (end - start == 2 && p[start] == '.' && p[start + 1] == '.'))
			return true;
	}
	return false;
}

static void check_parsed(struct ovl_bytes v, const struct ovl_redirect *redirect)
{
	const unsigned char *p = redirect->path.data;
	size_t len = redirect->path.len, i;
	struct ovl_redirect again;

	FUZZ_CHECK(p == v.data && len <= v.len);
	FUZZ_CHECK(!len || !memchr(p, '\0', len));
	FUZZ_CHECK((len < v.len) == ((redirect->flaws & OVL_REDIRECT_NUL) != 0));
	FUZZ_CHECK((len == 0 || has_dots(p, len)) ==
		   ((redirect->flaws & OVL_REDIRECT_DOTDOT) != 0));
	FUZZ_CHECK(redirect->absolute == (len > 0 && p[0] == '/'));
	for (i = 0; i < len; i++)
		if (p[i] == '/')
			FUZZ_CHECK(redirect->absolute && i + 1 < len && p[i + 1] != '/');
	if (len == 0)
		return;
	FUZZ_CHECK(ovl_redirect_parse(redirect->path, &again) == 0);
	FUZZ_CHECK(again.path.len == len && again.absolute == redirect->absolute);
	FUZZ_CHECK(again.flaws == (redirect->flaws & ~(unsigned)OVL_REDIRECT_NUL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ovl_bytes v = { data, size };
	struct ovl_redirect redirect;
	int r = ovl_redirect_parse(v, &redirect);

	FUZZ_CHECK(r == 0 || r == -EINVAL);
	if (r == 0)
		check_parsed(v, &redirect);
	return 0;
}
