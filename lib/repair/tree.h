/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that a directory shows from below, copied whole into a directory in stage/: names, directories
 * and what is in them, as the overlay merges them, by several threads at once.
 */
#ifndef OVL_REPAIR_TREE_H
#define OVL_REPAIR_TREE_H

#include "check/facts.h"
#include "repair/manifest.h"
#include "repair/trees.h"

/** What the trees of one way share: which files are the same one. Counted. */
struct ovl_tree_links;

/**
 * ovl_tree_links_new - for the trees of one way; NULL when out of memory
 * @facts: where a lower file is shown from the index, that is what is copied; NULL: it never is. They
 *         are to live as long as trees are made.
 */
struct ovl_tree_links *ovl_tree_links_new(const struct ovl_facts *facts);
struct ovl_tree_links *ovl_tree_links_ref(struct ovl_tree_links *links);
struct ovl_tree_links *ovl_tree_links_unref(struct ovl_tree_links *links); /* NULL; NULL is fine */

/**
 * ovl_tree_make - make the tree of a SPREAD, and the list of what is in it
 * @op: its @at is where; @source the directory, seen from its layer down; @links
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
