/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live overlays that use layers of ours.
 */
#ifndef OVL_STACK_USERS_H
#define OVL_STACK_USERS_H

#include "stack/stack.h"

/** One layer of ours in the hands of a live overlay. */
struct ovl_use {
	int layer; /* number of the layer, or OVL_LAYER_WORK */
	/*
	 * What it is there: OVL_ROLE_UPPER, _WORK, _LOWER. OVL_ROLE__MAX: upper or work directory, or
	 * something in one of them.
	 */
	enum ovl_role as;
	unsigned mount;   /* uses with the same number are of one mount; 0 if none is known */
	int pid;          /* a process that has it mounted; 0: we have */
	char *mountpoint; /* as that process sees it; owned; NULL if none is known */
	bool ours;        /* by a mount of this very overlay: same upper, same work directory */
};

/**
 * All of them, those of one mount together. That lower layers are lower layers of others as well is
 * left out: that is what they are for.
 */
struct ovl_users {
	struct ovl_use *use;
	size_t n;
};

/**
 * ovl_users_find - who uses the layers of a stack right now
 * @ret: written on 0 only; ovl_users_done() it
 *
 * From the mount tables of all namespaces, and by asking the kernel about upper and work directory
 * (and about the lowers, if they are few): that also finds overlays that were unmounted lazily.
 * Returns 0, -ENOMEM, or why mount tables could not be read (-ENOENT without /proc).
 */
int ovl_users_find(const struct ovl_stack *stack, struct ovl_users *ret);

/** ovl_users_done - free and empty */
void ovl_users_done(struct ovl_users *u);

/** ovl_users_live - does a live overlay write to upper or work directory? */
bool ovl_users_live(const struct ovl_users *u);

/**
 * ovl_users_group - uses that can be told in one go
 * Returns how many uses from number @i on are of the same mount, or of none that is known, and are
 * alike but for the layer.
 */
size_t ovl_users_group(const struct ovl_users *u, size_t i);

/**
 * ovl_users_tell - "upper and work are in use by the overlay at /merged (process 12)", escaped
 * @use: @n of them, a group
 * Appends to @b; 0 or -ENOMEM.
 */
int ovl_users_tell(const struct ovl_stack *stack, const struct ovl_use *use, size_t n,
		   struct ovl_buf *b);

#endif
