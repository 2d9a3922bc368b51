/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A map from a 128-bit key to a 64-bit value, one value a key.
 *
 * Open addressing with linear probing: 24 bytes an element divided by the load (between 3/8 and
 * 3/4). Keys are identities, such as (device, inode), or strong hashes of bytes (ovl_map_hash).
 * Not thread-safe; many threads may look up at once while nobody changes it.
 */
#ifndef OVL_BASE_MAP_H
#define OVL_BASE_MAP_H

#include "overlayfs/types.h"

struct ovl_key {
	uint64_t a, b;
};

struct ovl_map {
	struct ovl_map_slot *slot;
	size_t n;    /* elements */
	size_t size; /* slots, a power of two, or 0 */
};

/** ovl_map_done - free and empty; NULL is fine */
void ovl_map_done(struct ovl_map *m);

/** ovl_map_get - the value of @key, NULL if it is not there; valid until the map changes */
uint64_t *ovl_map_get(const struct ovl_map *m, struct ovl_key key);

/**
 * ovl_map_put - the value of @key, made with @initial if it is not there
 * @ret_value: written on success only; may be changed through; valid until the map changes
 *
 * Returns 1 if the key is new, 0 if it was there, -ENOMEM.
 */
int ovl_map_put(struct ovl_map *m, struct ovl_key key, uint64_t initial, uint64_t **ret_value);

/** ovl_map_next - walk: @pos starts at 0; returns false at the end. No order. */
bool ovl_map_next(const struct ovl_map *m, size_t *pos, struct ovl_key *ret_key,
		  uint64_t *ret_value);

/** ovl_map_hash - a 128-bit hash of bytes, good enough to stand for them among hostile input
 *
 * Seeded per process (getrandom), since the layers are written by others.
 */
struct ovl_key ovl_map_hash(const void *data, size_t len);

#endif
