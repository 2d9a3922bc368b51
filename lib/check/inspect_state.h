/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one inspection carries along, between inspect.c, which follows the lookup, and
 * inspect_place.c, which looks where the lookup did not.
 */
#ifndef OVL_CHECK_INSPECT_STATE_H
#define OVL_CHECK_INSPECT_STATE_H

#include "check/inspect_item.h"

/** A layer that a name further up has put out of play. */
struct ovl_inspect_drop {
	char *why;             /* owned; NULL: it is in play */
	struct ovl_path *path; /* where it would be asked, were it in play; counted */
};

struct ovl_inspect {
	struct ovl_stack *stack;
	struct ovl_inspect_memory *memory;
	struct ovl_entry *parent;      /* where the last name was looked up; counted */
	const struct ovl_path *path;   /* in the overlay: the name that was looked up last */
	struct ovl_hit hit;            /* of that */
	struct ovl_inspect_drop *drop; /* one a layer */
	struct ovl_obs_scratch scratch;
	bool is_last; /* @path is all that was asked for; else it does not lead on */
	bool failed;  /* out of memory in a callback */
};

/** ovl_inspect_place_asked - what the lookup saw in a layer; NULL: it was not asked */
const struct ovl_inspect_item *ovl_inspect_place_asked(const struct ovl_inspect *in, int layer);

/**
 * ovl_inspect_place_stopper - why a layer was not asked
 * @ret: text, to be freed; NULL if nothing above it ended the lookup
 * 0 or -ENOMEM.
 */
int ovl_inspect_place_stopper(const struct ovl_inspect *in, int layer, char **ret);

/** ovl_inspect_place_next - what a layer below is asked for: a name, or a path from its root
 * @dir: the directory of the layer in the parent; 0 and a counted path, or -ENOMEM
 */
int ovl_inspect_place_next(const struct ovl_inspect *in, const struct ovl_dir *dir,
			   struct ovl_path **ret);

/**
 * ovl_inspect_place_add - look at a place on its own account
 * 1 and the place, 0 if there is nothing to be seen, -ENOMEM.
 */
int ovl_inspect_place_add(struct ovl_inspect *in, int layer, const struct ovl_path *path,
			  struct ovl_inspect_item **ret);

/** ovl_inspect_place_hidden - add what lower layers have at this path and nobody sees; 0, -ENOMEM */
int ovl_inspect_place_hidden(struct ovl_inspect *in);

/** ovl_inspect_place_data - mark or add the place that the content of a file is from; 0, -ENOMEM */
int ovl_inspect_place_data(struct ovl_inspect *in);

/**
 * ovl_inspect_place_index - add the entry of the index, if there is one
 *
 * It is the upper of a lower file that has none at its own path: hit.result becomes -EIO if it says
 * otherwise. 0 or -ENOMEM. Kernel: ovl_lookup_index().
 */
int ovl_inspect_place_index(struct ovl_inspect *in);

#endif
