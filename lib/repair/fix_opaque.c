/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opaque marks: those that are not heeded are taken away, and what was meant by a wrong value only
 * somebody can know.
 */
#include "format/value.h"
#include "repair/fixes.h"

#include "base/banned.h"

static const struct ovl_bytes mark_y = { (const unsigned char *)"y", 1 };

/* Does the kernel heed the mark, on the object as it is now? */
static bool is_heeded(struct ovl_loc loc, const struct ovl_obs *obs)
{
	enum ovl_opaque opaque = OVL_OPAQUE_NO;

	if (obs->kind != OVL_KIND_DIR || !(obs->xmask & OVL_XBIT(OPAQUE)))
		return false;
	ovl_value_opaque(obs->x[OVL_X_OPAQUE], &opaque);
	if (opaque == OVL_OPAQUE_YES)
		return loc.path != NULL;
	return opaque == OVL_OPAQUE_XWHITE && loc.layer != OVL_LAYER_UPPER;
}

static int strip(struct ovl_fixer *fx)
{
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, fx->finding->loc, &obs);

	if (r < 0)
		return r;
	if (is_heeded(fx->finding->loc, &obs))
		return ovl_way_refuse(fx, "the mark is heeded now");
	r = ovl_way_remove_xattr(fx, fx->finding->loc, OVL_X_OPAQUE);
	return r < 0 ? r : 1;
}

int ovl_fix_opaque_strip(struct ovl_fixer *fx)
{
	return strip(fx);
}

int ovl_fix_opaque_root(struct ovl_fixer *fx)
{
	if (fx->finding->loc.layer != OVL_LAYER_UPPER)
		return ovl_way_refuse(fx, "in a lower layer it may be there for older kernels");
	return strip(fx);
}

/* How many directories below would be shown in this one, were it not for its opaque mark? */
static int count_merged(struct ovl_fixer *fx, struct ovl_loc loc, size_t *ret)
{
	struct ovl_hit hit;
	int r = ovl_fixer_if(fx, loc, OVL_X_OPAQUE, NULL, &hit);

	if (r < 0)
		return r;
	r = hit.result;
	*ret = hit.n_lower - (hit.has_upper ? 0 : 1);
	ovl_hit_done(&hit);
	return r;
}

int ovl_fix_opaque_bare(struct ovl_fixer *fx)
{
	size_t n;
	int r = count_merged(fx, fx->finding->loc, &n);

	if (r == 0 && n > 0)
		return ovl_way_refuse(fx, "it would hide what is visible now");
	if (r == 0)
		r = ovl_way_set_xattr(fx, fx->finding->loc, OVL_X_OPAQUE, mark_y);
	return r < 0 ? r : 1;
}

int ovl_fix_opaque_hide(struct ovl_fixer *fx)
{
	int r = ovl_way_set_xattr(fx, fx->finding->loc, OVL_X_OPAQUE, mark_y);

	return r < 0 ? r : 1;
}
