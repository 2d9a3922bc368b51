/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which ways are open to whom: the policy, and nothing of the disk.
 */
#ifndef OVL_REPAIR_DECIDE_H
#define OVL_REPAIR_DECIDE_H

#include "repair/plan.h"

/** What is known about the layer that a repair would write to. */
enum ovl_writable {
	OVL_WRITABLE_YES,
	OVL_WRITABLE_READ_ONLY, /* the mount, or the file system */
	OVL_WRITABLE_SHARED,    /* a lower that somebody else may use: see lower.h */
	OVL_WRITABLE_FORBIDDEN, /* -E lower=ro */
};

/**
 * ovl_decide - may this way be taken without asking, be offered, or neither?
 * @lower: the finding is in a lower layer
 * @ret_why: if it may not be offered: the reason, static; NULL where it goes without saying
 * Pure.
 */
enum ovl_verdict { OVL_VERDICT_NO, OVL_VERDICT_OFFER, OVL_VERDICT_DO };
enum ovl_verdict ovl_decide(const struct ovl_policy *policy, const struct ovl_repair_row *row,
			    bool lower, enum ovl_writable writable, const char **ret_why);

#endif
