/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The small xattr values. See value.h.
 */
#include "format/value.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/banned.h"

enum {
	/* What the kernel's buffers take; a longer value cannot be read at all. */
	NLINK_MAX = 12,
	PROTATTR_MAX = 32,

	PROTATTR_IMMUTABLE = 1 << 0,
	PROTATTR_APPEND = 1 << 1,
};

int ovl_value_opaque(struct ovl_bytes v, enum ovl_opaque *ret)
{
	*ret = OVL_OPAQUE_NO;
	if (v.len != 1)
		return -EINVAL;
	if (v.data[0] == 'y')
		*ret = OVL_OPAQUE_YES;
	else if (v.data[0] == 'x')
		*ret = OVL_OPAQUE_XWHITE;
	else
		return -EINVAL;
	return 0;
}

bool ovl_value_is_y(struct ovl_bytes v)
{
	return v.len == 1 && v.data[0] == 'y';
}

int ovl_value_nlink(struct ovl_bytes v, enum ovl_nlink_base *ret_base, int *ret_diff)
{
	const unsigned char *p = v.data, *end, *nul;
	long long n = 0, diff;

	if (v.len < 3 || v.len > NLINK_MAX)
		return -EINVAL;
	/* To the kernel it is a string, and its number parser forgives one newline at the end. */
	nul = memchr(p, '\0', v.len);
	end = nul ? nul : p + v.len;
	if (end > p && end[-1] == '\n')
		end--;

	if (end - p < 3 || (p[0] != 'U' && p[0] != 'L') || (p[1] != '+' && p[1] != '-'))
		return -EINVAL;
	for (p += 2; p < end; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
		n = n * 10 + (*p - '0'); /* at most ten digits */
	}
	diff = v.data[1] == '-' ? -n : n;
	if (diff < INT_MIN || diff > INT_MAX)
		return -EINVAL;

	*ret_base = v.data[0] == 'L' ? OVL_NLINK_LOWER : OVL_NLINK_UPPER;
	*ret_diff = (int)diff;
	return 0;
}

int ovl_value_protattr(struct ovl_bytes v, unsigned *ret_flags)
{
	unsigned flags = 0;
	size_t i;

	if (v.len == 0 || v.len > PROTATTR_MAX)
		return -EINVAL;
	for (i = 0; i < v.len; i++) {
		if (v.data[i] == 'i')
			flags |= PROTATTR_IMMUTABLE;
		else if (v.data[i] == 'a')
			flags |= PROTATTR_APPEND;
		else
			return -EINVAL;
	}
	*ret_flags = flags;
	return 0;
}
