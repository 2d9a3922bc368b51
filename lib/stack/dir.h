/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory of a layer, named by its path, opened when needed.
 *
 * Thousands may be alive in a deep or wide walk, so the open descriptor is a cache: it is closed
 * when too many are open and made again from the path. Nothing is resolved through symlinks or out of
 * the layer, however often that happens.
 */
#ifndef OVL_STACK_DIR_H
#define OVL_STACK_DIR_H

#include "base/path.h"
#include "stack/stack.h"

struct ovl_dir {
	struct ovl_stack *stack;
	int layer;
	unsigned refs;
	struct ovl_path *path; /* NULL: the root of the layer */
	int fd;                /* -1 while closed */
	unsigned pins;
	struct ovl_dir *newer, *older; /* in the cache: open and not pinned */
};

/**
 * ovl_dir_new - a directory of a layer, not opened yet
 * @path: a reference is taken
 * NULL when out of memory.
 */
struct ovl_dir *ovl_dir_new(struct ovl_stack *stack, int layer, struct ovl_path *path);

/**
 * ovl_dir_child - a directory below @parent
 *
 * Deep down it is opened at once, relative to its parent, so that a walk down a deep tree stays
 * linear. Returns 0, -ENOMEM or what opening gave.
 */
int ovl_dir_child(struct ovl_dir *parent, struct ovl_path *path, struct ovl_dir **ret);

struct ovl_dir *ovl_dir_ref(struct ovl_dir *d);
struct ovl_dir *ovl_dir_unref(struct ovl_dir *d); /* returns NULL; NULL is fine */

/**
 * ovl_dir_pin - the descriptor, kept open until ovl_dir_unpin()
 * Returns 0 and @ret_fd, or why it could not be opened again.
 */
int ovl_dir_pin(struct ovl_dir *d, int *ret_fd);
void ovl_dir_unpin(struct ovl_dir *d);

/** Unpins at the end of the scope; initialise with NULL. */
static inline void ovl_dir_unpinp(struct ovl_dir **d)
{
	if (*d)
		ovl_dir_unpin(*d);
}

static inline void ovl_dir_unrefp(struct ovl_dir **d)
{
	ovl_dir_unref(*d);
}

/** ovl_dir_cache_init/done - the cache of a stack; raises RLIMIT_NOFILE as far as allowed */
int ovl_dir_cache_init(struct ovl_dir_cache *cache);
void ovl_dir_cache_done(struct ovl_dir_cache *cache);

#endif
