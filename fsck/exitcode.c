/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outcome to exit code; pure.
 */
#include "exitcode.h"

#include <errno.h>

int ovl_exitcode(const struct ovl_outcome *outcome)
{
	int code = OVL_EXIT_CLEAN;

	if (outcome->problems || outcome->unreadable)
		code |= OVL_EXIT_LEFT;
	if (outcome->failed)
		code |= OVL_EXIT_ERROR;
	if (outcome->cancelled)
		code |= OVL_EXIT_CANCELLED;
	return code;
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
