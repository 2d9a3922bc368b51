/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unit that checks an overlay: is it there for systemd?
 */
#ifndef BOOT_TEMPLATE_H
#define BOOT_TEMPLATE_H

#include <stdbool.h>

/**
 * ovl_template_is_there - can systemd start fsck-overlay@INSTANCE.service?
 *
 * It cannot if neither it nor the template is in a folder that systemd reads, or if one of them is
 * masked; a mount that requires it would fail then.
 */
bool ovl_template_is_there(const char *instance);

#endif
