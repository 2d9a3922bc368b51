/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running out of memory at a chosen allocation. Include it in one file of a test program.
 *
 *	OVL_OOM_LOOP(n) {
 *		ovl_oom_arm(n);
 *		r = function_under_test();
 *		if (!ovl_oom_disarm())
 *			break;          // it needed fewer than n allocations: all were tried
 *		ck_assert_int_eq(r, -ENOMEM);
 *	}
 *
 * The program replaces malloc(), calloc() and realloc() of the C library by its own, which is why
 * this cannot be had under the sanitizers, where OVL_OOM is 0, nor under valgrind, where
 * ovl_oom_works() says so: they replace them too.
 */
#ifndef TESTS_UNIT_OOM_H
#define TESTS_UNIT_OOM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OVL_OOM 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define OVL_OOM 0
#endif
#endif
#if !defined(OVL_OOM) && defined(__GLIBC__)
#define OVL_OOM 1
#endif
#ifndef OVL_OOM
#define OVL_OOM 0
#endif

#if OVL_OOM

static volatile unsigned long oom_left; /* allocations until the one that fails; 0: not armed */
static volatile bool oom_failed;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

static bool oom_strikes(void)
{
	if (oom_left == 0 || --oom_left > 0)
		return false;
	oom_failed = true;
	errno = ENOMEM;
	return true;
}

/* The C library has to find them too: its strdup() allocates as well. */
#define OVL_OOM_PUBLIC __attribute__((visibility("default")))

OVL_OOM_PUBLIC void *malloc(size_t size)
{
	return oom_strikes() ? NULL : __libc_malloc(size);
}

OVL_OOM_PUBLIC void *calloc(size_t n, size_t size)
{
	return oom_strikes() ? NULL : __libc_calloc(n, size);
}

OVL_OOM_PUBLIC void *realloc(void *p, size_t size)
{
	return oom_strikes() ? NULL : __libc_realloc(p, size);
}

/** ovl_oom_arm - the @n-th allocation from now on fails, those behind it succeed */
static inline void ovl_oom_arm(unsigned long n)
{
	oom_failed = false;
	oom_left = n;
}

/** ovl_oom_disarm - did it come to that? */
static inline bool ovl_oom_disarm(void)
{
	oom_left = 0;
	return oom_failed;
}

/** ovl_oom_works - can it be done in this process? Says so on stdout if not. */
static inline bool ovl_oom_works(void)
{
	void *(*volatile function)(size_t) = malloc;
	void *p;

	ovl_oom_arm(1);
	p = function(1);
	free(p);
	if (ovl_oom_disarm())
		return true;
	printf("# malloc() is not ours: nothing runs out of memory here\n");
	return false;
}

#define OVL_OOM_LOOP(n) for (unsigned long n = 1;; n++)

#endif
#endif
