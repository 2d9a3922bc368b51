/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How systemd names units after paths. Pure.
 */
#ifndef OVL_FORMAT_UNITNAME_H
#define OVL_FORMAT_UNITNAME_H

#include "base/buf.h"

/**
 * ovl_unitname_add - append the name of a path, without suffix
 * @path: "/srv/my-data" is "srv-my\x2ddata", "/" is "-"; slashes too many and "." are left out
 *
 * Returns 0, -EINVAL if the path is not absolute or has "..", or -ENOMEM. Mirrors
 * unit_name_path_escape() of systemd.
 */
int ovl_unitname_add(struct ovl_buf *b, const char *path);

/**
 * ovl_unitname_path - the way back
 * @ret: written on 0 only, free() it
 *
 * Returns 0, -EINVAL for a name that ovl_unitname_add() does not make of any path, or -ENOMEM.
 */
int ovl_unitname_path(const char *name, char **ret);

#endif
