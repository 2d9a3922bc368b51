/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of a check or a repair: the report, and the exit code.
 */
#ifndef FSCK_CONCLUDE_H
#define FSCK_CONCLUDE_H

#include "reporter.h"

/**
 * ovl_conclude - count, report, and say how it ends
 * @s: results, seconds, cancelled, journal, recovered are given; the rest is filled in
 * @asked: what was agreed to or declined has been told already, at the terminal
 * @failed: it could not be finished
 *
 * Returns the exit code.
 */
int ovl_conclude(struct ovl_reporting *r, struct ovl_summary *s, bool asked, bool failed);

#endif
