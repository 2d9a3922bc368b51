/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the library tells and asks while it works: progress, times, signals.
 */
#ifndef FSCK_WATCH_H
#define FSCK_WATCH_H

#include <time.h>

#include "progress.h"
#include "reporter.h"

struct ovl_watch {
	struct ovl_progress progress;
	double pass_seconds[OVL_PASS__MAX]; /* of all rounds together */
	struct timespec start;
};

/** ovl_watch_begin - errors as ovl_progress_init(); ovl_watch_done() it */
int ovl_watch_begin(struct ovl_watch *w, const struct ovl_options *o, const char *label,
		    struct ovl_error *e);

/** ovl_watch_options - what the library is to be told; points to @w */
struct ovl_check_options ovl_watch_options(struct ovl_watch *w, const struct ovl_reporting *r);

/** ovl_watch_end - the work is over; @whole: to its end. Takes the bar away; returns seconds */
double ovl_watch_end(struct ovl_watch *w, bool whole);

void ovl_watch_done(struct ovl_watch *w);

#endif
