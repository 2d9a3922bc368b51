/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hard links of upper files: are all names known, and does the index know those that come from a lower
 * hard link?
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/other_names.h"
#include "check/view.h"

#include "base/banned.h"

int ovl_check_index_missing(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_origin *origin;

	if (!v->facts->index_judged || v->obs->kind == OVL_KIND_DIR)
		return 0;
	origin = ovl_view_origin(v);
	if (origin->state != OVL_ORIGIN_FOUND || origin->kind != v->obs->kind ||
	    origin->stat.nlink < 2 ||
	    ovl_facts_has_index((struct ovl_facts *)v->facts, v->obs->stat.ino))
		return 0;
	return ovl_sink_add(sink, OVL_P_INDEX_MISSING, v->loc,
			    ovl_sink_text(sink, "its origin has %llu links",
					  (unsigned long long)origin->stat.nlink),
			    "");
}

/* One of its names: in the upper if it has any there. Counted; a path of NULL: no memory. */
static struct ovl_loc place_of(const struct ovl_view *v, const struct ovl_fact_link *link)
{
	const char *name;

	if (link->path)
		return (struct ovl_loc){ OVL_LAYER_UPPER, ovl_path_ref(link->path) };
	name = v->facts->index.data[link->index - 1].name;
	return (struct ovl_loc){ OVL_LAYER_INDEX, ovl_path_new(NULL, name, strlen(name)) };
}

static int check_link(const struct ovl_view *v, const struct ovl_fact_link *link,
		      struct ovl_other_names *others, struct ovl_sink *sink)
{
	uint64_t known = link->names + link->entries, in_work;
	struct ovl_loc loc;
	int r;

	if (!link->marked || known == 0 || link->nlink <= known)
		return 0;
	r = ovl_other_names(others, v->stack, link->ino, &in_work);
	if (r < 0 || link->nlink <= known + in_work)
		return r;
	loc = place_of(v, link);
	if (!loc.path)
		return -ENOMEM;
	r = ovl_sink_add(
		sink, OVL_P_UPPER_HARDLINK_FOREIGN, loc,
		ovl_sink_text(sink, "%llu links; names in the upper: %llu, in the index: %llu",
			      (unsigned long long)link->nlink, (unsigned long long)link->names,
			      (unsigned long long)link->entries),
		"as many links as names");
	ovl_path_unref((struct ovl_path *)loc.path);
	return r;
}

int ovl_check_upper_hardlink_foreign(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_other_names others = { 0 };
	int r = 0;

	/* With a part of the upper unseen, the names may be there. */
	if (v->facts->missed_upper)
		return 0;
	for (size_t i = 0; r == 0 && i < v->facts->link.len; i++)
		r = check_link(v, &v->facts->link.data[i], &others, sink);
	ovl_other_names_done(&others);
	return r;
}
