/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a directory shows, seen from its own layer down, that is not in that layer: copied into it.
 */
#ifndef OVL_REPAIR_EXPAND_H
#define OVL_REPAIR_EXPAND_H

#include "repair/plan.h"

/**
 * ovl_expand_dir - all operations after which a merged directory needs nothing from below any more
 * @dir: of the upper or of a lower layer, with or without a redirect; if the layer has none there, but that
 *       which holds it, it gets one
 * What it shows from below is copied into it, metacopy files below it are completed, it is made opaque, and
 * the redirects go that lead from it or, being relative, from below it. Whether that is wanted, and nobody
 * needs what is lost by it, is the caller's to know: an index entry of the directory, for one.
 * 1; 0 if it is not possible (see ovl_way_refuse()); negative errno.
 */
int ovl_expand_dir(struct ovl_fixer *fx, struct ovl_loc dir);

#endif
