/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of ovl-random: what every part knows of a run.
 */
#ifndef TESTS_TOOLS_RANDOM_H
#define TESTS_TOOLS_RANDOM_H

#include "tool.h"

/** A run of random operations. All of them work below the current directory. */
struct ovl_rnd {
	struct ovl_rng rng;
	FILE *log;  /* every operation, its operands and its errno */
	bool plain; /* on a plain file system: nothing that only means something above it */
	bool inactive_prefix; /* also set xattrs under the prefix that this overlay does not use */
	bool userxattr;       /* the overlay's prefix is user.overlay. */
	bool plain_words;     /* nothing that older kernels have no word for */
	unsigned long ops;
	unsigned long strange; /* answers that a sound overlay never gives */
};

/* random-name.c */

/** ovl_rnd_name_new - a name from a small pool, so that names meet again; borrowed */
const char *ovl_rnd_name_new(struct ovl_rnd *r);

/** ovl_rnd_name_dir - path of some existing directory, perhaps "."; the caller frees it */
char *ovl_rnd_name_dir(struct ovl_rnd *r);

/** ovl_rnd_name_any - path of something that most likely exists; the caller frees it */
char *ovl_rnd_name_any(struct ovl_rnd *r);

/** ovl_rnd_name_free - path of something that perhaps does not exist; the caller frees it */
char *ovl_rnd_name_free(struct ovl_rnd *r);

/* random-op.c: contents and attributes of one object */

/** ovl_rnd_op_done - log what an operation answered; @b may be NULL, errno counts if @rc < 0 */
void ovl_rnd_op_done(struct ovl_rnd *r, int rc, const char *what, const char *a, const char *b);

void ovl_rnd_op_create(struct ovl_rnd *r);
void ovl_rnd_op_write(struct ovl_rnd *r);
void ovl_rnd_op_attr(struct ovl_rnd *r);
void ovl_rnd_op_xattr(struct ovl_rnd *r);
void ovl_rnd_op_flags(struct ovl_rnd *r);
void ovl_rnd_op_clone(struct ovl_rnd *r);
void ovl_rnd_op_tmpfile(struct ovl_rnd *r);
void ovl_rnd_op_orphan(struct ovl_rnd *r);

/* random-tree.c: names and trees */

/** ovl_rnd_tree_run - make so many operations below the current directory */
void ovl_rnd_tree_run(struct ovl_rnd *r, unsigned count);

/** ovl_rnd_tree_look - read everything below the current directory, and count what fails */
void ovl_rnd_tree_look(struct ovl_rnd *r);

/** ovl_rnd_tree_remove - rm -r of one path below the current directory; logged */
void ovl_rnd_tree_remove(struct ovl_rnd *r, const char *path);

/* random-stack.c: layers and mounts */

/** The features of one mount, as its options ask for them. */
struct ovl_rnd_features {
	const char *redirect_dir; /* NULL: not given */
	const char *xino;
	const char *uuid;
	bool metacopy;
	bool index;
	bool nfs_export;
	bool is_volatile;
	bool say_off; /* give options that are off, too */
};

struct ovl_rnd_stack {
	const char *dir; /* where everything lies */
	char *mnt;
	char **lowers; /* topmost first */
	size_t lower_count;
	char *upper; /* NULL: a stack without upper */
	char *work;
	char *data;        /* a data-only layer, or NULL */
	unsigned odd;      /* which odd byte stands in the names of layers; 0: none */
	unsigned serial;   /* for names */
	bool userxattr;    /* the same for the whole life of the stack */
	bool always_plain; /* never use metacopy or nfs_export */
	bool may_index;    /* no lower holds what cannot be indexed */
	bool may_redirect; /* some layer may hold redirects */
	bool may_metacopy; /* some layer may hold metacopy files */
	bool wild;         /* also switch the index off again */
	struct ovl_rnd_features now;
};

/** ovl_rnd_stack_add_lower - a new topmost lower; takes over @path */
void ovl_rnd_stack_add_lower(struct ovl_rnd_stack *stack, char *path);

/** ovl_rnd_stack_new_dir - make a fresh directory for a layer; the caller frees the path */
char *ovl_rnd_stack_new_dir(struct ovl_rnd_stack *stack, const char *kind);

/** ovl_rnd_stack_fresh - give the stack a new upper and work directory and choose features */
void ovl_rnd_stack_fresh(struct ovl_rnd *r, struct ovl_rnd_stack *stack);

/** ovl_rnd_stack_rotate - the upper becomes the topmost lower; there is no upper then */
void ovl_rnd_stack_rotate(struct ovl_rnd *r, struct ovl_rnd_stack *stack);

/** ovl_rnd_stack_change - other features that suit what the layers may hold */
void ovl_rnd_stack_change(struct ovl_rnd *r, struct ovl_rnd_stack *stack);

/** ovl_rnd_stack_options - the option string for mount(8) and for the check; the caller frees */
char *ovl_rnd_stack_options(const struct ovl_rnd_stack *stack, bool features);

/** ovl_rnd_stack_mount - mount, and make the mount point the current directory */
void ovl_rnd_stack_mount(struct ovl_rnd *r, const struct ovl_rnd_stack *stack, bool readonly);

/** ovl_rnd_stack_unmount - leave the mount point and unmount it */
void ovl_rnd_stack_unmount(struct ovl_rnd *r, const struct ovl_rnd_stack *stack);

/** ovl_rnd_stack_free - free what the stack owns, not itself */
void ovl_rnd_stack_free(struct ovl_rnd_stack *stack);

#endif
