/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names are bytes; terminals and JSON want UTF-8.
 */
#ifndef FSCK_UTF8_H
#define FSCK_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * ovl_utf8_next - the character at the start of some bytes
 * @s: @len bytes, at least one
 * @ret_c: the code point, written if there is a valid one
 *
 * Returns the bytes that it takes; 0 if they are not valid UTF-8 (overlong forms, surrogates and
 * what lies beyond U+10FFFF are not). Pure.
 */
size_t ovl_utf8_next(const char *s, size_t len, uint32_t *ret_c);

/**
 * ovl_utf8_is_unsafe - may a character not go to a terminal as it is?
 *
 * Control characters (C0, DEL and C1), the line separators, and the marks that turn the direction
 * of writing, with which a name could dress up the rest of the line. Pure.
 */
bool ovl_utf8_is_unsafe(uint32_t c);

/**
 * ovl_utf8_clean - a copy of a string in which each byte that is not valid UTF-8 became U+FFFD
 * @ret_replaced: was there any? Written on success only, may be NULL
 *
 * Free() it; NULL when out of memory.
 */
char *ovl_utf8_clean(const char *s, bool *ret_replaced);

#endif
