/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policy and row to verdict.
 */
#include "repair/decide.h"

#include "base/banned.h"

static const char *closed(bool lower, enum ovl_writable writable)
{
	switch (writable) {
	case OVL_WRITABLE_READ_ONLY:
		return "the layer is read-only";
	case OVL_WRITABLE_SHARED:
		return lower ? "the lower layer may be used by others; -E lower=rw repairs it" :
			       NULL;
	case OVL_WRITABLE_FORBIDDEN:
		return "lower layers are left alone (-E lower=ro)";
	case OVL_WRITABLE_YES:
	default:
		return NULL;
	}
}

enum ovl_verdict ovl_decide(const struct ovl_policy *policy, const struct ovl_repair_row *row,
			    bool lower, enum ovl_writable writable, const char **ret_why)
{
	*ret_why = closed(lower, writable);
	if (*ret_why)
		return OVL_VERDICT_NO;
	if (lower && policy->lower == OVL_LOWER_AUTO && row->trust != OVL_WAY_PREEN &&
	    !row->below) {
		*ret_why = "more than -p repairs in a lower layer needs -E lower=rw";
		return OVL_VERDICT_NO;
	}
	switch (policy->mode) {
	case OVL_REPAIR_PREEN:
		if (row->trust == OVL_WAY_PREEN)
			return OVL_VERDICT_DO;
		*ret_why = row->trust == OVL_WAY_YES ?
				   "-p leaves it; run with -y, or without both" :
				   "somebody has to choose; run without -p";
		return OVL_VERDICT_NO;
	case OVL_REPAIR_YES:
		if (row->trust != OVL_WAY_CHOICE)
			return OVL_VERDICT_DO;
		*ret_why = "somebody has to choose; run without -y";
		return OVL_VERDICT_NO;
	case OVL_REPAIR_ASK:
	default:
		return OVL_VERDICT_OFFER;
	}
}
