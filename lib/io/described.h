/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An overlay as fstab or a unit file describes it, mounted or not.
 */
#ifndef OVL_IO_DESCRIBED_H
#define OVL_IO_DESCRIBED_H

#include "overlayfs/option.h"

/**
 * ovl_described_where - a mount point to compare with others
 *
 * Absolute, symlinks followed as far as there is something: it may not be there before the boot is
 * over. free() it; NULL when out of memory.
 */
char *ovl_described_where(const char *path);

/**
 * ovl_described_config - the layers and options that a description means
 * @c: added to
 *
 * As ovl_config_parse(); but layers without a slash in front begin at the root, where the mount is
 * made at boot, whatever directory we are in.
 */
int ovl_described_config(const char *options, struct ovl_config *c, struct ovl_error *e);

#endif
