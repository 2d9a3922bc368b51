/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Targets of redirects: each lower directory may be shown under one name only, since the kernel keeps
 * one inode for it.
 */
#ifndef OVL_CHECK_TARGET_H
#define OVL_CHECK_TARGET_H

#include "check/view.h"

/**
 * ovl_target_is_claimed - does another name lead to the lower directory that a redirect leads to?
 * @source: the redirected directory, in the upper
 * @target: topmost lower directory that it is merged with
 * For OVL_SCOPE_CROSS. Returns 1 if another redirect does or its own name is uncovered, 0, -ENOMEM.
 */
int ovl_target_is_claimed(const struct ovl_view *v, const struct ovl_path *source,
			  const struct ovl_found *target);

/**
 * ovl_target_report_no_origin - the finding "origin-missing-merge-dir"
 * @in_impure: the directory that holds it is marked impure
 *
 * A merged directory that no mount has looked at yet has no origin, and that is fine. But where the
 * mark says that copied-up objects were here it has lost it. 0 or -ENOMEM.
 */
int ovl_target_report_no_origin(struct ovl_sink *sink, struct ovl_loc loc, bool in_impure,
				const struct ovl_found *lower);

#endif
