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
#include "stack/origin.h"
#include "stack/users.h"

/**
 * An upper object whose origin is not where it should be, or shares it with another.
 *
 * A file should come from the lower file at its own path, a merged directory from the directory
 * below it.
 */
struct ovl_fact_origin {
	struct ovl_key key;    /* of the lower inode: (dev, ino) */
	int layer;             /* topmost layer on its file system */
	struct ovl_stat lower; /* of the origin inode */
	struct ovl_path *path; /* in the upper; counted; of several names the first in order */
	uint64_t ino;          /* of the upper object; of a duplicate 0: unknown */
	bool is_dir;
	bool metacopy;   /* (not known of a duplicate) */
	bool redirected; /* a directory with a redirect of its own */
	bool numbered; /* a file whose inode number in the overlay is that of its origin, for sure */
	bool at_home;  /* of a duplicate: the origin is where it should be */
};

typedef OVL_VEC(struct ovl_fact_origin) ovl_fact_origin_vec;

/** A directory, or a metacopy file, that stands on a lower object of another name. */
struct ovl_fact_redirect {
	struct ovl_loc source; /* path counted */
	struct ovl_stat source_stat;
	struct ovl_loc target; /* path counted */
	struct ovl_stat target_stat;
	bool is_dir;
	bool has_origin;
};

/** A merged directory of the upper that has lost its origin. */
struct ovl_fact_bare {
	struct ovl_path *path; /* counted */
	uint64_t ino;
	struct ovl_loc lower; /* the topmost that it is merged with; path counted */
	struct ovl_stat lower_stat;
};

/** An upper directory without impure mark that may need one. */
struct ovl_fact_unmarked {
	struct ovl_path *path; /* counted; NULL: the root */
	unsigned n_origin;     /* entries that need it */
	unsigned n_merged;     /* merged directories that nobody has looked at yet */
};

/** An upper inode with several names, or with an index entry. */
struct ovl_fact_link {
	uint64_t ino;
	uint64_t nlink;        /* st_nlink, 0 until it was stat'ed */
	uint64_t names;        /* found in the upper */
	struct ovl_path *path; /* one of them, the first in order; counted */
	bool metacopy;
	bool relative_redirect;
	bool at_home;     /* its origin is the lower object at one of the names */
	bool marked;      /* it carries xattrs of overlayfs, so none of its names is passed over */
	uint32_t entries; /* names in the index; temporary ones are not counted */
	size_t index;     /* 1 + number of its index entry; 0: none */

	/* Of a metacopy file with a relative redirect, which every name of it reads in its own way: */
	uint64_t n_lost;       /* names under which there is no data */
	struct ovl_path *lost; /* the first of them in order; counted */
	struct ovl_key head;   /* the lower inode under one of the other names */
	bool heads_differ;     /* and not the same one under all */
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
	enum ovl_origin_state state; /* of the handle that the name is; OVL_ORIGIN_MALFORMED also if
				      * lookup would write that handle in another way */
	int err;                     /* OVL_ORIGIN_UNKNOWN: negative errno */
	bool same_bytes; /* FOUND: the file system would encode the inode in the same way */
	enum ovl_kind lower_kind; /* FOUND; so are all below */
	int lower_layer;
	struct ovl_key lower; /* (dev, ino) */
	uint64_t lower_nlink;
};

/** The directory of a layer that lies in that of another one, or is the same. */
struct ovl_fact_inside {
	int inner, outer; /* numbers of layers, or OVL_LAYER_WORK */
	bool same;        /* one directory, given twice; @outer was given first */
};

struct ovl_facts {
	pthread_mutex_t lock; /* for the functions below; fields may be read after a barrier */

	/* Found before anything else, then left alone. */
	struct ovl_users users; /* of the layers */
	OVL_VEC(struct ovl_fact_inside) inside;

	/* Lower (dev, ino) -> path of the first upper file with it, | OVL_FACTS_AT_HOME. */
	struct ovl_map origin_first;
	ovl_fact_origin_vec origin;    /* not at home */
	ovl_fact_origin_vec duplicate; /* every claim to an origin that has several */
	ovl_fact_origin_vec linked;    /* claims of files whose names are not all known yet */
	OVL_VEC(struct ovl_fact_bare) bare;
	OVL_VEC(struct ovl_fact_unmarked) unmarked;
	OVL_VEC(struct ovl_fact_redirect) redirect; /* in order, and read while a layer is walked */
	OVL_VEC(struct ovl_fact_redirect)
	redirect_new;               /* of the layer under walk; ovl_facts_sort() */
	struct ovl_map link_by_ino; /* upper ino -> number in link */
	OVL_VEC(struct ovl_fact_link) link;
	struct ovl_map wanted; /* lower ino -> 1: names of it are collected */
	bool missed_names;     /* a part of a lower could not be read: there may be more names */
	uint64_t n_home;       /* upper objects whose origin is where it should be */
	uint64_t n_stale;      /* upper objects whose origin leads to no inode */
	uint64_t n_undecoded;  /* upper objects of which that could not be found out */
	int undecoded;         /* and why: negative errno */
	OVL_VEC(struct ovl_fact_name) name; /* in no order until ovl_facts_sort() */
	OVL_VEC(struct ovl_fact_index) index;
	struct ovl_map index_lower; /* lower (dev, ino) of a file in the index -> 1 + its number */

	/* Known before the walks. */
	bool index_judged; /* the index is in force, and it is the one of this overlay */
	/* Upper ino of a directory that an index entry leads to -> its path once it was seen, or 0. */
	struct ovl_map index_dir;
	bool missed_upper; /* a part of the upper was not seen: there may be more names in it */
};

/** In a value of origin_first: a path is aligned, so the lowest bit is free. */
enum { OVL_FACTS_AT_HOME = 1 };

static inline struct ovl_path *ovl_facts_first_path(uint64_t first)
{
	return (struct ovl_path *)(uintptr_t)(first & ~(uint64_t)OVL_FACTS_AT_HOME);
}

int ovl_facts_init(struct ovl_facts *f);
void ovl_facts_done(struct ovl_facts *f);

/**
 * ovl_facts_add_origin - an upper object has an origin that leads to an inode
 * @claim: copied; its path is counted. One that is at home is only counted, and checked for
 *         duplicates if it is no directory
 * 0 or -ENOMEM. Names of a hard-linked inode count once: pass the name that was seen first, after
 * ovl_facts_add_link(). Such a claim waits for ovl_facts_sort(), and is made then under the first name
 * in order; it is at home if the inode is under any of its names.
 */
int ovl_facts_add_origin(struct ovl_facts *f, const struct ovl_fact_origin *claim);

/** ovl_facts_note_stale - an upper object has an origin that leads to no inode */
void ovl_facts_note_stale(struct ovl_facts *f);

/** ovl_facts_note_undecoded - an origin could not be decoded; @err: negative errno */
void ovl_facts_note_undecoded(struct ovl_facts *f, int err);

/** ovl_facts_note_missed - a part of a lower could not be read */
void ovl_facts_note_missed(struct ovl_facts *f);

/** ovl_facts_add_bare, _unmarked - paths are counted; 0 or -ENOMEM */
int ovl_facts_add_bare(struct ovl_facts *f, const struct ovl_fact_bare *bare);
int ovl_facts_add_unmarked(struct ovl_facts *f, const struct ovl_fact_unmarked *unmarked);

int ovl_facts_add_redirect(struct ovl_facts *f, const struct ovl_fact_redirect *redirect);

/**
 * ovl_facts_add_link - a name of an upper inode that is worth counting
 * @link: its path is one name; NULL to register the inode only (an index entry). So is @lost, or
 *        NULL; @n_lost is not looked at
 * Returns 1 if this is the first name of the inode, 0 if not, -ENOMEM.
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
 * What is known under several names gets the first in order, so that reports do not depend on the
 * order of work. Called at the barriers between walks; until facts are added again, the functions below
 * work. Redirects of the layers above can be asked for while those of the next one are added.
 * 0 or -ENOMEM.
 */
int ovl_facts_sort(struct ovl_facts *f);

/** ovl_facts_settle - a part of that: make the claims of hard-linked files; 0 or -ENOMEM */
int ovl_facts_settle(struct ovl_facts *f);

/**
 * ovl_facts_names - the names of a lower inode, after ovl_facts_sort()
 * Returns their number; @ret points at the first of them in @f.
 */
size_t ovl_facts_names(const struct ovl_facts *f, uint64_t dev, uint64_t ino,
		       const struct ovl_fact_name **ret);

/**
 * ovl_facts_find_unmarked - after ovl_facts_sort(), the number of an upper directory in unmarked, or
 *                           its length if it is not there
 */
size_t ovl_facts_find_unmarked(const struct ovl_facts *f, const struct ovl_path *path);

/** ovl_facts_is_shared - do several upper files claim this lower inode? */
bool ovl_facts_is_shared(const struct ovl_facts *f, struct ovl_key lower);

/** ovl_facts_redirects_to - the redirects that lead to a place, after ovl_facts_sort(); as above */
size_t ovl_facts_redirects_to(const struct ovl_facts *f, struct ovl_loc target,
			      const struct ovl_fact_redirect **ret);

/**
 * ovl_facts_redirects_above - the redirects that lead to a place, or to the same path in a layer above
 * What a redirect finds there is merged with what has the same path in the layers below it. As above.
 */
size_t ovl_facts_redirects_above(const struct ovl_facts *f, struct ovl_loc lower,
				 const struct ovl_fact_redirect **ret);

/**
 * ovl_facts_claim - path of an upper file with this origin, after ovl_facts_sort(); borrowed
 * NULL if none was seen.
 */
const struct ovl_path *ovl_facts_claim(const struct ovl_facts *f, struct ovl_key lower);

/**
 * ovl_facts_want_dir - remember where in the upper the directory with this inode number is
 * ovl_facts_saw_dir - it was seen there, if anybody wants to know
 * 0 or -ENOMEM.
 */
int ovl_facts_want_dir(struct ovl_facts *f, uint64_t ino);
void ovl_facts_saw_dir(struct ovl_facts *f, uint64_t ino, const struct ovl_path *path);

/** ovl_facts_note_missed_upper - a part of the upper is not walked */
void ovl_facts_note_missed_upper(struct ovl_facts *f);

/** ovl_facts_has_link - is an upper inode known already? Takes the lock: for use during a walk. */
bool ovl_facts_has_link(struct ovl_facts *f, uint64_t ino);

/** ovl_facts_has_index - has an upper inode an entry in the index? Takes the lock as well. */
bool ovl_facts_has_index(struct ovl_facts *f, uint64_t ino);

/** ovl_facts_index_entry - that entry, NULL if it has none. Takes the lock as well. */
const struct ovl_fact_index *ovl_facts_index_entry(struct ovl_facts *f, uint64_t ino);

/** ovl_facts_note_home - the origin of an upper inode is at home under one of its names */
void ovl_facts_note_home(struct ovl_facts *f, uint64_t ino);

/** ovl_facts_find_link - the record of an upper inode; NULL if it has none */
const struct ovl_fact_link *ovl_facts_find_link(const struct ovl_facts *f, uint64_t ino);

#endif
