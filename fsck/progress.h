/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Progress: the lines of -C fd, or a bar.
 */
#ifndef FSCK_PROGRESS_H
#define FSCK_PROGRESS_H

#include "options.h"
#include "overlayfs/check.h"

struct ovl_progress {
	bool on;
	bool console;   /* "label: fsck 12.3% complete..." on @fd, as systemd-fsck does */
	bool lines;     /* "pass current max device" to @fd, as e2fsck does; else a bar on @fd */
	bool automatic; /* nobody asked: wait a moment before the bar appears */
	bool tty;
	int fd;
	char *device; /* the label as -C wants it: no blanks, no colons */
	char *label;  /* the label as the bar shows it */
	unsigned width;
	double start;     /* monotonic seconds */
	double last_pass; /* when the pass began */
	double percent;   /* the highest that was shown */
	double drawn;     /* when the last line or bar was written */
	bool visible;     /* a bar stands on the terminal */
	int pass;         /* the last one heard of, with: */
	uint64_t current, max;
};

/**
 * ovl_progress_init - prepare it as the command line wishes
 * @label: the overlay's name, raw bytes
 * @e: why not
 *
 * -C N writes lines to descriptor N; -C 0 draws a bar on stdout; -C -N is prepared, but silent
 * until SIGUSR1 comes; SIGUSR2 silences it. Without -C a bar is drawn if stdout is a terminal and
 * the check takes a while. With --json stdout is for the document, and bars go to stderr.
 *
 * Returns 0, -EBADF if descriptor N is not open, or -ENOMEM. ovl_progress_done() it.
 */
int ovl_progress_init(struct ovl_progress *p, const struct ovl_options *o, const char *label,
		      struct ovl_error *e);

/** ovl_progress_done - take the bar away and free everything */
void ovl_progress_done(struct ovl_progress *p);

/** ovl_progress_hide - take the bar away; the next update may draw it again */
void ovl_progress_hide(struct ovl_progress *p);

/**
 * ovl_progress_update - the check stands at @current of @max in @pass
 *
 * Called from one thread at a time. A reader that went away silences us; it is no error.
 */
void ovl_progress_update(struct ovl_progress *p, enum ovl_pass pass, uint64_t current,
			 uint64_t max);

/** ovl_progress_pass_done - @pass is over */
void ovl_progress_pass_done(struct ovl_progress *p, enum ovl_pass pass);

/** ovl_progress_finish - all five passes are over, also those that had nothing to do */
void ovl_progress_finish(struct ovl_progress *p);

/** ovl_progress_percent - how much of the whole is done; pure */
double ovl_progress_percent(enum ovl_pass pass, uint64_t current, uint64_t max);

#endif
