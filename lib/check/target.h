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

#endif
