/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The metacopy value. See metacopy.h.
 */
#include "format/metacopy.h"

#include "base/banned.h"

enum {
	METACOPY_VERSION = 0,
	METACOPY_HEADER_LEN = 4,
	/* where the fields stand */
	METACOPY_AT_VERSION = 0,
	METACOPY_AT_LEN = 1,
	METACOPY_AT_FLAGS = 2,
	METACOPY_AT_ALGO = 3,
};

/* How long the digest of an algorithm is; -1 for one that nobody knows. */
static int digest_len(uint8_t algo)
{
	switch (algo) {
	case OVL_METACOPY_ALGO_NONE:
		return 0;
	case OVL_METACOPY_ALGO_SHA256:
		return 32;
	case OVL_METACOPY_ALGO_SHA512:
		return 64;
	default:
		return -1;
	}
}

enum ovl_metacopy_state ovl_metacopy_parse(struct ovl_bytes v, struct ovl_metacopy *ret)
{
	const unsigned char *p = v.data;

	if (v.len == 0) {
		*ret = (struct ovl_metacopy){ .algo = OVL_METACOPY_ALGO_NONE };
		return OVL_METACOPY_GOOD;
	}
	if (v.len < METACOPY_HEADER_LEN)
		return OVL_METACOPY_TOO_SMALL;
	if (p[METACOPY_AT_VERSION] != METACOPY_VERSION || p[METACOPY_AT_LEN] != v.len ||
	    p[METACOPY_AT_FLAGS] != 0)
		return OVL_METACOPY_BAD;
	if (digest_len(p[METACOPY_AT_ALGO]) != (int)v.len - METACOPY_HEADER_LEN)
		return OVL_METACOPY_BAD;

	ret->algo = p[METACOPY_AT_ALGO];
	ret->digest.data = p + METACOPY_HEADER_LEN;
	ret->digest.len = v.len - METACOPY_HEADER_LEN;
	return OVL_METACOPY_GOOD;
}
