/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text for people: escaped names, numbers, sizes, paragraphs.
 */
#ifndef FSCK_TEXT_H
#define FSCK_TEXT_H

#include <stdint.h>
#include <stdio.h>

/** Room for any number or size that ovl_text_number() and ovl_text_size() write. */
enum { OVL_TEXT_NUMBER = 32 };

/**
 * ovl_text_escape - a name, safe on a terminal and in a log line
 *
 * Control characters and bytes that are not UTF-8 become \ooo (three octal digits a byte), a
 * backslash becomes two: no two names look alike. It is the form that places have in the library's
 * messages. Free() it; NULL when out of memory.
 */
char *ovl_text_escape(const char *name);

/**
 * ovl_text_safe - like ovl_text_escape(), for a message that may hold escaped names already
 *
 * Backslashes stay as they are. Free() it; NULL when out of memory.
 */
char *ovl_text_safe(const char *message);

/** ovl_text_join - lines as one, "a\nb" to "a; b"; free() it; NULL when out of memory */
char *ovl_text_join(const char *lines);

/** ovl_text_number - "1,234,567"; returns @buf, which has OVL_TEXT_NUMBER bytes */
const char *ovl_text_number(char *buf, uint64_t n);

/** ovl_text_size - "12 B", "3.1 GiB"; returns @buf, which has OVL_TEXT_NUMBER bytes */
const char *ovl_text_size(char *buf, uint64_t bytes);

/** ovl_text_sentence - print a text with a capital first letter */
void ovl_text_sentence(FILE *out, const char *text);

/** ovl_text_paragraph - print words in lines of at most 78 columns, each after @indent blanks */
void ovl_text_paragraph(FILE *out, unsigned indent, const char *text);

#endif
