/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions at the terminal: one finding, its ways, one answer.
 */
#ifndef FSCK_ASK_H
#define FSCK_ASK_H

#include <stdio.h>

#include "overlayfs/repair.h"

/** Who is asked, and what was answered for good. Zeroed, but for what has no other value. */
struct ovl_ask {
	int in; /* where answers come from */
	FILE *out;
	/** Did a signal ask us to stop? Then the answer is to quit. */
	bool (*cancelled)(void);
	/** Tell all about the problem in question. */
	void (*explain)(void *ctx, const struct ovl_question *q);
	void *ctx;

	/* Kept between questions. */
	bool quit;
	struct {
		bool all, skip; /* "yes to all of this kind", "skip this kind" */
	} kind[OVL_P__MAX];
};

/**
 * ovl_ask - put one question and read the answer
 * @head: the line of the finding without its full stop, "upper:/etc/motd: metacopy has ... (slug)"
 *
 * An answer is a line: y, n, a, s, q, e, their words, or the number of a way. An empty line and one
 * that is no answer ask again; the end of the input is taken for q. What was answered for good is
 * printed with its answer and not asked.
 *
 * Returns the number of a way (from 0), OVL_ANSWER_NO or OVL_ANSWER_QUIT.
 */
int ovl_ask(struct ovl_ask *a, const char *head, const struct ovl_question *q);

#endif
