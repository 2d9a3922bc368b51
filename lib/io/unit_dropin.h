/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drop-ins of a mount unit.
 */
#ifndef OVL_IO_UNIT_DROPIN_H
#define OVL_IO_UNIT_DROPIN_H

#include "io/unit_file.h"

/**
 * ovl_unit_dropins - read all drop-ins of a unit over what it says
 * @dirs: as for ovl_unit_file_find()
 * @stem: the name of the unit without ".mount"
 * Returns 0 or an errno as ovl_unit_parse().
 */
int ovl_unit_dropins(const char *const *dirs, const char *stem, struct ovl_unit_file *u,
		     struct ovl_error *e);

#endif
