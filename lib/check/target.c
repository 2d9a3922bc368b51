/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Targets of redirects, judged when all redirects are known.
 */
#include "check/target.h"

#include "base/banned.h"

int ovl_target_is_claimed(const struct ovl_view *v, const struct ovl_path *source,
			  struct ovl_loc target, const struct ovl_stat *stat)
{
	const struct ovl_fact_redirect *red;
	struct ovl_path *path;
	size_t n = ovl_facts_redirects_to(v->facts, target, &red);
	int r;

	for (size_t i = 0; i < n; i++)
		if (red[i].source.layer == OVL_LAYER_UPPER &&
		    ovl_path_compare(red[i].source.path, source) != 0)
			return 1;
	r = ovl_view_name_uncovered(v->stack, v->facts, target, stat, source, &path);
	if (r > 0)
		ovl_path_unref(path);
	return r;
}
