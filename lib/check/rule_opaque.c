/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opaque marks: is the value one that the kernel heeds, on an object where it heeds it?
 */
#include "check/view.h"

#include "base/banned.h"

int ovl_check_opaque_value(const struct ovl_view *v, struct ovl_sink *sink)
{
	enum ovl_opaque opaque;

	if (!v->dir || !(v->obs->xmask & OVL_XBIT(OPAQUE)) ||
	    ovl_value_opaque(v->obs->x[OVL_X_OPAQUE], &opaque) == 0)
		return 0;
	if (v->role == OVL_ROLE_LOWER && v->loc.layer == (int)v->stack->n_lower)
		return 0; /* nothing lies below: the kernel does not even read it */
	return ovl_sink_add(sink, OVL_P_OPAQUE_VALUE, v->loc,
			    ovl_sink_text(sink, "opaque=%s",
					  ovl_sink_quote(sink, v->obs->x[OVL_X_OPAQUE])),
			    v->role == OVL_ROLE_UPPER ? "\"y\"" : "\"y\" or \"x\"");
}

int ovl_check_opaque_x_upper(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (ovl_view_opaque(v) != OVL_OPAQUE_XWHITE)
		return 0;
	return ovl_sink_add(sink, OVL_P_OPAQUE_X_UPPER, v->loc, "opaque=\"x\"",
			    "\"y\" or no opaque, and character devices as whiteouts");
}

int ovl_check_opaque_nondir(const struct ovl_view *v, struct ovl_sink *sink)
{
	return ovl_sink_add(sink, OVL_P_OPAQUE_NONDIR, v->loc,
			    ovl_sink_text(sink, "opaque on a %s", ovl_kind_name(v->obs->kind)),
			    "opaque on directories only");
}

int ovl_check_opaque_root(const struct ovl_view *v, struct ovl_sink *sink)
{
	enum ovl_opaque opaque = ovl_view_opaque(v);
	bool upper = v->role == OVL_ROLE_UPPER;

	if (v->dir || opaque == OVL_OPAQUE_XWHITE)
		return 0; /* "x" has its own meaning on a lower root, and its own rule in the upper */
	/* composefs images carry it on purpose */
	return ovl_sink_add_about(sink, OVL_P_OPAQUE_ROOT, upper ? OVL_SEV_WARNING : OVL_SEV_INFO,
				  v->loc, (struct ovl_loc){ OVL_LAYER_NONE, NULL },
				  ovl_sink_text(sink, "opaque=%s",
						ovl_sink_quote(sink, v->obs->x[OVL_X_OPAQUE])),
				  "no opaque on the root of a layer");
}
