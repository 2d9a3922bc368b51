/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts: what the walk collects for the checks that compare objects with each other.
 *
 * Only what is interesting is kept: an origin, a redirect, an inode with several names. Plain files
 * leave nothing here. The walks of the upper and of each lower are separated by barriers, so facts of
 * the layers above are complete when a layer is walked.
 */
#ifndef OVL_CHECK_FACTS_H
#define OVL_CHECK_FACTS_H

#include <pthread.h>

#include "base/map.h"
#include "base/vec.h"
#include "stack/lookup.h"

/** An upper object whose origin is not the lower object at its own path, or shares it with another. */
struct ovl_fact_origin {
	struct ovl_key key;  /* of the lower inode: (dev, ino) */
	int layer;           /* topmost layer on its file system */
	struct ovl_stat lower; /* of the origin inode */
	struct ovl_path *path; /* in the upper; counted */
	uint64_t ino;          /* of the upper object */
	bool is_dir;
	bool metacopy;
};

/** A directory, or a metacopy file, that stands on a lower object of another name. */
struct ovl_fact_redirect {
	struct ovl_loc source; /* path counted */
	struct ovl_stat source_stat;
	struct ovl_loc target; /* path counted */
	struct ovl_stat target_stat;
	bool is_dir;
};

/** An upper inode with several names, or with an index entry. */
struct ovl_fact_link {
	uint64_t ino;
	uint64_t nlink;        /* st_nlink, 0 until it was stat'ed */
	uint64_t names;        /* found in the upper */
	struct ovl_path *path; /* one of them, the first in order; counted */
	bool metacopy;
	bool relative_redirect;
	size_t index; /* 1 + number of its index entry; 0: none */
};

/** A lower inode that an origin names, and the names found for it. */
struct ovl_fact_name {
	uint64_t ino;
	struct ovl_loc loc; /* path counted */
	struct ovl_stat stat;
};

/** An entry of the index. */
struct ovl_fact_index {
	char *name;
	struct ovl_stat stat;
	enum ovl_kind kind;
	bool has_handle;          /* the name is a valid handle */
	bool decoded;             /* and leads to a lower inode: */
	struct ovl_key lower;     /* (dev, ino) */
	struct ovl_stat lower_stat;
	enum ovl_kind lower_kind;
	int lower_layer;
};

struct ovl_facts {
	pthread_mutex_t lock; /* for the functions below; fields may be read after a barrier */

	struct ovl_map origin_first; /* lower (dev, ino) -> path of the first upper object with it */
	OVL_VEC(struct ovl_fact_origin) origin;    /* not at its own path */
	OVL_VEC(struct ovl_fact_origin) duplicate; /* every claim to an origin that has several */
	OVL_VEC(struct ovl_fact_redirect) redirect;
	struct ovl_map link_by_ino; /* upper ino -> number in link */
	OVL_VEC(struct ovl_fact_link) link;
	struct ovl_map wanted; /* lower ino -> 1: names of it are collected */
	OVL_VEC(struct ovl_fact_name) name; /* in no order until ovl_facts_sort() */
	OVL_VEC(struct ovl_fact_index) index;
};

int ovl_facts_init(struct ovl_facts *f);
void ovl_facts_done(struct ovl_facts *f);

/**
 * ovl_facts_add_origin - an upper non-directory has an origin
 * @claim: copied; its path is counted
 * @at_home: the origin is the lower object at the path of @claim: only checked for duplicates
 * 0 or -ENOMEM. Names of a hard-linked inode count once: pass the first name only.
 */
int ovl_facts_add_origin(struct ovl_facts *f, const struct ovl_fact_origin *claim, bool at_home);

int ovl_facts_add_redirect(struct ovl_facts *f, const struct ovl_fact_redirect *redirect);

/**
 * ovl_facts_add_link - a name of an upper inode that is worth counting
 * @path: NULL to register the inode only (an index entry)
 * Returns 1 if the inode was not known before, 0 if it was, -ENOMEM.
 */
int ovl_facts_add_link(struct ovl_facts *f, const struct ovl_fact_link *link);

/** ovl_facts_count_name - a plain upper name with this inode number was seen; 0 or -ENOMEM */
int ovl_facts_count_name(struct ovl_facts *f, uint64_t ino, struct ovl_path *parent,
			 const char *name, size_t len);

/** ovl_facts_want - collect the names of a lower inode; 0 or -ENOMEM */
int ovl_facts_want(struct ovl_facts *f, uint64_t ino);

/** ovl_facts_add_name - a name of a wanted lower inode; 0 or -ENOMEM */
int ovl_facts_add_name(struct ovl_facts *f, const struct ovl_fact_name *name);

/**
 * ovl_facts_sort - put the facts in order: origins by inode, redirects by target, names by inode
 *
 * Called at the barriers between walks; until facts are added again, the functions below work.
 */
void ovl_facts_sort(struct ovl_facts *f);

/**
 * ovl_facts_names - the names of a lower inode, after ovl_facts_sort()
 * Returns their number; @ret points at the first of them in @f.
 */
size_t ovl_facts_names(const struct ovl_facts *f, uint64_t dev, uint64_t ino,
		       const struct ovl_fact_name **ret);

/** ovl_facts_redirects_to - the redirects that lead to a place, after ovl_facts_sort(); as above */
size_t ovl_facts_redirects_to(const struct ovl_facts *f, struct ovl_loc target,
			      const struct ovl_fact_redirect **ret);

/** ovl_facts_has_link - is an upper inode known already? Takes the lock: for use during a walk. */
bool ovl_facts_has_link(struct ovl_facts *f, uint64_t ino);

/** ovl_facts_find_link - the record of an upper inode; NULL if it has none */
const struct ovl_fact_link *ovl_facts_find_link(const struct ovl_facts *f, uint64_t ino);

#endif
