/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals, turned into flags that are read between objects.
 */
#ifndef FSCK_SIGNALS_H
#define FSCK_SIGNALS_H

#include <stdbool.h>

/** What SIGUSR1 and SIGUSR2 ask for, as with e2fsck. */
enum ovl_wish {
	OVL_WISH_NONE,
	OVL_WISH_PROGRESS,    /* SIGUSR1: show progress */
	OVL_WISH_NO_PROGRESS, /* SIGUSR2: stop it */
};

/**
 * ovl_signals_install - from now on no signal interrupts a system call or ends us half way
 *
 * SIGINT, SIGTERM and SIGHUP ask the check to stop; the second one does not wait for it. One that
 * our caller had us ignore (nohup, a background job) stays ignored. SIGPIPE is ignored: a reader of
 * the report or of -C that goes away is an error of that write and no more.
 */
void ovl_signals_install(void);

/** ovl_signals_cancelled - did somebody ask us to stop? */
bool ovl_signals_cancelled(void);

/** ovl_signals_wish - what was asked for since the last call */
enum ovl_wish ovl_signals_wish(void);

#endif
