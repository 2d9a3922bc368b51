/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings, graded as the user wishes and counted.
 */
#ifndef FSCK_TALLY_H
#define FSCK_TALLY_H

#include "options.h"
#include "overlayfs/check.h"

/** What was found, after regrading; findings that are ignored are in no number. */
struct ovl_tally {
	uint64_t by_severity[OVL_SEV__MAX];
	uint64_t problems; /* errors and warnings: what decides the exit code */
};

/**
 * ovl_tally_grade - how severe a finding is to this user
 * @ret: written on true only
 *
 * Returns false if the user wishes to ignore it. Pure.
 */
bool ovl_tally_grade(const struct ovl_options *o, const struct ovl_finding *f,
		     enum ovl_severity *ret);

/** ovl_tally_report - count all findings of a report; pure */
struct ovl_tally ovl_tally_report(const struct ovl_options *o, const struct ovl_report *report);

/**
 * ovl_tally_layer - count the findings of one layer
 * @from: the first finding of a layer; moved to the first of the next one
 *
 * A report is sorted by layer, so calling this until @from is its length counts each layer once.
 * Pure.
 */
struct ovl_tally ovl_tally_layer(const struct ovl_options *o, const struct ovl_report *report,
				 size_t *from);

#endif
