/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a lookup found, as one line of text.
 *
 *	directory upper:/a lower2:/b redirect /b
 *	regular file lower1:/f lower3:/g redirect /g data lower3:/g
 *	No such file or directory, whiteout at upper:/a
 *	Input/output error, no lowerdata
 */
#ifndef TESTS_UNIT_HIT_TEXT_H
#define TESTS_UNIT_HIT_TEXT_H

#include "stack/lookup.h"

/** hit_text - the kind, the objects found from the top, marks in force, where the data is; free() it */
char *hit_text(struct ovl_stack *stack, const struct ovl_hit *hit);

/** hit_text_of - look a path up in the part of the stack from layer @first down; free() the text */
char *hit_text_of(struct ovl_stack *stack, int first, const char *path);

#endif
