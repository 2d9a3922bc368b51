/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting findings; pure.
 */
#include "tally.h"

bool ovl_tally_grade(const struct ovl_options *o, const struct ovl_finding *f,
		     enum ovl_severity *ret)
{
	switch (o->grade[f->problem]) {
	case OVL_GRADE_IGNORE:
		return false;
	case OVL_GRADE_INFO:
		*ret = OVL_SEV_INFO;
		return true;
	case OVL_GRADE_WARNING:
		*ret = OVL_SEV_WARNING;
		return true;
	case OVL_GRADE_ERROR:
		*ret = OVL_SEV_ERROR;
		return true;
	case OVL_GRADE_ROW:
	default:
		*ret = f->severity;
		return true;
	}
}

static void add(struct ovl_tally *tally, const struct ovl_options *o,
		const struct ovl_result *result)
{
	enum ovl_severity severity;

	if (!ovl_tally_grade(o, &result->finding, &severity))
		return;
	tally->by_severity[severity]++;
	if (result->fate != OVL_FATE_FIXED && severity == OVL_SEV_ERROR)
		tally->errors_left++;
	if (result->fate == OVL_FATE_FIXED)
		tally->corrected++;
	else if (severity != OVL_SEV_INFO)
		tally->left++;
	else
		return;
	tally->problems++;
}

struct ovl_tally ovl_tally_results(const struct ovl_options *o, const struct ovl_results *results)
{
	struct ovl_tally tally = { 0 };
	size_t n = ovl_results_len(results), i;

	for (i = 0; i < n; i++) {
		struct ovl_result result = ovl_results_get(results, i);

		add(&tally, o, &result);
	}
	return tally;
}

void ovl_tally_layers(const struct ovl_options *o, const struct ovl_results *results,
		      struct ovl_tally *tally, size_t n)
{
	size_t len = ovl_results_len(results), i;

	for (i = 0; i < len; i++) {
		struct ovl_result result = ovl_results_get(results, i);
		size_t at = (size_t)(result.finding.loc.layer - OVL_LAYER_NONE);

		if (at < n)
			add(&tally[at], o, &result);
	}
}
