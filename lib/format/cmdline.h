/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel command line. Pure.
 */
#ifndef OVL_FORMAT_CMDLINE_H
#define OVL_FORMAT_CMDLINE_H

#include "base/buf.h"
#include "overlayfs/boot.h"

/** How words are separated. */
enum ovl_cmdline_form {
	OVL_CMDLINE_TEXT, /* /proc/cmdline: by blanks that no quote protects */
	OVL_CMDLINE_ARGV, /* /proc/1/cmdline: by NULs, and that is all */
};

/**
 * ovl_cmdline_next - the next word
 * @rest: what is left, advanced
 * @word: replaced
 *
 * In text, ' and " hide blanks and are taken out, wherever in a word they stand; an open quote goes
 * to the end; a backslash is a byte like others, a NUL is a blank. Returns 1, 0 at the end (@word
 * is then empty), -ENOMEM. Mirrors extract_first_word() of systemd, as proc_cmdline_parse() uses it.
 */
int ovl_cmdline_next(struct ovl_bytes *rest, enum ovl_cmdline_form form, struct ovl_buf *word);

/**
 * ovl_cmdline_parse - see ovl_boot_read()
 * @ret: always written; if memory runs out, with nothing said
 *
 * Returns 0 or -ENOMEM.
 */
int ovl_cmdline_parse(struct ovl_bytes line, enum ovl_cmdline_form form, bool in_initrd,
		      struct ovl_boot *ret);

/**
 * ovl_cmdline_bool - "1", "yes", "y", "true", "t", "on" and their opposites, in any case
 *
 * Returns 1, 0, or -EINVAL. Mirrors parse_boolean() of systemd.
 */
int ovl_cmdline_bool(const char *value);

#endif
