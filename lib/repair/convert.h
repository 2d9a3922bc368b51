/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A conversion: the phases in their order, once the overlay is sound.
 */
#ifndef OVL_REPAIR_CONVERT_H
#define OVL_REPAIR_CONVERT_H

#include "repair/rounds.h"

/**
 * ovl_convert - what the last round found to be converted is converted, phase by phase
 * @rounds: those of the repair before; added to
 * @ret: how it went; zeroed by the caller
 *
 * Nothing is written if the overlay has errors that are left, if something would be lost, or if there is
 * nothing to convert. 0; -ENOSPC before the first write if there is too little space; others as
 * ovl_rounds().
 */
int ovl_convert(struct ovl_work *w, ovl_round_vec *rounds, struct ovl_conversion *ret,
		struct ovl_error *e);

#endif
