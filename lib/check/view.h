/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A view: all that one check may see.
 *
 * Which fields are set depends on the scope of the check (enum ovl_scope). What several checks of
 * one object want to know is found out once and shared.
 */
#ifndef OVL_CHECK_VIEW_H
#define OVL_CHECK_VIEW_H

#include "check/facts.h"
#include "check/finding.h"
#include "check/rules.h"
#include "check/scan.h"
#include "format/value.h"
#include "stack/origin.h"

struct ovl_chain;
struct ovl_view_shared;

struct ovl_view {
	struct ovl_stack *stack;
	const struct ovl_profile *profile; /* NULL: nothing is to be converted */
	const struct ovl_facts *facts;     /* complete in OVL_SCOPE_INDEX and OVL_SCOPE_CROSS */

	/*
	 * OVL_SCOPE_OBJECT: the object. OVL_SCOPE_DIR: the directory. OVL_SCOPE_INDEX, _WORK: the entry.
	 * OVL_SCOPE_STACK, _CROSS: layer OVL_LAYER_NONE.
	 */
	struct ovl_loc loc;
	enum ovl_role role;
	const struct ovl_obs *obs; /* of a plain directory only kind is known: see has_stat */
	bool has_stat;
	struct ovl_scan_dir *dir; /* OBJECT: the directory that holds it, NULL for a layer root;
				    * DIR: the directory itself */
	int dirfd; /* pinned descriptor of the directory that holds it (of itself for a root) */
	const char *name;                   /* its name there; "" for a root */
	const struct ovl_fact_index *entry; /* OVL_SCOPE_INDEX */
	size_t depth; /* OVL_SCOPE_WORK: 1 in the work base, 2 in work/work ... */

	struct ovl_view_shared *shared;
};

/** What ovl_view_*() found out about the object; emptied by ovl_view_done(). */
struct ovl_view_shared {
	bool has_below, has_beneath, has_origin;
	struct ovl_hit below;
	struct ovl_hit beneath;
	struct ovl_origin origin;
	struct ovl_chain *chain; /* see chain.h */
	struct ovl_obs_scratch scratch;
};

/**
 * ovl_view_is_converted - is this object of the upper, or of a layer that is to be converted for itself?
 *
 * What a layer holds that is not, is made good in the upper.
 */
bool ovl_view_is_converted(const struct ovl_view *v);

/** ovl_view_opaque - what the kernel makes of the opaque mark of this object; NO: there is none */
enum ovl_opaque ovl_view_opaque(const struct ovl_view *v);

/**
 * ovl_view_below - what the overlay shows at this object, seen from its own layer down
 *
 * The object itself is on top (an upper is in @ret->upper, a lower in @ret->lower[0]). Returns 0,
 * -ENOENT if nothing here can be judged by lookup (see ovl_scan_entry), -ENOMEM.
 */
int ovl_view_below(const struct ovl_view *v, const struct ovl_hit **ret);

/**
 * ovl_view_beneath - what would be shown at the name if this object were not there
 *
 * A lookup of its name in the lower directories that its own directory is merged with; no redirect of
 * the object itself is followed. Same returns.
 */
int ovl_view_beneath(const struct ovl_view *v, const struct ovl_hit **ret);

/** ovl_view_origin - the "origin" of the object, decoded; state NONE without it. Never fails. */
const struct ovl_origin *ovl_view_origin(const struct ovl_view *v);

/**
 * ovl_view_is_indexed - has this upper object an entry in an index that a mount would use?
 * ovl_view_index_differs - and is the entry named after another lower inode than its origin leads to?
 * Then that is the finding, whatever else the origin is. Safe during the walk.
 */
bool ovl_view_is_indexed(const struct ovl_view *v);
bool ovl_view_index_differs(const struct ovl_view *v);

/** How a directory of a layer is listed through the mount. */
enum ovl_shown {
	OVL_SHOWN_NOT,    /* covered, or not found anywhere */
	OVL_SHOWN_MERGED, /* whiteouts in it are hidden: merged, or it has an origin */
	OVL_SHOWN_BARE,   /* its whiteouts are listed as phantoms */
};

/**
 * ovl_view_dir_shown - how the directory that holds this object is listed
 *
 * Follows redirects of the layers above to find a lower directory that is shown under another name.
 * 0 or -ENOMEM.
 */
int ovl_view_dir_shown(const struct ovl_view *v, enum ovl_shown *ret);

/**
 * ovl_view_name_shown - is a lower object visible in the overlay, at its own path or where its
 *                       directory was moved to?
 * @ret_hit: if visible, the hit that shows it; ovl_hit_done() it in any case
 * Returns 1 and the overlay path in @ret_path (counted) if the whole stack shows an object there that
 * has @lower among its lowers, 0 if not, -ENOMEM.
 */
int ovl_view_name_shown(struct ovl_stack *stack, const struct ovl_facts *facts,
			struct ovl_loc lower, const struct ovl_stat *stat, struct ovl_hit *ret_hit,
			struct ovl_path **ret_path);

/**
 * ovl_view_name_uncovered - is a lower directory visible under its own name, although a redirect leads
 *                           to it? (at its own path, or where a directory above it was moved to)
 * @source: the directory that redirects to it, which may have come back to the old name
 * Returns 1 and the overlay path in @ret_path (counted) if it is the topmost lower of what is shown
 * there; 0 if not, -ENOMEM.
 */
int ovl_view_name_uncovered(struct ovl_stack *stack, const struct ovl_facts *facts,
			    struct ovl_loc lower, const struct ovl_stat *stat,
			    const struct ovl_path *source, struct ovl_path **ret_path);

/** ovl_view_forget - empty @s for the next object; its memory is kept */
void ovl_view_forget(struct ovl_view_shared *s);

/** ovl_view_shared_done - free all */
void ovl_view_shared_done(struct ovl_view_shared *s);

#endif
