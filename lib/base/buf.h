/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing buffer of bytes, also used for strings.
 *
 * Invariants: @data is NULL or holds at least @len + 1 bytes and data[len] is NUL, so a buffer can
 * always be read as a string. A zeroed struct is an empty buffer.
 */
#ifndef OVL_BASE_BUF_H
#define OVL_BASE_BUF_H

#include "overlayfs/types.h"

struct ovl_buf {
	char *data;
	size_t len;  /* bytes in use */
	size_t room; /* bytes allocated */
};

/** ovl_buf_done - free and empty; NULL is fine */
void ovl_buf_done(struct ovl_buf *b);

/** ovl_buf_clear - make it empty, keep the memory */
void ovl_buf_clear(struct ovl_buf *b);

/** ovl_buf_reserve - room for @more bytes beyond @len and the NUL; 0 or -ENOMEM */
int ovl_buf_reserve(struct ovl_buf *b, size_t more);

/** ovl_buf_add - append bytes; 0 or -ENOMEM (then nothing was appended) */
int ovl_buf_add(struct ovl_buf *b, const void *data, size_t len);

/** ovl_buf_adds - append a string; 0 or -ENOMEM */
int ovl_buf_adds(struct ovl_buf *b, const char *s);

/** ovl_buf_addc - append one byte; 0 or -ENOMEM */
int ovl_buf_addc(struct ovl_buf *b, char c);

/** ovl_buf_addf - append formatted text; 0 or -ENOMEM */
int ovl_buf_addf(struct ovl_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * ovl_buf_add_escaped - append bytes so that they are safe on a terminal and in a log line
 *
 * Control bytes and DEL become \ooo (three octal digits), a backslash becomes two; bytes that are
 * part of valid UTF-8 stay (but C1 control characters, U+0080 to U+009F, line separators and marks
 * that override the direction of writing are escaped as well), all other bytes >= 0x80 become
 * \ooo. No two inputs give the same output. 0 or -ENOMEM.
 */
int ovl_buf_add_escaped(struct ovl_buf *b, const void *data, size_t len);

/** ovl_buf_add_hex - append bytes as lower-case hex; 0 or -ENOMEM */
int ovl_buf_add_hex(struct ovl_buf *b, const void *data, size_t len);

/** ovl_buf_take - hand over the memory as a string and leave @b empty; NULL when out of memory */
char *ovl_buf_take(struct ovl_buf *b);

/** ovl_buf_bytes - borrow the content */
static inline struct ovl_bytes ovl_buf_bytes(const struct ovl_buf *b)
{
	return (struct ovl_bytes){ (const unsigned char *)b->data, b->len };
}

#endif
