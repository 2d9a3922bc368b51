/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outcome to exit code; pure.
 */
#include "exitcode.h"

#include <errno.h>

int ovl_exitcode(const struct ovl_outcome *outcome)
{
	int code = OVL_EXIT_CLEAN;

	/* Who did not come to the end does not know that everything is corrected. */
	if (outcome->left || outcome->unreadable)
		code |= OVL_EXIT_LEFT;
	else if (outcome->corrected && !outcome->cancelled && !outcome->failed)
		code |= OVL_EXIT_CORRECTED;
	if (outcome->failed)
		code |= OVL_EXIT_ERROR;
	if (outcome->cancelled)
		code |= OVL_EXIT_CANCELLED;
	return code;
}

int ovl_exitcode_join(int a, int b)
{
	int code = a | b;

	return code & OVL_EXIT_LEFT ? code & ~OVL_EXIT_CORRECTED : code;
}

int ovl_exitcode_of_error(int error)
{
	switch (error) {
	case -EINVAL:
	case -ENOTUNIQ:
		return OVL_EXIT_USAGE;
	case -ECANCELED:
		return OVL_EXIT_CANCELLED;
	default:
		return OVL_EXIT_ERROR;
	}
}
