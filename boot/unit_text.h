/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of the drop-ins.
 */
#ifndef BOOT_UNIT_TEXT_H
#define BOOT_UNIT_TEXT_H

#include <stdbool.h>

#include "layer_paths.h"

/**
 * ovl_unit_text_can_be - can a unit file of systemd name this path?
 *
 * Not if it is no valid UTF-8, has a newline or a carriage return, has "..", or is too long to be a
 * path; there is no way to escape these.
 */
bool ovl_unit_text_can_be(const char *path);

/**
 * ovl_unit_text_service - the drop-in of the check
 * @source: the file that describes the overlay; NULL: none
 *
 * free() it; NULL when out of memory.
 */
char *ovl_unit_text_service(const struct ovl_layer_paths *layers, const char *source);

/**
 * ovl_unit_text_mount - the drop-in of the mount
 * @service: the unit that checks it; NULL: none does
 * @need: the mount is not to be made if the check fails
 *
 * free() it; NULL when out of memory.
 */
char *ovl_unit_text_mount(const struct ovl_layer_paths *layers, const char *service, bool need);

#endif
