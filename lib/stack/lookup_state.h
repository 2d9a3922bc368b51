/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one lookup carries along, between lookup.c, which goes from layer to layer, and
 * lookup_object.c, which looks at one object.
 */
#ifndef OVL_STACK_LOOKUP_STATE_H
#define OVL_STACK_LOOKUP_STATE_H

#include "stack/lookup.h"

/** Everything that one lookup carries along; struct ovl_lookup_data in the kernel. */
struct ovl_lookup {
	struct ovl_stack *stack;
	const struct ovl_entry *parent;
	struct ovl_hit *hit;
	ovl_step_fn *step;
	void *step_ctx;
	const struct ovl_whatif *what; /* NULL: nothing is different */
	const struct ovl_obs *top; /* what the first object to be looked at is known to be; NULL */

	struct ovl_buf name; /* what the next layer is asked for: one name or an absolute path */
	struct ovl_buf redirect; /* the redirect in force */
	bool has_redirect, upper_redirect;
	bool is_dir, opaque, stop, metacopy, absolute, last;

	struct ovl_path *shared; /* the path made last: layers share it where they agree */
	struct ovl_obs_scratch scratch;
	struct ovl_obs obs; /* of the object looked at last */
};

/** An object inside one layer, on the way down to the one that is looked for. */
struct ovl_cursor {
	int layer;
	int fd; /* of a directory; owned if @owned */
	bool owned;
	struct ovl_path *path; /* counted */
	struct ovl_stat stat;
	enum ovl_kind kind;
	bool metacopy;
	bool redirected;
};

/** ovl_lookup_object_done - drop what a cursor holds; it is empty then */
void ovl_lookup_object_done(struct ovl_lookup *l, struct ovl_cursor *c);

/**
 * ovl_lookup_object_blame - note what went wrong and where, and hand the errno on
 * What could not be read is also put on the list that the stack keeps. -ENOMEM if that fails.
 */
int ovl_lookup_object_blame(struct ovl_lookup *l, enum ovl_why why, const struct ovl_cursor *at,
			    int err);

/**
 * ovl_lookup_object - look one component up in the directory @base
 * @prefix_len: how much of @l->name stands before this component
 * @rest: what stands behind it, with its slash; owned by the caller
 * @ret: written if there is something of use; ovl_lookup_object_done() it
 *
 * Returns 1 if there is something of use, 0 if not, negative errno. May rewrite @l->name: the layers
 * below are asked for the new name. Kernel: ovl_lookup_single().
 */
int ovl_lookup_object(struct ovl_lookup *l, const struct ovl_cursor *base, struct ovl_bytes comp,
		      size_t prefix_len, struct ovl_bytes rest, struct ovl_cursor *ret);

#endif
