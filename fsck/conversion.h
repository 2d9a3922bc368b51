/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is told of a conversion: what there was to do, by kind, and how the target is to mount the tree.
 */
#ifndef FSCK_CONVERSION_H
#define FSCK_CONVERSION_H

#include "reporter.h"

/** How many things of one kind there were. */
struct ovl_conversion_kind {
	uint64_t done, left;
};

/** A conversion, summed up. */
struct ovl_conversion_sum {
	char *target; /* "Linux 4.14", or "this kernel without metacopy"; owned */
	struct ovl_conversion_kind *kind; /* by problem; owned */
	uint64_t done, left;              /* of all kinds */
	enum ovl_obstacle obstacle;       /* why nothing was, or would be, converted */
	char *options; /* how the target is to mount the tree; owned; NULL while something is left */
};

/** ovl_conversion_is_routine - one of many things to be converted, of which nothing special is to be told */
bool ovl_conversion_is_routine(const struct ovl_result *result);

/** ovl_conversion_sum - @ret: ovl_conversion_sum_done() it in any case; 0 or -ENOMEM */
int ovl_conversion_sum(const struct ovl_reporting *r, const struct ovl_summary *s,
		       struct ovl_conversion_sum *ret);
void ovl_conversion_sum_done(struct ovl_conversion_sum *sum);

/** ovl_conversion_text - the last lines of a report about a conversion; nothing if there was none */
int ovl_conversion_text(struct ovl_reporting *r, const struct ovl_summary *s);

/** ovl_conversion_json - the member "conversion" of a document; nothing if there was none */
int ovl_conversion_json(struct ovl_reporting *r, const struct ovl_summary *s);

#endif
