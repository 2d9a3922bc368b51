/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended options: the operand of -E.
 */
#ifndef FSCK_EXTENDED_H
#define FSCK_EXTENDED_H

#include <stdio.h>

#include "options.h"

/**
 * ovl_extended_parse - heed one operand of -E, "key=value,key,..."
 * @e: names the key, and the valid ones if there is no such key
 *
 * Returns 0, -EINVAL or -ENOMEM.
 */
int ovl_extended_parse(struct ovl_options *o, const char *operand, struct ovl_error *e);

/**
 * ovl_extended_threads - a number of threads, as -j and threads= want it
 * @word: how the option is written, for the message
 *
 * Returns 0 or -EINVAL.
 */
int ovl_extended_threads(struct ovl_options *o, const char *word, const char *value,
			 struct ovl_error *e);

/** ovl_extended_usage - the part of --help about -E */
void ovl_extended_usage(FILE *out);

#endif
