/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reader that fails: wraps another one, counts what is asked of it, and lets chosen calls fail
 * with a chosen errno. Many threads may use it at once.
 *
 *	reader_fault_init(&f, ovl_reader_linux());
 *	f.nth = 7, f.err = -EIO;		the seventh call of all
 *	f.calls = READER_BIT(GET_XATTR);	... of those that get an xattr
 *	f.name = "motd";			... of an object with this name
 *	ovl_stack_open(&config, &f.reader, ...);
 */
#ifndef TESTS_UNIT_READER_FAULT_H
#define TESTS_UNIT_READER_FAULT_H

#include "io/reader.h"

/** The calls that can fail, in the order of struct ovl_reader_ops. */
enum reader_call {
	READER_OPEN_DIR,
	READER_READ_DIR,
	READER_STAT,
	READER_LIST_XATTRS,
	READER_GET_XATTR,
	READER_READ_LINK,
	READER_OPEN_FILE,
	READER_PREAD,
	READER_SEEK_DATA,
	READER_ENCODE,
	READER_DECODE,
	READER_MEASURE_VERITY,
	READER_THREAD_START,
	READER__MAX
};

#define READER_BIT(CALL) (1u << READER_##CALL)

struct reader_fault {
	struct ovl_reader reader; /* first, so that one is the other */
	struct ovl_reader *real;

	/* Which calls fail: those that all of these agree on. */
	int err;          /* the negative errno; 0: none fails */
	uint64_t nth;     /* the n-th of those that the other fields leave, 1 the first; 0: each */
	unsigned calls;   /* mask of READER_BIT(); 0: any */
	const char *name; /* of an open_dir() of several names the last one; NULL: any */
	bool no_types;    /* not a failure: directories do not tell the types of their entries */

	/* What happened; atomic while threads run. */
	uint64_t n_matching;          /* calls that calls and name left */
	uint64_t n_failed;            /* of these, how many were made to fail */
	uint64_t n_call[READER__MAX]; /* of all */
	int64_t n_open;               /* descriptors handed out and not closed yet */
	int64_t n_threads;            /* thread_start() without thread_stop() */
	unsigned failed_call;         /* the last one that failed, for messages */
	char failed_name[64];
};

/** reader_fault_init - wrap @real; nothing fails yet. Holds no resources. */
void reader_fault_init(struct reader_fault *f, struct ovl_reader *real);

/** reader_fault_rearm - forget what happened, and fail the @nth call from now on with @err */
void reader_fault_rearm(struct reader_fault *f, uint64_t nth, int err);

/** reader_fault_call_name - "open_dir" and so on */
const char *reader_fault_call_name(unsigned call);

#endif
