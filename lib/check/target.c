/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Targets of redirects, judged when all redirects are known.
 */
#include "check/target.h"

#include "base/banned.h"

int ovl_target_is_claimed(const struct ovl_view *v, const struct ovl_path *source,
			  const struct ovl_found *target)
{
	const struct ovl_loc loc = { target->layer, target->path };
	const struct ovl_fact_redirect *red;
	struct ovl_path *path;
	size_t n = ovl_facts_redirects_to(v->facts, loc, &red);
	int r;

	for (size_t i = 0; i < n; i++)
		if (red[i].source.layer == OVL_LAYER_UPPER &&
		    ovl_path_compare(red[i].source.path, source) != 0)
			return 1;
	r = ovl_view_name_uncovered(v->stack, v->facts, loc, &target->stat, source, &path);
	if (r > 0)
		ovl_path_unref(path);
	return r;
}

int ovl_target_report_no_origin(struct ovl_sink *sink, struct ovl_loc loc, bool in_impure,
				const struct ovl_found *lower)
{
	return ovl_sink_add_about(sink, OVL_P_ORIGIN_MISSING_MERGE_DIR,
				  in_impure ? OVL_SEV_WARNING : OVL_SEV_INFO, loc,
				  (struct ovl_loc){ lower->layer, lower->path }, "no origin",
				  "the handle of the directory below");
}
