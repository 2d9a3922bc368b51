/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command lines to print: words quoted for a shell.
 */
#ifndef FSCK_COMMAND_H
#define FSCK_COMMAND_H

#include "options.h"

/**
 * ovl_command_line - the command line that was given, one printable line that a shell understands
 *
 * Words of plain characters stay as they are, others are quoted; control characters and bytes that are
 * not UTF-8 are written as bash reads them, $'\ooo'. Free() it; NULL when out of memory.
 */
char *ovl_command_line(const struct ovl_options *o);

/** ovl_command_undo - the command line that takes journal @id of the same layers back; the same */
char *ovl_command_undo(const struct ovl_options *o, const char *id);

#endif
