/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cutting an option string into words, and the words that are not for overlayfs.
 */
#ifndef OVL_FORMAT_OPTION_WORD_H
#define OVL_FORMAT_OPTION_WORD_H

#include "overlayfs/types.h"

/**
 * ovl_option_word_next - the next word of an option string
 * @pos: where to go on; NULL at the end
 * @ret_word: the word, which may be empty; borrowed from the string; written on 1 only
 *
 * A word ends at a comma that no backslash protects, as the kernel cuts. In the security labels
 * that mount(8) keeps for itself, context="..." and the like, quotes protect commas too.
 * Returns 1, 0 at the end, or -EINVAL for a quote that is not closed. Kernel: ovl_next_opt().
 */
int ovl_option_word_next(const char **pos, struct ovl_bytes *ret_word);

/** ovl_option_word_is_vfs - a word (its part before "=") of mount(8), of the VFS or of the security
 *                           modules: it says nothing about the layers. "ro" and "rw" are not among
 *                           them. */
bool ovl_option_word_is_vfs(const char *name);

#endif
