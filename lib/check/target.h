/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Targets of redirects: each lower directory may be shown under one name only, since the kernel keeps
 * one inode for it.
 */
#ifndef OVL_CHECK_TARGET_H
#define OVL_CHECK_TARGET_H

#include "check/view.h"

/**
 * ovl_target_is_claimed - does another name lead to the lower directory that a directory is merged with?
 * @source: the directory, in the upper
 * @target: topmost lower directory that it is merged with
 * For OVL_SCOPE_CROSS. Returns 1 if a redirect elsewhere does or its own name is uncovered, 0, -ENOMEM.
 */
int ovl_target_is_claimed(const struct ovl_view *v, const struct ovl_path *source,
			  struct ovl_loc target, const struct ovl_stat *stat);

/**
 * ovl_target_is_lost - does a redirect on the way to what lies below this object lead nowhere?
 *
 * That of a directory above it, if its own redirect is no absolute one; else that of a lower directory
 * on the path. Then that redirect is the finding, and what is missing below this object follows from it.
 * Returns 1, 0 or -ENOMEM.
 */
int ovl_target_is_lost(const struct ovl_view *v);

#endif
