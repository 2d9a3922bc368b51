/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the test tools share: giving up, growing memory, escaped output, a seeded generator.
 *
 * A test tool may give up at once when something is wrong with the machine: a half-made test is
 * worth nothing. So these functions end the program where the library would return an error.
 * They are deliberately not built on the library under test.
 */
#ifndef TESTS_TOOLS_TOOL_H
#define TESTS_TOOLS_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"

/** ovl_tool_die - say why on stderr, with strerror(errno) if errno is set, and exit with 99 */
void ovl_tool_die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/** ovl_tool_realloc - realloc() of @count times @size bytes that never returns NULL */
void *ovl_tool_realloc(void *p, size_t count, size_t size);

/** ovl_tool_format - asprintf() that never fails; the caller frees the string */
char *ovl_tool_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** ovl_tool_number - a decimal argument from 0 to @max, or the end of the program */
uint64_t ovl_tool_number(const char *text, uint64_t max);

/**
 * ovl_tool_escape - print bytes so that they can break neither a line nor a field
 *
 * Control bytes, bytes above 0x7e and the bytes of @also become \ooo, a backslash becomes \\.
 */
void ovl_tool_escape(FILE *out, const void *data, size_t len, const char *also);

/** ovl_tool_hex - print bytes as lower case hex */
void ovl_tool_hex(FILE *out, const void *data, size_t len);

/** A generator of pseudo-random numbers; the same seed gives the same numbers everywhere. */
struct ovl_rng {
	uint64_t state;
};

/** ovl_tool_random - the next number, 0 <= number < @below; @below is at least 1 */
uint32_t ovl_tool_random(struct ovl_rng *rng, uint32_t below);

/** ovl_tool_chance - true in @n of @of cases */
static inline bool ovl_tool_chance(struct ovl_rng *rng, uint32_t n, uint32_t of)
{
	return ovl_tool_random(rng, of) < n;
}

#endif
