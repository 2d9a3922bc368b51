/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an inspection found in each layer, kept until the caller has seen it.
 */
#ifndef OVL_CHECK_INSPECT_ITEM_H
#define OVL_CHECK_INSPECT_ITEM_H

#include "base/buf.h"
#include "base/vec.h"
#include "overlayfs/inspect.h"
#include "stack/lookup.h"

/** One place in one layer. */
struct ovl_inspect_item {
	struct ovl_loc loc; /* path counted */
	bool present;
	struct ovl_obs obs; /* points into @bytes */
	unsigned char *bytes;
	unsigned part;
	char *why;                               /* owned; NULL: nothing to say */
	OVL_VEC(struct ovl_inspect_xattr) xattr; /* strings owned */

	bool asked; /* the lookup looked here */
	bool used;  /* and took it */
	bool stop;  /* and asked no layer below */
};

struct ovl_inspect_memory {
	OVL_VEC(struct ovl_inspect_item) item; /* in the order in which they are shown */
	struct ovl_inspect_layer *layer;       /* the same for the caller, made at the end */
	char *result_why;
};

/**
 * ovl_inspect_item_add - add a place at the end
 * @path: a reference is taken
 * @obs: copied; NULL: nothing is there
 * @ret: valid until the next one is added
 * 0 or -ENOMEM.
 */
int ovl_inspect_item_add(struct ovl_inspect_memory *m, int layer, const struct ovl_path *path,
			 const struct ovl_obs *obs, struct ovl_inspect_item **ret);

/** ovl_inspect_item_drop_last - take the last place out again */
void ovl_inspect_item_drop_last(struct ovl_inspect_memory *m);

/** ovl_inspect_item_clear - take all places out */
void ovl_inspect_item_clear(struct ovl_inspect_memory *m);

/** ovl_inspect_item_find - the place of an object that is there; NULL: none */
struct ovl_inspect_item *ovl_inspect_item_find(struct ovl_inspect_memory *m, int layer,
					       const struct ovl_path *path);

/** ovl_inspect_item_say - set @why, unless something was said already; 0 or -ENOMEM */
int ovl_inspect_item_say(struct ovl_inspect_item *item, const char *fmt, ...)
	__attribute__((format(__printf__, 2, 3)));

/**
 * ovl_inspect_xattr_decode - put the xattrs of overlayfs of all places into words
 * A handle is followed; if the inode is that of another place, that is named. 0 or -ENOMEM.
 */
int ovl_inspect_xattr_decode(struct ovl_stack *stack, struct ovl_inspect_memory *m);

#endif
