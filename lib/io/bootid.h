/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which boot of the machine this is.
 */
#ifndef OVL_IO_BOOTID_H
#define OVL_IO_BOOTID_H

#include <stdint.h>

/** ovl_bootid - the boot id of the kernel; zeros if it cannot be found out (no /proc) */
void ovl_bootid(uint8_t ret[16]);

#endif
