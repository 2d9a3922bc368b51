/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ear of a check.
 */
#include "watch.h"

#include "signals.h"

static bool is_cancelled(void *ctx)
{
	(void)ctx;
	return ovl_signals_cancelled();
}

static void on_progress(void *ctx, enum ovl_pass pass, uint64_t current, uint64_t max)
{
	struct ovl_watch *w = ctx;

	ovl_progress_update(&w->progress, pass, current, max);
}

static void on_pass_done(void *ctx, enum ovl_pass pass, double seconds)
{
	struct ovl_watch *w = ctx;

	w->pass_seconds[pass] += seconds;
	ovl_progress_pass_done(&w->progress, pass);
}

int ovl_watch_begin(struct ovl_watch *w, const struct ovl_options *o, const char *label,
		    struct ovl_error *e)
{
	*w = (struct ovl_watch){ 0 };
	clock_gettime(CLOCK_MONOTONIC, &w->start);
	return ovl_progress_init(&w->progress, o, label, e);
}

struct ovl_check_options ovl_watch_options(struct ovl_watch *w, const struct ovl_reporting *r)
{
	const struct ovl_options *o = r->options;

	return (struct ovl_check_options){
		.threads = o->threads,
		.skip_clean_lowers = o->skip_clean_lowers,
		.profile = r->profile,
		.cancelled = is_cancelled,
		.progress = on_progress,
		.pass_done = on_pass_done,
		.ctx = w,
	};
}

double ovl_watch_end(struct ovl_watch *w, bool whole)
{
	struct timespec now;

	if (whole)
		ovl_progress_finish(&w->progress);
	ovl_progress_done(&w->progress);
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - w->start.tv_sec) +
	       (double)(now.tv_nsec - w->start.tv_nsec) / 1e9;
}

void ovl_watch_done(struct ovl_watch *w)
{
	ovl_progress_done(&w->progress);
}
