/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a directory shows, seen from its own layer down, that is not in that layer: as copies to be made.
 */
#ifndef OVL_REPAIR_EXPAND_H
#define OVL_REPAIR_EXPAND_H

#include "base/map.h"
#include "repair/plan.h"

/** One object to be copied, or one more name for one. */
struct ovl_expand_copy {
	struct ovl_path *path; /* in the layer; counted */
	size_t parent;         /* 1 + number of the copy of its directory; 0: that is there */
	size_t first;          /* 1 + number of the copy that it is another name of; 0: none */
	uint64_t number;       /* in stage/ */
	struct ovl_loc source; /* path counted */
	uint64_t ino;          /* of the source */
	struct ovl_loc data; /* of a metacopy file, where its content is; path counted, NULL: none */
	uint64_t data_ino;
};

/** A zeroed struct is empty. */
struct ovl_expansion {
	int layer;                            /* that gets everything */
	OVL_VEC(struct ovl_expand_copy) copy; /* directories before what is in them */
	OVL_VEC(struct ovl_path *)
	relative;              /* its directories with a relative redirect; counted */
	struct ovl_map inode;  /* lower (dev, ino) of several names -> 1 + number in copy */
	struct ovl_map index;  /* lower (dev, ino) of all index entries -> number in the facts */
	struct ovl_map filled; /* inodes of its metacopy files that were completed */
};

/**
 * ovl_expand_walk - find out what is to be copied; metacopy files on the way are filled, in the way
 * What has an absolute redirect does not depend on the directory and stays as it is.
 * 1; 0 if it is not possible (see ovl_way_refuse()); negative errno.
 */
int ovl_expand_walk(struct ovl_fixer *fx, struct ovl_loc dir, struct ovl_expansion *ret);

/** ovl_expand_emit - the operations; 0 or negative errno */
int ovl_expand_emit(struct ovl_fixer *fx, const struct ovl_expansion *x);

void ovl_expand_done(struct ovl_expansion *x);

/**
 * ovl_expand_dir - all operations after which a merged directory needs nothing from below any more
 * @dir: of the upper or of a lower layer, which has it; with or without a redirect
 * What it shows from below is copied into it, metacopy files below it are completed, it is made opaque, and
 * the redirects go that lead from it or, being relative, from below it. Whether that is wanted, and nobody
 * needs what is lost by it, is the caller's to know: an index entry of the directory, for one.
 * 1; 0 if it is not possible (see ovl_way_refuse()); negative errno.
 */
int ovl_expand_dir(struct ovl_fixer *fx, struct ovl_loc dir);

#endif
