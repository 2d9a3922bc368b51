/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A map from a 128-bit key to a 64-bit value. See map.h.
 *
 * An empty slot is one whose key is zero in both words. The key zero itself therefore cannot live
 * among the others: it has the slot behind the last one, where the key (0, 1) says "present".
 */
#include "base/map.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/siphash.h"

#include "base/banned.h"

enum { FIRST_SIZE = 16 };

struct ovl_map_slot {
	struct ovl_key key;
	uint64_t value;
};

/* The one global of the library: a secret made once, never changed after. */
static struct ovl_siphash_key seed;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
	const void *random;
	struct timespec now;

	/* Early in the boot the kernel's pool may not be ready; do not wait for it. */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed))
		return;
	/* The kernel gives each new process 16 random bytes. */
	random = (const void *)(uintptr_t)getauxval(AT_RANDOM);
	if (random)
		memcpy(&seed, random, sizeof(seed));
	if (clock_gettime(CLOCK_MONOTONIC, &now) == 0)
		seed.k[0] ^= (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec;
	seed.k[1] ^= (uint64_t)getpid();
}

static const struct ovl_siphash_key *get_seed(void)
{
	pthread_once(&seed_once, make_seed);
	return &seed;
}

static bool is_zero(struct ovl_key key)
{
	return key.a == 0 && key.b == 0;
}

/* The slot of @key, or the empty one where it would go. There always is an empty one. */
static struct ovl_map_slot *find(struct ovl_map_slot *slot, size_t size, struct ovl_key key)
{
	size_t i;

	if (is_zero(key))
		return &slot[size];
	i = (size_t)ovl_siphash_pair(get_seed(), key.a, key.b) & (size - 1);
	while (!is_zero(slot[i].key) && (slot[i].key.a != key.a || slot[i].key.b != key.b))
		i = (i + 1) & (size - 1);
	return &slot[i];
}

static int grow(struct ovl_map *m)
{
	struct ovl_map_slot *slot;
	size_t size, slots, i;

	size = m->size ? m->size : FIRST_SIZE / 2;
	if (__builtin_mul_overflow(size, (size_t)2, &size) ||
	    __builtin_add_overflow(size, (size_t)1, &slots))
		return -ENOMEM;
	slot = calloc(slots, sizeof(*slot));
	if (!slot)
		return -ENOMEM;

	for (i = 0; i < m->size; i++)
		if (!is_zero(m->slot[i].key))
			*find(slot, size, m->slot[i].key) = m->slot[i];
	if (m->size)
		slot[size] = m->slot[m->size];

	free(m->slot);
	m->slot = slot;
	m->size = size;
	return 0;
}

void ovl_map_done(struct ovl_map *m)
{
	if (!m)
		return;
	free(m->slot);
	*m = (struct ovl_map){ 0 };
}

uint64_t *ovl_map_get(const struct ovl_map *m, struct ovl_key key)
{
	struct ovl_map_slot *s;

	if (m->n == 0)
		return NULL;
	s = find(m->slot, m->size, key);
	return is_zero(s->key) ? NULL : &s->value;
}

int ovl_map_put(struct ovl_map *m, struct ovl_key key, uint64_t initial, uint64_t **ret_value)
{
	struct ovl_map_slot *s;
	int r;

	if (m->size > 0) {
		s = find(m->slot, m->size, key);
		if (!is_zero(s->key)) {
			*ret_value = &s->value;
			return 0;
		}
	}
	if (m->n >= m->size / 4 * 3) {
		r = grow(m);
		if (r < 0)
			return r;
	}
	s = find(m->slot, m->size, key);
	s->key = is_zero(key) ? (struct ovl_key){ 0, 1 } : key;
	s->value = initial;
	m->n++;
	*ret_value = &s->value;
	return 1;
}

bool ovl_map_next(const struct ovl_map *m, size_t *pos, struct ovl_key *ret_key,
		  uint64_t *ret_value)
{
	const struct ovl_map_slot *s;

	if (m->size == 0)
		return false;
	while (*pos <= m->size) {
		s = &m->slot[(*pos)++];
		if (is_zero(s->key))
			continue;
		*ret_key = s == &m->slot[m->size] ? (struct ovl_key){ 0, 0 } : s->key;
		*ret_value = s->value;
		return true;
	}
	return false;
}

struct ovl_key ovl_map_hash(const void *data, size_t len)
{
	uint64_t h[2];

	ovl_siphash_128(get_seed(), data, len, h);
	return (struct ovl_key){ h[0], h[1] };
}
