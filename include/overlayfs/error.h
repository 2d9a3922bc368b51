/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors: why the program could not look or could not work.
 *
 * Three kinds of bad news never mix. A *finding* (check.h) is data about the layers. An *error* is
 * a negative errno: a file could not be read, memory ran out. A *bug* is an assert. Functions
 * return the errno; the leaf that fails also fills a struct ovl_error, once, with the place and
 * the cause, so that the front-end can print one good line. Libraries never print.
 */
#ifndef OVERLAYFS_ERROR_H
#define OVERLAYFS_ERROR_H

struct ovl_error {
	int code;   /* the negative errno, 0 while nothing has failed */
	char *text; /* one line without newline, owned by this struct; NULL when memory ran out */
};

/** An empty error, for initialisation. */
#define OVL_ERROR_INIT  \
	{               \
		0, NULL \
	}

/**
 * ovl_fail - record what failed and hand the errno on
 * @e: where to record it, may be NULL; an error already recorded is kept (the leaf knows best)
 * @code: a negative errno
 * @fmt: place and what was tried, e.g. "cannot open lower layer '%s'"; the cause
 *       (": No such file or directory") is appended
 *
 * Returns @code, so that callers write `return ovl_fail(e, -errno, ...)`.
 */
int ovl_fail(struct ovl_error *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * ovl_fail_plain - like ovl_fail(), but the text says it all and no cause is appended
 */
int ovl_fail_plain(struct ovl_error *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** ovl_error_done - free the text and empty the struct; NULL is fine */
void ovl_error_done(struct ovl_error *e);

#endif
