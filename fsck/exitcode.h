/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the program says to the shell, to fsck(8) and to xfstests: the bits of fsck(8).
 */
#ifndef FSCK_EXITCODE_H
#define FSCK_EXITCODE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	OVL_EXIT_CLEAN = 0,
	OVL_EXIT_CORRECTED = 1,  /* everything that was found; never together with: */
	OVL_EXIT_LEFT = 4,       /* problems are left */
	OVL_EXIT_ERROR = 8,      /* could not work */
	OVL_EXIT_USAGE = 16,     /* the command line makes no sense */
	OVL_EXIT_CANCELLED = 32, /* by a signal */
};

/** All that decides the exit code of a check or a repair. */
struct ovl_outcome {
	uint64_t corrected;  /* problems that were put right, information too */
	uint64_t left;       /* errors and warnings that are left; information does not count */
	uint64_t unreadable; /* objects that could not be read: never clean then */
	bool cancelled;
	bool failed; /* the check or its report could not be finished */
};

/** ovl_exitcode - the exit code of an outcome; pure */
int ovl_exitcode(const struct ovl_outcome *outcome);

/** ovl_exitcode_join - two exit codes as one; never corrected and left together; pure */
int ovl_exitcode_join(int a, int b);

/**
 * ovl_exitcode_of_error - the exit code for a negative errno that ended the program early; pure
 *
 * -EINVAL and -ENOTUNIQ are what the library answers to a request that makes no sense, -ECANCELED
 * to a signal; everything else means that we could not look.
 */
int ovl_exitcode_of_error(int error);

#endif
