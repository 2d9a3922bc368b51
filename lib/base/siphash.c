/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash. See siphash.h.
 */
#include "base/siphash.h"

#include <string.h>

#include "base/banned.h"

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void start(struct state *s, const struct ovl_siphash_key *key)
{
	/* "somepseudorandomlygeneratedbytes" */
	s->v0 = key->k[0] ^ UINT64_C(0x736f6d6570736575);
	s->v1 = key->k[1] ^ UINT64_C(0x646f72616e646f6d);
	s->v2 = key->k[0] ^ UINT64_C(0x6c7967656e657261);
	s->v3 = key->k[1] ^ UINT64_C(0x7465646279746573);
}

static void rounds(struct state *s, unsigned n)
{
	while (n-- > 0) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 = rotate(s->v2, 32);
	}
}

static void absorb(struct state *s, uint64_t word, unsigned n)
{
	s->v3 ^= word;
	rounds(s, n);
	s->v0 ^= word;
}

static uint64_t fold(const struct state *s)
{
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* Up to 8 bytes as a little-endian word, on any machine. */
static uint64_t load(const unsigned char *p, size_t len)
{
	uint64_t word = 0;

	while (len-- > 0)
		word = word << 8 | p[len];
	return word;
}

void ovl_siphash_128(const struct ovl_siphash_key *key, const void *data, size_t len,
		     uint64_t ret[2])
{
	const unsigned char *p = data;
	size_t left = len;
	struct state s;

	start(&s, key);
	s.v1 ^= 0xee;
	for (; left >= 8; left -= 8, p += 8)
		absorb(&s, load(p, 8), 2);
	/* The last word ends with the length, so that trailing zeros count. */
	absorb(&s, load(p, left) | (uint64_t)(len & 0xff) << 56, 2);

	s.v2 ^= 0xee;
	rounds(&s, 4);
	ret[0] = fold(&s);
	s.v1 ^= 0xdd;
	rounds(&s, 4);
	ret[1] = fold(&s);
}

uint64_t ovl_siphash_pair(const struct ovl_siphash_key *key, uint64_t a, uint64_t b)
{
	struct state s;

	start(&s, key);
	absorb(&s, a, 1);
	absorb(&s, b, 1);
	absorb(&s, (uint64_t)16 << 56, 1);
	s.v2 ^= 0xff;
	rounds(&s, 3);
	return fold(&s);
}
