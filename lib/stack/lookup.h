/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Name lookup, equal to the kernel's: the one function that every rule uses to know what the overlay
 * shows under a name and why.
 *
 * A directory of the overlay is an *entry*: the real directories that are merged in it, from the
 * top. Looking a name up in an entry gives a *hit*: the real objects found, layer by layer, and the
 * result that lstat(2) would give through a mount.
 *
 * A hit can also be asked of a *part* of the stack, from one lower layer down, as if it were an
 * overlay of its own: that is how the traces in a middle layer, which was an upper once, are judged.
 *
 * Kernel: fs/overlayfs/namei.c, ovl_lookup(), ovl_lookup_layer(), ovl_lookup_single(); the behaviour
 * is that of 6.16 and later.
 */
#ifndef OVL_STACK_LOOKUP_H
#define OVL_STACK_LOOKUP_H

#include "stack/dir.h"

/** A directory of the overlay. Counted; immutable once made. */
struct ovl_entry {
	unsigned refs;
	int first;             /* topmost layer of the part of the stack that is looked at */
	struct ovl_dir *upper; /* NULL: none */
	size_t n_lower;
	struct ovl_dir *lower[]; /* top to bottom */
};

/** A real object that a lookup found. */
struct ovl_found {
	int layer;
	struct ovl_path *path; /* counted */
	struct ovl_stat stat;
	enum ovl_kind kind;
	bool metacopy;   /* a regular file with the xattr metacopy (and read as such) */
	bool redirected; /* it has a redirect, which was followed */
};

/** Why a lookup failed although something is there, or what stopped it. */
enum ovl_why {
	OVL_WHY_NONE,
	OVL_WHY_ABSENT,       /* in no layer */
	OVL_WHY_WHITEOUT,     /* a whiteout hides what is below */
	OVL_WHY_NO_LOWERDATA, /* EIO: metacopy whose data is nowhere */
	OVL_WHY_METACOPY_OFF, /* EPERM: the options do not allow metacopy */
	OVL_WHY_NOFOLLOW,     /* EPERM: the options do not allow redirects */
	OVL_WHY_BAD_REDIRECT, /* EINVAL */
	OVL_WHY_DOTDOT,       /* EACCES: "." or ".." in a redirect */
	OVL_WHY_BAD_METACOPY, /* EIO: value of 1 to 3 bytes */
	OVL_WHY_LAYER_ROOT,   /* ELOOP: the root of a layer inside another one */
	OVL_WHY_UNREADABLE,   /* an object on the way could not be read */
	OVL_WHY__MAX
};

struct ovl_hit {
	int result; /* of lstat through a mount: 0, -ENOENT, -EIO, -EPERM, -EINVAL, -EACCES, -ELOOP */
	enum ovl_why why;
	struct ovl_found culprit; /* the object that @why is about, if culprit.path is not NULL */

	bool is_dir;
	bool opaque; /* hides what is below: by an opaque mark or a whiteout */
	bool has_upper;
	bool upper_metacopy; /* the upper is a metacopy file: its data lies below */
	struct ovl_found upper;
	size_t n_lower;
	struct ovl_found *lower;
	char *redirect;  /* the last redirect in force; NULL: none */
	char *lazy_data; /* path in the data-only layers, resolved at the first open; NULL: none */
};

/** What ovl_lookup() tells while it goes, for --inspect. */
struct ovl_step {
	int layer;
	const struct ovl_path *path; /* where it looked */
	const struct ovl_obs *obs;   /* NULL: nothing there */
	bool used;                   /* it is part of the hit so far */
	bool stop;                   /* lower layers are not asked any more */
};
typedef void ovl_step_fn(void *ctx, const struct ovl_step *step);

/** ovl_lookup_root - the root entry of the part of the stack from layer @first down; NULL: no memory */
struct ovl_entry *ovl_lookup_root(struct ovl_stack *stack, int first);

struct ovl_entry *ovl_entry_ref(struct ovl_entry *e);
struct ovl_entry *ovl_entry_unref(struct ovl_entry *e); /* returns NULL; NULL is fine */

/**
 * ovl_lookup - what the overlay shows under a name
 * @name: one name; "." and ".." are -EINVAL
 * @step: told of each object looked at; may be NULL
 * @ret: written on 0; ovl_hit_done() it
 *
 * Returns 0 with the answer of the kernel in @ret->result, also if that is an error; negative only
 * for -ENOMEM and -EINVAL. An object that could not be read gives the errno in @ret->result and
 * OVL_WHY_UNREADABLE.
 */
int ovl_lookup(struct ovl_stack *stack, struct ovl_entry *parent, const char *name,
	       ovl_step_fn *step, void *step_ctx, struct ovl_hit *ret);

/**
 * ovl_lookup_seen - ovl_lookup(), for who has just looked at the object in the topmost directory
 * @top: what it is there, all of it; @parent's topmost directory is the one it was seen in
 */
int ovl_lookup_seen(struct ovl_stack *stack, struct ovl_entry *parent, const char *name,
		    const struct ovl_obs *top, ovl_step_fn *step, void *step_ctx,
		    struct ovl_hit *ret);

/** One xattr of one object, as if it were another. */
struct ovl_whatif {
	int layer;
	uint64_t ino;
	enum ovl_xattr_id id;
	bool has; /* false: as if it were not there */
	struct ovl_bytes value;
};

/** ovl_lookup_if - ovl_lookup(), for who wants to know what a change would show */
int ovl_lookup_if(struct ovl_stack *stack, struct ovl_entry *parent, const char *name,
		  const struct ovl_whatif *what, struct ovl_hit *ret);

void ovl_hit_done(struct ovl_hit *hit);

/**
 * ovl_lookup_entry - the entry of a directory that a lookup found
 * @parent: the entry it was looked up in (directories in it are opened relative to it)
 * @hit: with result 0 and is_dir
 * Returns 0, -ENOMEM, or why a directory could not be opened.
 */
int ovl_lookup_entry(struct ovl_stack *stack, struct ovl_entry *parent, const struct ovl_hit *hit,
		     struct ovl_entry **ret);

/**
 * ovl_lookup_path - look up a whole path from a root entry
 * @path: NULL for the root: then @ret_hit is zeroed but for result and is_dir
 * @ret_entry: if not NULL and the path is a directory: its entry
 *
 * As ovl_lookup(); if a parent is not a directory the result is -ENOTDIR, if it is not there -ENOENT.
 */
int ovl_lookup_path(struct ovl_stack *stack, int first, const struct ovl_path *path,
		    struct ovl_hit *ret_hit, struct ovl_entry **ret_entry);

/**
 * ovl_lookup_data - the object whose content a regular file of the overlay has
 * @hit: with result 0, not a directory
 * @ret: borrowed from @hit, or for lazy data filled into @storage (path counted: ovl_found_done())
 *
 * Returns 0, or what open(2) through a mount would fail with: -ENOENT, -ENOTDIR, -ELOOP, -EIO.
 * Kernel: ovl_lookup_data_layers(), ovl_path_lowerdata().
 */
int ovl_lookup_data(struct ovl_stack *stack, const struct ovl_hit *hit, struct ovl_found *storage,
		    const struct ovl_found **ret);

void ovl_found_done(struct ovl_found *f);

#endif
