/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings, graded as the user wishes and counted.
 */
#ifndef FSCK_TALLY_H
#define FSCK_TALLY_H

#include "options.h"
#include "results.h"

/** What was found, after regrading; findings that are ignored are in no number. */
struct ovl_tally {
	uint64_t by_severity[OVL_SEV__MAX];
	uint64_t problems;  /* errors, warnings, and information that was corrected */
	uint64_t corrected; /* of these; the others: */
	uint64_t left;
	uint64_t errors_left;
};

/**
 * ovl_tally_grade - how severe a finding is to this user
 * @ret: written on true only
 *
 * Returns false if the user wishes to ignore it. Pure.
 */
bool ovl_tally_grade(const struct ovl_options *o, const struct ovl_finding *f,
		     enum ovl_severity *ret);

/** ovl_tally_results - count all findings; pure */
struct ovl_tally ovl_tally_results(const struct ovl_options *o, const struct ovl_results *results);

/**
 * ovl_tally_layers - count the findings of each layer; pure
 * @tally: zeroed; of layer L at L - OVL_LAYER_NONE, which is the first
 * @n: layers that there is room for
 */
void ovl_tally_layers(const struct ovl_options *o, const struct ovl_results *results,
		      struct ovl_tally *tally, size_t n);

#endif
