/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of an index that the target of a conversion does not use, or not all of.
 */
#include <errno.h>

#include "check/index_entry.h"
#include "format/feature.h"

#include "base/banned.h"

static bool is_nfs_entry(const struct ovl_view *v)
{
	return v->obs->kind == OVL_KIND_DIR || v->obs->kind == OVL_KIND_WHITEOUT;
}

/* What its own layer and those below show of the lower file; 1, 0 if it has no name there, or -ENOMEM. */
static int find_lower(const struct ovl_view *v, struct ovl_hit *ret)
{
	const struct ovl_fact_name *name;
	int r;

	if (ovl_facts_names(v->facts, v->entry->lower.a, v->entry->lower.b, &name) == 0)
		return 0;
	r = ovl_lookup_path(v->stack, name->loc.layer, name->loc.path, ret, NULL);
	return r < 0 ? r : 1;
}

/* Is the data of the lower file in a data-only layer? 1, 0 or -ENOMEM. */
static int is_lazy(const struct ovl_view *v)
{
	struct ovl_hit hit;
	int r = find_lower(v, &hit);

	if (r <= 0)
		return r;
	r = hit.lazy_data != NULL;
	ovl_hit_done(&hit);
	return r;
}

/* Has the lower file names that are in no layer? */
static bool is_foreign(const struct ovl_view *v)
{
	const struct ovl_fact_name *name;

	return ovl_facts_names(v->facts, v->entry->lower.a, v->entry->lower.b, &name) <
	       v->entry->lower_nlink;
}

/*
 * Its layer is converted too: will the lower file have another inode? It is completed where it is, but not in
 * place if that would change a file outside. 1, 0 or -ENOMEM.
 */
static int is_replaced(const struct ovl_view *v)
{
	const int layer = v->entry->lower_layer;
	struct ovl_hit hit;
	int r;

	if (v->entry->state != OVL_ORIGIN_FOUND || v->stack->layer[layer].root.mount_read_only ||
	    !is_foreign(v))
		return 0;
	r = find_lower(v, &hit);
	if (r <= 0)
		return r;
	r = hit.result == 0 && !hit.is_dir && hit.n_lower > 0 && hit.lower[0].metacopy;
	ovl_hit_done(&hit);
	return r;
}

/* Where the file has names in the upper, convert-metacopy is told there. */
int ovl_check_convert_metacopy_index(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_fact_link *link = ovl_index_entry_link(v);
	int r = 1;

	if (!v->entry || v->obs->kind != OVL_KIND_REG || !(v->obs->xmask & OVL_XBIT(METACOPY)) ||
	    (link && link->names > 0))
		return 0;
	if (v->profile->on & OVL_FBIT(METACOPY))
		r = is_lazy(v);
	if (r <= 0)
		return r;
	return ovl_sink_add(sink, OVL_P_CONVERT_METACOPY_INDEX, v->loc,
			    ovl_sink_text(sink, "%llu bytes are in a layer below",
					  (unsigned long long)v->obs->stat.size),
			    "");
}

/* Does the target keep the index, and the lower layers their inodes, by which the index knows them? */
static bool is_kept_as_is(const struct ovl_view *v)
{
	return (v->profile->on & OVL_FBIT(INDEX)) && !v->profile->all_layers;
}

/*
 * Must the entry go? From an index that the target has, where a layer below the upper gets its own copy of
 * the lower file. 1, 0 or -ENOMEM.
 */
static int is_outdated(const struct ovl_view *v, const struct ovl_index_shown *shown)
{
	if (!(v->profile->on & OVL_FBIT(INDEX)))
		return 1;
	if (!(v->profile->on & OVL_FBIT(REDIRECT_DIR)) && shown->moved)
		return 1;
	return is_replaced(v);
}

/* What is no file goes with the whole index. */
int ovl_check_convert_index(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_index_shown shown;
	int r;

	if (!v->entry || is_nfs_entry(v) || !ovl_index_entry_is_file(v) || is_kept_as_is(v))
		return 0;
	r = ovl_index_entry_shown(v, &shown);
	if (r == 0)
		r = is_outdated(v, &shown);
	if (r <= 0)
		return r;
	return ovl_sink_add_about(sink, OVL_P_CONVERT_INDEX,
				  ovl_problem_get(OVL_P_CONVERT_INDEX)->severity, v->loc,
				  ovl_index_entry_upper_name(v),
				  ovl_sink_text(sink, "%llu names are found through it only",
						(unsigned long long)shown.n),
				  "");
}

/* (That of a metacopy file goes when it gets its data, and the whole index if the target has none.) */
int ovl_check_convert_redirect_index(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (!v->entry || is_nfs_entry(v) || !(v->profile->on & OVL_FBIT(INDEX)) ||
	    !(v->obs->xmask & OVL_XBIT(REDIRECT)) || (v->obs->xmask & OVL_XBIT(METACOPY)))
		return 0;
	return ovl_sink_add(sink, OVL_P_CONVERT_REDIRECT_INDEX, v->loc,
			    ovl_sink_quote(sink, v->obs->x[OVL_X_REDIRECT]), "");
}

/* Later kernels, told to do without nfs_export, leave its entries alone. */
int ovl_check_convert_index_entry(const struct ovl_view *v, struct ovl_sink *sink)
{
	bool fatal = ovl_kernel_before(v->profile->kernel, 4, 16);

	if (!(v->profile->on & OVL_FBIT(INDEX)) || !is_nfs_entry(v))
		return 0;
	if (!fatal && (v->profile->kernel.major || !v->entry))
		return 0; /* (temporary objects it removes itself) */
	return ovl_sink_add(sink, OVL_P_CONVERT_INDEX_ENTRY, v->loc, ovl_kind_name(v->obs->kind),
			    "");
}

int ovl_check_convert_index_dir(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (v->stack->index.root.fd < 0)
		return 0;
	return ovl_sink_add(sink, OVL_P_CONVERT_INDEX_DIR,
			    (struct ovl_loc){ OVL_LAYER_INDEX, NULL }, "", "");
}
