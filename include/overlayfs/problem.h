/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The problem table: everything that can be wrong with an overlay, one row each.
 *
 * A row names its slug, how bad it is, who may decide a repair, which objects its check wants to
 * see, and the words for the user. problems.def is its only source: enum, table, manual page,
 * --explain and --json all come from it.
 */
#ifndef OVERLAYFS_PROBLEM_H
#define OVERLAYFS_PROBLEM_H

#include "overlayfs/feature.h"
#include "overlayfs/types.h"

struct ovl_sink;
struct ovl_view;

enum ovl_severity {
	OVL_SEV_INFO,    /* worth knowing; not counted, no exit bit */
	OVL_SEV_WARNING, /* a property is lost, or the state is ambiguous */
	OVL_SEV_ERROR,   /* visible breakage, or data that will be lost */
	OVL_SEV__MAX
};

/** Who may decide that the repair is made. */
enum ovl_trust {
	OVL_TRUST_NEVER, /* report only */
	OVL_TRUST_ASK,   /* a person should agree */
	OVL_TRUST_PREEN, /* loses nothing that anyone could want */
	OVL_TRUST__MAX
};

/** What one call of a check function looks at. */
enum ovl_scope {
	OVL_SCOPE_STACK,  /* the overlay as a whole, once */
	OVL_SCOPE_OBJECT, /* one object of an upper or lower layer */
	OVL_SCOPE_DIR,    /* one upper directory, after all its entries were seen */
	OVL_SCOPE_INDEX,  /* one entry of the index */
	OVL_SCOPE_WORK,   /* one entry of the work directory */
	OVL_SCOPE_CROSS,  /* all collected facts, once, after the trees were walked */
	OVL_SCOPE__MAX
};

/** Where the objects lie that a check of OVL_SCOPE_OBJECT wants to see. */
enum {
	OVL_ON_UPPER = 1 << 0,
	OVL_ON_LOWER = 1 << 1,
	OVL_ON_DATA = 1 << 2,
	OVL_ON_ROOT = 1 << 3, /* also the root of the layer; without it roots are left out */
};

enum ovl_problem_id {
#define PROBLEM(ID, NAME, SLUG, ...) OVL_P_##NAME,
#include "overlayfs/problems.def"
#undef PROBLEM
	OVL_P__MAX
};

typedef int ovl_check_fn(const struct ovl_view *view, struct ovl_sink *sink);

struct ovl_problem {
	uint16_t id;      /* for ever: never reused, never renumbered */
	const char *slug; /* kebab-case: the name of the row outside of C */
	enum ovl_severity severity;
	enum ovl_trust trust;
	enum ovl_scope scope;
	unsigned on;   /* OVL_ON_* */
	unsigned kind; /* mask of 1 << enum ovl_kind; 0: any */
	unsigned xattr; /* mask of 1 << enum ovl_xattr_id, any of which must be there; 0: no matter */
	ovl_features
		feature; /* of a conversion: a problem only if the target lacks any of these; 0: of
			       * any overlay */
	ovl_features moot; /* no problem if it lacks any of these */
	bool doubt; /* who finds it should look at everything: the overlay was not left cleanly, or more
		     * than the roots is needed to judge it */
	ovl_check_fn *check;

	const char *text;    /* what is wrong, lower case, no place and no final stop */
	const char *symptom; /* what the user sees through a mount */
	const char *cause;   /* how this comes about */
	const char *remedy;  /* what each mode does about it, or what to do by hand */
};

/** ovl_problem_get - the row of an id; never NULL */
const struct ovl_problem *ovl_problem_get(enum ovl_problem_id id);

/**
 * ovl_problem_is_quick - does a quick check look for it? Pure
 *
 * What needs no walk through the trees: the overlay as a whole, the roots of layers, the work directory,
 * and elsewhere what has .doubt.
 */
bool ovl_problem_is_quick(const struct ovl_problem *p);

/**
 * ovl_problem_find - the row with this slug
 * @ret_id: written on success only
 *
 * Returns 0, or -ENOENT.
 */
int ovl_problem_find(const char *slug, enum ovl_problem_id *ret_id);

/** ovl_severity_name - "information", "warning" or "error" */
const char *ovl_severity_name(enum ovl_severity severity);

#endif
