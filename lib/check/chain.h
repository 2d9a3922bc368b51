/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chain of a metacopy file: the objects below it, one a layer, down to the one with the data.
 */
#ifndef OVL_CHECK_CHAIN_H
#define OVL_CHECK_CHAIN_H

#include "base/vec.h"
#include "check/view.h"

/** What lookup met in one layer below the metacopy file. */
struct ovl_link {
	struct ovl_loc loc; /* path counted */
	struct ovl_stat stat;
	enum ovl_kind kind;
	bool used;     /* a part of the chain; else it is in the way: a directory, a whiteout */
	bool metacopy; /* has no data itself, the chain goes on */
	bool has_digest;
	unsigned char digest[64];
	unsigned digest_len;
};

struct ovl_chain {
	OVL_VEC(struct ovl_link)
	link;               /* top to bottom; layers where nothing was met are left out */
	struct ovl_hit hit; /* the lookup itself, from the metacopy file down */
};

/**
 * ovl_chain_of - look a metacopy file up and keep what was met on the way
 * @ret: borrowed, as long as the object is looked at; its checks share it
 * Returns 0, -ENOENT if it cannot be judged by lookup, -ENOMEM.
 */
int ovl_chain_of(const struct ovl_view *v, const struct ovl_chain **ret);

/** ovl_chain_free - NULL is fine */
void ovl_chain_free(struct ovl_chain *chain);

/** ovl_chain_next - the first link that is used; NULL: there is none */
const struct ovl_link *ovl_chain_next(const struct ovl_chain *chain);

/** ovl_chain_obstacle - the last thing met, if it ended the chain without being of use; NULL: none */
const struct ovl_link *ovl_chain_obstacle(const struct ovl_chain *chain);

#endif
