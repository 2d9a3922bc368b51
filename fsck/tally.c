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

static void add(struct ovl_tally *tally, const struct ovl_options *o, const struct ovl_finding *f)
{
	enum ovl_severity severity;

	if (!ovl_tally_grade(o, f, &severity))
		return;
	tally->by_severity[severity]++;
	if (severity != OVL_SEV_INFO)
		tally->problems++;
}

struct ovl_tally ovl_tally_report(const struct ovl_options *o, const struct ovl_report *report)
{
	struct ovl_tally tally = { 0 };
	size_t n = ovl_report_len(report), i;

	for (i = 0; i < n; i++) {
		struct ovl_finding f = ovl_report_get(report, i);

		add(&tally, o, &f);
	}
	return tally;
}

struct ovl_tally ovl_tally_layer(const struct ovl_options *o, const struct ovl_report *report,
				 size_t *from)
{
	int layer = ovl_report_get(report, *from).loc.layer;
	size_t n = ovl_report_len(report);
	struct ovl_tally tally = { 0 };

	for (; *from < n; ++*from) {
		struct ovl_finding f = ovl_report_get(report, *from);

		if (f.loc.layer != layer)
			break;
		add(&tally, o, &f);
	}
	return tally;
}
