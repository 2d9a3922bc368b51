/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths in error texts: an error is one line, whatever bytes a path is made of.
 */
#ifndef OVL_IO_SHOWN_H
#define OVL_IO_SHOWN_H

/** ovl_shown_path - @path with control bytes escaped; free() it; NULL when out of memory */
char *ovl_shown_path(const char *path);

/** The same as an argument of %s, which must not be NULL. */
static inline const char *ovl_shown_or(const char *shown)
{
	return shown ? shown : "?";
}

#endif
