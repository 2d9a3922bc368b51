/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Do the upper and the lowers belong together? One finding says so for the whole overlay: origins that
 * lead elsewhere are its consequence then, and told as information.
 */
#include "check/copied.h"

#include "base/banned.h"

static const struct ovl_loc overlay = { OVL_LAYER_NONE, NULL };
static const struct ovl_loc upper_root = { OVL_LAYER_UPPER, NULL };

/* Only with index=on does the kernel refuse to mount. */
static enum ovl_severity severity_of(const struct ovl_view *v)
{
	return v->stack->config.index == OVL_ON ? OVL_SEV_ERROR : OVL_SEV_WARNING;
}

int ovl_check_origin_root(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_loc other = overlay;
	enum ovl_copied copied;
	int r = ovl_copied_judge(v, &copied);

	if (r < 0 || copied != OVL_COPIED_TOP)
		return r;
	other.layer = OVL_LAYER_NONE;
	r = ovl_copied_root(v, &copied, &other.layer);
	if (r < 0)
		return r;
	if (other.layer == 0)
		other = overlay;
	return ovl_sink_add_about(sink, OVL_P_ORIGIN_ROOT, severity_of(v), upper_root, other,
				  other.layer == OVL_LAYER_NONE ?
					  "its origin is the root of no lower layer" :
					  "its origin is a lower layer further down",
				  "the root of lower1");
}

int ovl_check_layout_copied(const struct ovl_view *v, struct ovl_sink *sink)
{
	enum ovl_copied copied;
	int r = ovl_copied_judge(v, &copied);

	if (r < 0 || (copied != OVL_COPIED_ALL && copied != OVL_COPIED_OLD))
		return r;
	return ovl_sink_add_about(
		sink, OVL_P_LAYOUT_COPIED,
		copied == OVL_COPIED_ALL ? severity_of(v) : OVL_SEV_WARNING, overlay, overlay,
		ovl_sink_text(sink,
			      "of the origins in the upper, none leads to these lowers, %llu lead "
			      "to other inodes and %llu to none",
			      (unsigned long long)ovl_copied_count(v),
			      (unsigned long long)v->facts->n_stale),
		"origins that lead to the lowers given");
}
