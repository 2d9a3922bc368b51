/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --boot=end: one overlay, after it was unmounted.
 */
#ifndef FSCK_BOOT_END_H
#define FSCK_BOOT_END_H

#include "reporter.h"

/**
 * ovl_boot_end - note in the stamp that the overlay was unmounted as it should
 *
 * So that the next boot can tell a crash from that. Does nothing, and says so, as long as somebody uses the
 * layers. Returns the exit code.
 */
int ovl_boot_end(struct ovl_reporting *r);

#endif
