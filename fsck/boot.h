/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --boot: one overlay, before it is mounted.
 */
#ifndef FSCK_BOOT_H
#define FSCK_BOOT_H

#include "reporter.h"

/**
 * ovl_boot - check the overlay of a mount point as much as this boot asks for
 *
 * fstab or its mount unit says where the layers are and what may be repaired, the kernel command line
 * what is wanted of this boot, the stamp what is known already. Returns the exit code.
 */
int ovl_boot(struct ovl_reporting *r);

#endif
