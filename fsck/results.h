/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings with their fates, whether they come from a check or from a repair.
 */
#ifndef FSCK_RESULTS_H
#define FSCK_RESULTS_H

#include "overlayfs/repair.h"

/** One of the two, borrowed; the other is NULL. */
struct ovl_results {
	const struct ovl_report *report; /* of a check: everything is left */
	const struct ovl_repairs *repairs;
};

size_t ovl_results_len(const struct ovl_results *results);
/** ovl_results_get - the i-th; valid as long as what it comes from */
struct ovl_result ovl_results_get(const struct ovl_results *results, size_t i);
const struct ovl_counts *ovl_results_counts(const struct ovl_results *results);
/** ovl_results_layer_counts - of one layer, see ovl_report_layer_counts() */
const struct ovl_counts *ovl_results_layer_counts(const struct ovl_results *results, int layer);

#endif
