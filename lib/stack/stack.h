/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a stack, for the rooms that look at layers.
 */
#ifndef OVL_STACK_STACK_H
#define OVL_STACK_STACK_H

#include <pthread.h>

#include "base/map.h"
#include "io/reader.h"
#include "io/root.h"
#include "overlayfs/option.h"
#include "overlayfs/stack.h"
#include "stack/unread.h"

enum {
	OVL_MAX_LAYERS = 500,
	/* What a quick check looks at in the index, and in the work directory; what it reads of one. */
	OVL_QUICK_ENTRIES = 256,
	OVL_QUICK_ROOM = 32 * 1024,
};

struct ovl_dir;
struct ovl_entry;

struct ovl_layer {
	enum ovl_role role;
	int number;      /* as OVL_LAYER_UPPER and above count; or OVL_LAYER_WORK, _INDEX */
	const char *dir; /* as given; borrowed from the configuration */
	struct ovl_root root;
	bool bad_uuid; /* another lower file system has the same uuid: no handle is decoded here */
};

/** Keeps the number of open directories bounded, see dir.h. */
struct ovl_dir_cache {
	pthread_mutex_t lock;
	struct ovl_dir *newest, *oldest; /* open and not pinned */
	size_t n_open;
	size_t budget;
};

struct ovl_stack {
	const struct ovl_config *given;
	struct ovl_config config; /* resolved; its paths are borrowed from @given */
	bool was_userxattr;       /* config had userxattr at some time, and may have it no more */
	struct ovl_reader *reader;

	/*
	 * layer[0] is the upper (its root is closed if there is none: see has_upper), then come the
	 * lowers from the top, then the data-only layers.
	 */
	struct ovl_layer *layer;
	size_t n_layer; /* the slot of the upper included */
	bool has_upper;
	unsigned n_lower;
	unsigned n_data;

	struct ovl_layer work;  /* root.fd < 0 without upper */
	struct ovl_layer index; /* root.fd < 0 if there is no index directory */
	int index_errno;        /* why not: -ENOENT, -ENOTDIR, ... */
	char *index_dir;

	struct ovl_dir **root_dir;     /* of each layer slot that is open */
	struct ovl_entry **root_entry; /* of each part of the stack, made when first asked for */

	bool one_fs; /* all layers are on one file system: uuid=off is possible with that only */

	struct ovl_map traps; /* (dev, ino) of every layer root, work base, work and index */
	struct ovl_dir_cache cache;
	bool marked; /* our own marker is in the work directory: we are repairing */
	struct ovl_unread_list unread; /* what lookups could not read; a check begins with none */
};

/** ovl_stack_layer - the layer with a number, OVL_LAYER_WORK and OVL_LAYER_INDEX included */
const struct ovl_layer *ovl_stack_layer(const struct ovl_stack *stack, int number);

/** ovl_stack_look_for_index - open the index again: a repair may have moved it; 0, or why not */
int ovl_stack_look_for_index(struct ovl_stack *stack, struct ovl_error *e);

/** ovl_stack_follow - are redirects followed? Kernel: ovl_redirect_follow() */
static inline bool ovl_stack_follow(const struct ovl_stack *stack)
{
	return stack->config.redirect_dir == OVL_REDIRECT_ON ||
	       stack->config.redirect_dir == OVL_REDIRECT_FOLLOW;
}

/**
 * ovl_resolve_options - fill in what was not given, from the traces on disk
 *
 * index: on if there is an index directory; nfs_export: on if it holds directory or whiteout
 * entries; userxattr: if the upper root carries overlay xattrs of the user prefix only; redirect_dir:
 * on, unless userxattr forbids it; metacopy: on, unless that, nfs_export or redirect_dir do.
 */
int ovl_resolve_options(struct ovl_stack *stack, struct ovl_error *e);

#endif
