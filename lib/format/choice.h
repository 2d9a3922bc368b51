/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options that take one word out of a few, such as redirect_dir=follow.
 *
 * In struct ovl_config each of them is an enum of its own; here a value is an int, 0 meaning "not
 * given", so that the parser and the renderer need one loop instead of seven cases.
 */
#ifndef OVL_FORMAT_CHOICE_H
#define OVL_FORMAT_CHOICE_H

#include "overlayfs/option.h"

enum ovl_choice {
	OVL_CHOICE_REDIRECT_DIR,
	OVL_CHOICE_INDEX,
	OVL_CHOICE_UUID,
	OVL_CHOICE_NFS_EXPORT,
	OVL_CHOICE_XINO,
	OVL_CHOICE_METACOPY,
	OVL_CHOICE_VERITY,
	OVL_CHOICE__MAX
};

/** ovl_choice_find - the option called @name; false if it is none of these */
bool ovl_choice_find(const char *name, enum ovl_choice *ret_choice);

/** ovl_choice_name - the name of the option; static storage */
const char *ovl_choice_name(enum ovl_choice choice);

/** ovl_choice_parse - the value (above 0) that a word stands for, or -EINVAL */
int ovl_choice_parse(enum ovl_choice choice, const char *word);

/** ovl_choice_word - the word for a value; NULL for 0, "not given" */
const char *ovl_choice_word(enum ovl_choice choice, int value);

/** ovl_choice_get - the value in a configuration, 0 if not given */
int ovl_choice_get(const struct ovl_config *c, enum ovl_choice choice);

/** ovl_choice_put - set the value in a configuration */
void ovl_choice_put(struct ovl_config *c, enum ovl_choice choice, int value);

#endif
