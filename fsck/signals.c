/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals, turned into flags. These two flags are the only state of the program that is not passed
 * along in arguments: a handler has no other way to tell us.
 */
#include "signals.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "cleanup.h"
#include "exitcode.h"

static volatile sig_atomic_t cancelled;
static volatile sig_atomic_t wish;

/* The layers may lie on a server that does not answer any more: then only the second signal helps. */
static void on_cancel(int sig)
{
	(void)sig;
	if (cancelled)
		_exit(OVL_EXIT_CANCELLED);
	cancelled = 1;
}

static void on_wish(int sig)
{
	wish = sig == SIGUSR1 ? OVL_WISH_PROGRESS : OVL_WISH_NO_PROGRESS;
}

static void handle(int sig, void (*handler)(int), bool even_if_ignored)
{
	struct sigaction sa = { .sa_flags = SA_RESTART }, old;

	if (!even_if_ignored && sigaction(sig, NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) &&
	    old.sa_handler == SIG_IGN)
		return;
	sa.sa_handler = handler;
	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

void ovl_signals_install(void)
{
	static const int cancels[] = { SIGINT, SIGTERM, SIGHUP };
	size_t i;

	for (i = 0; i < ARRAY_LEN(cancels); i++)
		handle(cancels[i], on_cancel, false);
	handle(SIGUSR1, on_wish, true);
	handle(SIGUSR2, on_wish, true);
	handle(SIGPIPE, SIG_IGN, true);
}

bool ovl_signals_cancelled(void)
{
	return cancelled != 0;
}

enum ovl_wish ovl_signals_wish(void)
{
	enum ovl_wish w = (enum ovl_wish)wish;

	/* A signal between these two lines is lost; the one before it said the same or is obsolete. */
	if (w != OVL_WISH_NONE)
		wish = OVL_WISH_NONE;
	return w;
}
