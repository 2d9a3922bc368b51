/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Check an opened stack and get what is wrong with it, as data.
 */
#ifndef OVERLAYFS_CHECK_H
#define OVERLAYFS_CHECK_H

#include "overlayfs/error.h"
#include "overlayfs/problem.h"
#include "overlayfs/types.h"

/** The passes, as -C counts them; the order is the order of work. */
enum ovl_pass {
	OVL_PASS_WALK = 1, /* layers, option by option and object by object */
	OVL_PASS_CROSS,    /* redirects and origins against each other */
	OVL_PASS_INDEX,    /* index entries and link counts */
	OVL_PASS_WORK,     /* leftovers in the work directory */
	OVL_PASS_VERIFY,   /* (of repairs) */
	OVL_PASS__MAX
};

/** What the check wants from its caller, and tells it on the way. */
struct ovl_check_options {
	unsigned threads;       /* 0: one a core, at most 8 */
	bool skip_clean_lowers; /* -E trust-lower: do not walk lower layers for their own sake */
	bool quick; /* only what can be seen without walking the trees: see ovl_problem_is_quick() */
	const struct ovl_profile
		*profile; /* also find what is to be converted for it; NULL: nothing */
	/** Asked between objects; true stops the check, ovl_check() returns -ECANCELED. NULL: never. */
	bool (*cancelled)(void *ctx);
	/** Told now and then, from one thread at a time: @current of @max units of work. May be NULL. */
	void (*progress)(void *ctx, enum ovl_pass pass, uint64_t current, uint64_t max);
	/** Told once a pass is done: seconds it took. May be NULL. */
	void (*pass_done)(void *ctx, enum ovl_pass pass, double seconds);
	void *ctx;
};

/** One thing that is wrong. Borrowed strings; they live as long as the struct ovl_report. */
struct ovl_finding {
	enum ovl_problem_id problem;
	enum ovl_severity severity; /* the row's, or lower where the context says so */
	struct ovl_loc loc;
	struct ovl_loc other; /* a second place it is about; layer OVL_LAYER_NONE: none */
	const char *found;    /* evidence, printable (escaped); never NULL */
	const char *expected; /* printable; never NULL; "" where it goes without saying */
};

struct ovl_counts {
	uint64_t objects; /* seen in all layers */
	uint64_t dirs;
	uint64_t whiteouts;
	uint64_t redirects;
	uint64_t metacopy;       /* upper files whose data was not copied up yet */
	uint64_t metacopy_bytes; /* that data, by st_size */
	uint64_t indexed;
	uint64_t by_severity[OVL_SEV__MAX]; /* findings */
	uint64_t unreadable;                /* objects that could not be read: never "clean" then */
	uint64_t passed_over; /* of a quick check: not 0 if the work directory holds more than it reads */
};

struct ovl_report;

/**
 * ovl_check - look at everything, change nothing
 * @ret: findings, sorted by layer and path whatever the number of threads; also written when
 *       -ECANCELED is returned (what was found so far); ovl_report_free() it
 *
 * A bad object never stops the check: it becomes a finding. Returns 0, -ENOMEM, -ECANCELED.
 */
int ovl_check(struct ovl_stack *stack, const struct ovl_check_options *options,
	      struct ovl_report **ret, struct ovl_error *e);

struct ovl_report *ovl_report_free(struct ovl_report *report);
size_t ovl_report_len(const struct ovl_report *report);
/** ovl_report_get - the i-th finding; valid as long as the report */
struct ovl_finding ovl_report_get(const struct ovl_report *report, size_t i);
const struct ovl_counts *ovl_report_counts(const struct ovl_report *report);
/**
 * ovl_report_layer_counts - what was seen in one layer, by its number; indexed, by_severity are 0
 * NULL if its tree was not walked: a data-only layer, a trusted lower, or after a cancellation.
 */
const struct ovl_counts *ovl_report_layer_counts(const struct ovl_report *report, int layer);

#endif
