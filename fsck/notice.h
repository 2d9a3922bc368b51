/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is told on stderr before the work begins.
 */
#ifndef FSCK_NOTICE_H
#define FSCK_NOTICE_H

#include "reporter.h"

/** ovl_notice_unknown - mount options that are no options of an overlay, once */
void ovl_notice_unknown(const struct ovl_reporting *r, const struct ovl_config *c);

/** ovl_notice_debug - -d: which layers and options are in force; 0 or -ENOMEM */
int ovl_notice_debug(const struct ovl_options *o, const struct ovl_stack *stack);

/**
 * ovl_notice_users - warn if the layers of a check are in use
 * @ret_users: who uses them, see ovl_stack_users(); free() it; left alone if nobody does
 *
 * Such a check is allowed, since it changes nothing; but what it sees may change.
 */
void ovl_notice_users(const struct ovl_reporting *of, char **ret_users);

#endif
