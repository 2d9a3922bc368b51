/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the making of a tree carries along, between tree.c, which goes from directory to directory,
 * tree_dir.c, which begins and ends them, and tree_links.c, which knows files of several names.
 */
#ifndef OVL_REPAIR_TREE_STATE_H
#define OVL_REPAIR_TREE_STATE_H

#include <pthread.h>

#include "base/pool.h"
#include "repair/copy.h"
#include "repair/tree.h"
#include "stack/lookup.h"

struct ovl_tree;

/** A directory that is made; it ends when its names are read and all that is in it is done. */
struct ovl_tree_dir {
	struct ovl_tree *tree;
	struct ovl_tree_dir *parent; /* counted; NULL: the top, which is no copy of anything */
	unsigned refs;               /* itself, while it is at work, and what is in it */
	struct ovl_entry *entry;     /* what is merged in it; counted */
	struct ovl_loc source;       /* what it is a copy of; path counted */
	uint64_t source_ino;
	struct ovl_path *path; /* in the tree; NULL: the top; counted */
	size_t depth;
	int fd; /* -1: too many are open */
	unsigned pins;
	uint64_t key;              /* see ovl_manifest_key() */
	struct ovl_manifest *item; /* of the directory in the top that it is in; owned by that one */
};

/** One more name of a file that another thread is just making. */
struct ovl_tree_later {
	struct ovl_tree_dir *dir; /* counted */
	char *name;
	size_t place; /* number in the links */
};

struct ovl_tree_trunk;

struct ovl_tree {
	struct ovl_trees *trees;
	struct ovl_stack *stack;
	struct ovl_tree_links *links;
	int layer;                    /* that gets it */
	struct ovl_tree_trunk *trunk; /* counted */
	int top;                      /* the directory */
	pthread_mutex_t lock;         /* of what follows */
	struct ovl_buf list;
	OVL_VEC(struct ovl_tree_later) later;
	unsigned open, budget; /* descriptors of directories: there are, and may be */
	bool failed;
	bool counts;            /* nothing is made */
	uint64_t inodes, bytes; /* that were made, or would be */
};

/* tree_dir.c */

/** ovl_tree_budget - how many directories of a tree may be open */
unsigned ovl_tree_budget(void);

/** ovl_tree_dir_new - below @parent, or the top; takes a reference to @entry; NULL: no memory */
struct ovl_tree_dir *ovl_tree_dir_new(struct ovl_tree *tree, struct ovl_tree_dir *parent,
				      struct ovl_entry *entry, const char *name);
struct ovl_tree_dir *ovl_tree_dir_ref(struct ovl_tree_dir *dir);
/** ovl_tree_dir_end - one reference less; with the last one it gets all that its source has, and so on up */
int ovl_tree_dir_end(struct ovl_tree_dir *dir);
/** ovl_tree_dir_pin - its descriptor, which stays open until ovl_tree_dir_unpin() */
int ovl_tree_dir_pin(struct ovl_tree_dir *dir, int *ret_fd);
void ovl_tree_dir_unpin(struct ovl_tree_dir *dir);
/** ovl_tree_dir_give - it is open already; taken */
void ovl_tree_dir_give(struct ovl_tree_dir *dir, int fd);
/** ovl_tree_source - the directory of a layer that holds an object found in an entry; pinned */
int ovl_tree_source(struct ovl_stack *stack, struct ovl_entry *entry, struct ovl_loc loc,
		    struct ovl_dir **ret, int *ret_fd);
/** ovl_tree_add - note that an object is made: in the list, or in the sum of the item it is in */
int ovl_tree_add(struct ovl_tree_dir *dir, const char *name, const struct ovl_stat *st);

/* tree_file.c */

/** ovl_tree_take_file - copy what is shown under a name into @to, the open directory; or link, or count it */
int ovl_tree_take_file(struct ovl_tree_dir *dir, int to, const char *name,
		       const struct ovl_hit *hit);
/** ovl_tree_note - an object is made, or would be; @content: of its data, NULL: none */
void ovl_tree_note(struct ovl_tree *tree, const struct ovl_stat *content);
/** ovl_tree_tell - say what stands in the way at a name; hands @r on */
int ovl_tree_tell(struct ovl_tree *tree, struct ovl_tree_dir *dir, const char *name,
		  const char *why, int r);

/* tree_links.c */

/** ovl_tree_trunk_new - where a tree is: @stage in stage/ for now, @dir of its layer in the end; NULL: no memory */
struct ovl_tree_trunk *ovl_tree_trunk_new(const char *stage, const char *dir);
struct ovl_tree_trunk *ovl_tree_trunk_unref(struct ovl_tree_trunk *trunk); /* NULL; NULL is fine */

/**
 * ovl_tree_link - a file with several names is met
 * @ret_place: number of the place; to be told to ovl_tree_linked() once the file is made
 * 1: it is new, make it; 0: it was linked here, or will be when another thread has made it; or why not.
 */
int ovl_tree_link(struct ovl_tree_dir *dir, const char *name, struct ovl_key inode,
		  size_t *ret_place);
/** ovl_tree_linked - it is made, as inode @ino; @from: of what */
int ovl_tree_linked(struct ovl_tree_dir *dir, const char *name, size_t place, uint64_t ino,
		    const struct ovl_found *from);
/** ovl_tree_link_to - give what this tree has made at a place one more name */
int ovl_tree_link_to(struct ovl_tree_dir *dir, const char *name, size_t place);

/** ovl_tree_indexed - the index entry that a lower file is shown from; NULL: none */
const char *ovl_tree_indexed(const struct ovl_tree_links *links, struct ovl_key inode);

#endif
