/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The redirect value. See redirect.h.
 */
#include "format/redirect.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

static bool is_dots(const unsigned char *name, size_t len)
{
	return (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.');
}

/*
 * Goes through the components of an absolute path, which starts with a slash. An empty one is an
 * error, and so is what a slash at the end leaves behind it.
 */
static int check_absolute(const unsigned char *p, const unsigned char *end, unsigned *flaws)
{
	const unsigned char *name, *slash;

	while (p < end) {
		name = p + 1;
		slash = memchr(name, '/', (size_t)(end - name));
		p = slash ? slash : end;
		if (p == name)
			return -EINVAL;
		if (is_dots(name, (size_t)(p - name)))
			*flaws |= OVL_REDIRECT_DOTDOT;
	}
	return 0;
}

int ovl_redirect_parse(struct ovl_bytes v, struct ovl_redirect *ret)
{
	const unsigned char *nul;
	unsigned flaws = 0;
	size_t len = v.len;
	bool absolute;
	int r;

	if (len == 0)
		return -EINVAL;
	nul = memchr(v.data, '\0', len);
	if (nul) {
		len = (size_t)(nul - v.data);
		flaws |= OVL_REDIRECT_NUL;
	}

	absolute = len > 0 && v.data[0] == '/';
	if (absolute) {
		r = check_absolute(v.data, v.data + len, &flaws);
		if (r < 0)
			return r;
	} else if (len == 0) {
		/* A NUL first of all: the syntax check lets it pass, the lookup of "" fails. */
		flaws |= OVL_REDIRECT_DOTDOT;
	} else {
		if (memchr(v.data, '/', len))
			return -EINVAL;
		if (is_dots(v.data, len))
			flaws |= OVL_REDIRECT_DOTDOT;
	}

	ret->path = (struct ovl_bytes){ v.data, len };
	ret->absolute = absolute;
	ret->flaws = flaws;
	return 0;
}
