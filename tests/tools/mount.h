/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounting an overlay without mount(8) and libmount, which have opinions of their own about
 * backslashes and commas and which tell no errno.
 */
#ifndef TESTS_TOOLS_MOUNT_H
#define TESTS_TOOLS_MOUNT_H

#include <stdbool.h>

/**
 * ovl_mount - mount an overlay (nosuid, nodev) at @dir
 * @options: as for mount -o, with the kernel's escapes; lowerdir+= and datadir+= may occur
 *
 * Takes mount(2), or fsconfig(2) for what that cannot do: lowerdir+=, and strings longer than a
 * page. There each lower is given by lowerdir+= of its own, and upperdir and workdir must not
 * need escapes.
 *
 * Returns 0 or -errno.
 */
int ovl_mount(const char *options, const char *dir, bool readonly);

#endif
