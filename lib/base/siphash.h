/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash: a keyed hash whose collisions cannot be made by somebody who does not know the key.
 *
 * After Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012) and its 128-bit variant.
 */
#ifndef OVL_BASE_SIPHASH_H
#define OVL_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct ovl_siphash_key {
	uint64_t k[2];
};

/**
 * ovl_siphash_128 - SipHash-2-4 with a result of 128 bits
 * @data: @len bytes; may be NULL if @len is 0
 * @ret: the result, its first 64 bits (little-endian in the byte form) in [0]
 */
void ovl_siphash_128(const struct ovl_siphash_key *key, const void *data, size_t len,
		     uint64_t ret[2]);

/** ovl_siphash_pair - SipHash-1-3 of two words, 64 bits: fast, for the slots of a hash table */
uint64_t ovl_siphash_pair(const struct ovl_siphash_key *key, uint64_t a, uint64_t b);

#endif
