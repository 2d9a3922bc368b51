/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directories that an overlay needs before it can be checked or mounted.
 */
#ifndef BOOT_LAYER_PATHS_H
#define BOOT_LAYER_PATHS_H

#include <stddef.h>

#include "overlayfs/option.h"

/** Sorted, each once; owned. */
struct ovl_layer_paths {
	char **path;
	size_t n;
	size_t left_out; /* layers that systemd has no way to write */
};

/**
 * ovl_layer_paths - all layers of an overlay, as systemd can be told of them
 * @where: its mount point, absolute
 * @ret: written on 0 only; ovl_layer_paths_done() it
 *
 * A path that is a symlink, or leads through one, is there twice: as it is written and as it is.
 * What lies at or below the mount point is there before the mount is: it stands for the folder that
 * holds the mount point, or else the check would wait for the mount that waits for it.
 * Returns 0 or -ENOMEM.
 */
int ovl_layer_paths(const struct ovl_config *config, const char *where,
		    struct ovl_layer_paths *ret);

/** ovl_layer_paths_done - free and empty */
void ovl_layer_paths_done(struct ovl_layer_paths *p);

#endif
