/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is shown progress while the machine boots.
 */
#ifndef FSCK_BOOT_PROGRESS_H
#define FSCK_BOOT_PROGRESS_H

#include "options.h"

/**
 * ovl_boot_progress_open - as systemd-fsck does it
 * @o: its wishes about progress are written, unless -C was given
 *
 * To a daemon that listens at /run/systemd/fsck.progress the lines of -C are written; without one, a
 * percentage to /dev/console if /run/systemd/show-status says that the boot is shown. Nothing here waits,
 * and nobody minds if it fails. Returns the descriptor, which the caller closes, or -1.
 */
int ovl_boot_progress_open(struct ovl_options *o);

#endif
