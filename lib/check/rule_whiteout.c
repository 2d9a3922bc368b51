/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whiteouts of both kinds: do they hide something, and are they themselves hidden from listings?
 */
#include <errno.h>
#include <string.h>

#include "check/view.h"

#include "base/banned.h"

/* What the symlinks of the out-of-tree overlayfs point at. */
#define LEGACY_TARGET "(overlay-whiteout)"

static bool in_lowest_layer(const struct ovl_view *v)
{
	return v->loc.layer == (int)v->stack->n_lower;
}

/* Its directory, or one above it in the same layer, hides all layers below. */
static bool in_opaque(const struct ovl_view *v)
{
	return v->dir->opaque || v->dir->below_opaque;
}

int ovl_check_whiteout_phantom(const struct ovl_view *v, struct ovl_sink *sink)
{
	enum ovl_shown shown;
	int r;

	if (in_opaque(v))
		return 0; /* whiteout-in-opaque says more */
	r = ovl_view_dir_shown(v, &shown);
	if (r < 0 || shown != OVL_SHOWN_BARE)
		return r;
	return ovl_sink_add(sink, OVL_P_WHITEOUT_PHANTOM, v->loc,
			    "its directory is merged with none below and has no origin",
			    "whiteouts only where directories are merged");
}

int ovl_check_whiteout_in_opaque(const struct ovl_view *v, struct ovl_sink *sink)
{
	const char *found = v->dir->opaque ? "its directory is opaque" :
					     "a directory above it is opaque";
	enum ovl_severity severity;
	enum ovl_shown shown;
	int r;

	if (!in_opaque(v))
		return 0;
	r = ovl_view_dir_shown(v, &shown);
	if (r < 0 || shown == OVL_SHOWN_NOT)
		return r;
	if (shown == OVL_SHOWN_MERGED && v->role != OVL_ROLE_UPPER)
		return 0; /* a layer above is merged with it: it is not listed */
	/* An origin keeps it out of listings: it is only in vain. */
	severity = shown == OVL_SHOWN_MERGED ? OVL_SEV_INFO : OVL_SEV_WARNING;
	return ovl_sink_add_about(sink, OVL_P_WHITEOUT_IN_OPAQUE, severity, v->loc,
				  (struct ovl_loc){ OVL_LAYER_NONE, NULL }, found,
				  "no whiteout where nothing below can be visible");
}

/* An xattr whiteout where the kernel does not expect one has a finding of its own. */
static bool is_out_of_place(const struct ovl_view *v)
{
	return v->obs->kind == OVL_KIND_XWHITEOUT &&
	       (v->role == OVL_ROLE_UPPER || !v->dir->xwhiteouts || in_lowest_layer(v));
}

int ovl_check_whiteout_useless(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_hit *hit;
	enum ovl_shown shown;
	int r;

	if (in_opaque(v) || is_out_of_place(v))
		return 0;
	r = ovl_view_dir_shown(v, &shown);
	if (r < 0 || shown != OVL_SHOWN_MERGED)
		return r;
	r = ovl_view_beneath(v, &hit);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (v->dir->lost)
		return 0; /* what it hid is where the redirect does not lead any more */
	if (hit->result != -ENOENT || hit->why != OVL_WHY_ABSENT)
		return 0;
	return ovl_sink_add(sink, OVL_P_WHITEOUT_USELESS, v->loc, "no layer below has the name",
			    "");
}

int ovl_check_xwhiteout_unmarked(const struct ovl_view *v, struct ovl_sink *sink)
{
	enum ovl_shown shown;
	int r;

	/* Other rules name the cause: the lowest layer, or the mark of Linux 6.7.0. */
	if (v->dir->xwhiteouts || v->dir->old_marker || in_lowest_layer(v))
		return 0;
	r = ovl_view_dir_shown(v, &shown);
	if (r < 0 || shown == OVL_SHOWN_NOT)
		return r;
	return ovl_sink_add(sink, OVL_P_XWHITEOUT_UNMARKED, v->loc,
			    "its directory has no opaque=\"x\"", "opaque=\"x\" on the directory");
}

int ovl_check_xwhiteout_in_upper(const struct ovl_view *v, struct ovl_sink *sink)
{
	return ovl_sink_add(sink, OVL_P_XWHITEOUT_IN_UPPER, v->loc,
			    "an empty file with the xattr whiteout", "a character device 0:0");
}

int ovl_check_xwhiteout_nonempty(const struct ovl_view *v, struct ovl_sink *sink)
{
	return ovl_sink_add(sink, OVL_P_XWHITEOUT_NONEMPTY, v->loc,
			    ovl_sink_text(sink, "a file of %llu bytes",
					  (unsigned long long)v->obs->stat.size),
			    "size 0, or no xattr whiteout");
}

int ovl_check_xwhiteout_old_marker(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_bytes x = v->obs->x[OVL_X_OPAQUE];
	bool marked = (v->obs->xmask & OVL_XBIT(OPAQUE)) && x.len == 1 && x.data[0] == 'x';

	/* With both marks the directory works on every kernel that knows xattr whiteouts. */
	return ovl_sink_add_about(
		sink, OVL_P_XWHITEOUT_OLD_MARKER, marked ? OVL_SEV_INFO : OVL_SEV_WARNING, v->loc,
		(struct ovl_loc){ OVL_LAYER_NONE, NULL },
		marked ? "the xattr whiteouts beside opaque=\"x\"" : "the xattr whiteouts",
		"opaque=\"x\"");
}

int ovl_check_xwhiteout_in_lowest(const struct ovl_view *v, struct ovl_sink *sink)
{
	enum ovl_shown shown;
	int r;

	if (!in_lowest_layer(v))
		return 0;
	r = ovl_view_dir_shown(v, &shown);
	if (r < 0 || shown == OVL_SHOWN_NOT)
		return r;
	return ovl_sink_add(sink, OVL_P_XWHITEOUT_IN_LOWEST, v->loc,
			    "an xattr whiteout with no layer below", "a layer that it hides from");
}

int ovl_check_whiteout_symlink_legacy(const struct ovl_view *v, struct ovl_sink *sink)
{
	/* The length tells enough: reading the link would change its access time. */
	if (v->obs->stat.size != sizeof(LEGACY_TARGET) - 1)
		return 0;
	return ovl_sink_add(sink, OVL_P_WHITEOUT_SYMLINK_LEGACY, v->loc,
			    "a symbolic link with the xattr whiteout", "a character device 0:0");
}
