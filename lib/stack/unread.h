/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lookups could not read. Whoever asked goes on without an answer, and may well find nothing
 * wrong; so every such place is remembered here, for somebody to tell of it in the end.
 */
#ifndef OVL_STACK_UNREAD_H
#define OVL_STACK_UNREAD_H

#include <pthread.h>

#include "base/map.h"
#include "base/path.h"
#include "base/vec.h"

/** A place in a layer, and why it could not be read. */
struct ovl_unread {
	struct ovl_loc loc; /* path counted */
	int err;            /* negative errno; -ENOENT: it was there a moment before */
};

struct ovl_unread_list {
	pthread_mutex_t lock;
	OVL_VEC(struct ovl_unread) item;
	struct ovl_map seen; /* hash of a place: each is kept once, however often it is asked for */
};

int ovl_unread_init(struct ovl_unread_list *list);
void ovl_unread_done(struct ovl_unread_list *list);

/** ovl_unread_clear - forget all; nobody else may be at it */
void ovl_unread_clear(struct ovl_unread_list *list);

/**
 * ovl_unread_note - remember a place; its path is counted
 * Any thread may call it. 0 or -ENOMEM.
 */
int ovl_unread_note(struct ovl_unread_list *list, struct ovl_loc loc, int err);

/**
 * ovl_unread_key - a key that stands for a place in maps, by the names of its path
 * 0 or -ENOMEM.
 */
int ovl_unread_key(struct ovl_loc loc, struct ovl_key *ret);

#endif
