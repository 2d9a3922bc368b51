/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Following symlinks on the root file system.
 */
#ifndef OVL_IO_CHASE_H
#define OVL_IO_CHASE_H

#include "io/mounttable.h"

/**
 * ovl_chase - ovl_boot_chase(), for one who is waited for by an automount
 * @mounts: places that are not touched at all; NULL: not known
 *
 * Somebody looks at an automount, and waits until it is mounted; so does who looks up its name after
 * him, even one who would not go into it (in older kernels). If the mount waits for us, for ever.
 */
int ovl_chase(const struct ovl_mounttable *mounts, const char *path, char **ret);

#endif
