/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mark "impure" of an upper directory: something in it has the inode number of a lower object, so
 * listings must look each name up.
 */
#include "check/view.h"

#include "base/banned.h"

static const struct ovl_loc nowhere = { OVL_LAYER_NONE, NULL };

int ovl_check_impure_missing(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_scan_dir *d = v->dir;

	/* Another value than "y" is impure-value. */
	if (d->has_impure || (d->n_origin == 0 && d->n_merged == 0))
		return 0;
	/* With merged directories only, nobody has looked yet: the kernel sets the mark at lookup. */
	return ovl_sink_add_about(
		sink, OVL_P_IMPURE_MISSING, d->n_origin > 0 ? OVL_SEV_WARNING : OVL_SEV_INFO, v->loc,
		nowhere,
		d->n_origin > 0 ?
			ovl_sink_text(sink, "%u of its entries have an origin or a redirect",
				      d->n_origin) :
			ovl_sink_text(sink, "%u merged directories in it", d->n_merged),
		"impure=\"y\"");
}

int ovl_check_impure_superfluous(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_scan_dir *d = v->dir;

	if (!d->impure || d->n_origin > 0 || d->n_merged > 0 || d->n_unsure > 0)
		return 0;
	return ovl_sink_add(sink, OVL_P_IMPURE_SUPERFLUOUS, v->loc, "no entry has an origin", "");
}

int ovl_check_impure_value(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_bytes value = v->obs->x[OVL_X_IMPURE];

	if (!(v->obs->xmask & OVL_XBIT(IMPURE)) || (value.len == 1 && value.data[0] == 'y'))
		return 0;
	return ovl_sink_add(sink, OVL_P_IMPURE_VALUE, v->loc,
			    ovl_sink_text(sink, "impure=%s", ovl_sink_quote(sink, value)), "\"y\"");
}
