/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that a directory shows from below, copied whole into a directory in stage/: names, directories
 * and what is in them, as the overlay merges them, by several threads at once.
 */
#ifndef OVL_REPAIR_TREE_H
#define OVL_REPAIR_TREE_H

#include "check/facts.h"
#include "repair/manifest.h"
#include "repair/op_record.h"
#include "repair/trees.h"

/**
 * What the trees that one layer gets in a run share: which files are the same one. Of files of several
 * names only. Counted.
 */
struct ovl_tree_links;

/** ovl_tree_links_new - none is known yet; NULL when out of memory */
struct ovl_tree_links *ovl_tree_links_new(void);

/**
 * ovl_tree_links_see - where a lower file is shown from the index, that is what is copied
 * @facts: that say so; NULL: from now on it never is. They are to live until then.
 */
int ovl_tree_links_see(struct ovl_tree_links *links, const struct ovl_facts *facts);

/**
 * ovl_tree_links_know - an earlier run has copied a file
 * @path: the copy, in the layer; @ino: its inode
 */
int ovl_tree_links_know(struct ovl_tree_links *links, struct ovl_key inode,
			const struct ovl_path *path, uint64_t ino);

/**
 * ovl_tree_links_of - those of a layer, made if need be; counted
 * @trees: layer -> its links; NULL: new ones, of nobody else
 */
int ovl_tree_links_of(struct ovl_map *trees, int layer, struct ovl_tree_links **ret);

/** ovl_tree_links_take - what was copied since the last call; each is to be ovl_copied_done() */
ovl_copied_vec ovl_tree_links_take(struct ovl_tree_links *links);

struct ovl_tree_links *ovl_tree_links_ref(struct ovl_tree_links *links);
struct ovl_tree_links *ovl_tree_links_unref(struct ovl_tree_links *links); /* NULL; NULL is fine */

/**
 * ovl_tree_make - make the tree of a SPREAD, and the list of what is in it
 * @op: its @at is where; @source the directory, seen from its layer down: there it goes in the end; @links
 * What that layer has itself is left out. Its list, inodes and cost are written on 0. What hindered it is told in
 * @trees->why, if there is more to say than the errno.
 * 0; -ESTALE, -ECANCELED, or why not: what was made is left to ovl_stage_remove().
 */
int ovl_tree_make(struct ovl_trees *trees, struct ovl_op *op);

/**
 * ovl_tree_count - what it would take: inodes and cost of @op are written
 * As ovl_tree_make() it walks through everything, but makes nothing. 0, or why not.
 */
int ovl_tree_count(struct ovl_stack *stack, struct ovl_op *op);

/** One of the objects of such a list. */
struct ovl_tree_item {
	uint64_t ino;
	uint32_t mode;
	struct ovl_manifest manifest; /* of it and all below it */
	const char *name;             /* in the list, with a NUL */
	size_t len;
};

/** ovl_tree_next - the items of a list, one after the other: 1, 0 at the end, -EINVAL */
int ovl_tree_next(struct ovl_bytes *list, struct ovl_tree_item *ret);

#endif
