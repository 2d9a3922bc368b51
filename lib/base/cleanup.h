/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cleanup attributes: what every path out of a function must free is freed by the compiler.
 */
#ifndef OVL_BASE_CLEANUP_H
#define OVL_BASE_CLEANUP_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static inline void ovl_cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void ovl_cleanup_close(const int *fd)
{
	/* Cleaning up must not change the errno that the caller is about to return. */
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

/** free() at the end of the scope */
#define _cleanup_free_ __attribute__((cleanup(ovl_cleanup_free)))
/** close() at the end of the scope; initialise with -EBADF */
#define _cleanup_close_ __attribute__((cleanup(ovl_cleanup_close)))
/** any function that takes a pointer to the variable */
#define _cleanup_(fn) __attribute__((cleanup(fn)))

/** Hands a pointer over: the variable becomes NULL, so that its cleanup does nothing. */
#define TAKE_PTR(p)                         \
	({                                  \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

/** Hands a file descriptor over. */
#define TAKE_FD(fd)                \
	({                         \
		int taken_ = (fd); \
		(fd) = -EBADF;     \
		taken_;            \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
