/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --explain and --list-problems: the problem table, for people.
 */
#ifndef FSCK_EXPLAIN_H
#define FSCK_EXPLAIN_H

#include "reporter.h"

/**
 * ovl_explain_find - which problem does the user mean?
 * @name: its slug, or its id as "0x0301"
 * @ret: written on success only
 * @e: on failure, problems with similar names
 *
 * Returns 0, -EINVAL if there is no such problem, or -ENOMEM.
 */
int ovl_explain_find(const char *name, enum ovl_problem_id *ret, struct ovl_error *e);

/** ovl_explain_text - reporter.explain() of the text report */
int ovl_explain_text(struct ovl_reporting *r, enum ovl_problem_id id);

/** ovl_explain_list - reporter.list() of the text report */
int ovl_explain_list(struct ovl_reporting *r);

#endif
