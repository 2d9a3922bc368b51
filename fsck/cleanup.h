/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cleanup attributes: what every path out of a function must free is freed by the compiler.
 *
 * The front-end sees the library by its public headers only, so it has these few lines of its own.
 */
#ifndef FSCK_CLEANUP_H
#define FSCK_CLEANUP_H

#include <stdlib.h>

static inline void ovl_cleanup_free(void *p)
{
	free(*(void **)p);
}

/** free() at the end of the scope */
#define _cleanup_free_ __attribute__((cleanup(ovl_cleanup_free)))
/** any function that takes a pointer to the variable */
#define _cleanup_(fn) __attribute__((cleanup(fn)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
