/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One overlay: from its layers to the exit code.
 */
#ifndef FSCK_EXAMINE_H
#define FSCK_EXAMINE_H

#include "reporter.h"
#include "source.h"

/**
 * ovl_examine - do with an overlay what the options ask for, and report
 * @r: with form, out and options; the rest is filled in, and points to what is gone after the call
 * @source: its options may be settled further
 *
 * Returns the exit code.
 */
int ovl_examine(struct ovl_reporting *r, struct ovl_source *source);

#endif
