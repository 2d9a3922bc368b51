/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be done with an opened stack: each task is one function, from the stack to the exit code.
 */
#ifndef FSCK_TASK_H
#define FSCK_TASK_H

#include "reporter.h"

/** ovl_task_check - -n: look at everything, say what was found */
int ovl_task_check(struct ovl_reporting *r, struct ovl_stack *stack);

/**
 * ovl_task_quick - a quick check
 * @ret_found: why everything is to be looked at, the slug of a problem; nothing was reported then. Else
 *             left alone
 * Returns the exit code.
 */
int ovl_task_quick(struct ovl_reporting *r, struct ovl_stack *stack, const char **ret_found);

/** ovl_task_repair - -p, -y or questions: look, repair, say what became of it */
int ovl_task_repair(struct ovl_reporting *r, struct ovl_stack *stack);

/** ovl_task_undo - --undo: take a repair back; with -n only say what would be taken back */
int ovl_task_undo(struct ovl_reporting *r, struct ovl_stack *stack);

/** ovl_task_list_undo - --list-undo: tell what could be taken back */
int ovl_task_list_undo(struct ovl_reporting *r, struct ovl_stack *stack);

/** ovl_task_inspect - --inspect: why does the overlay show a path as it does */
int ovl_task_inspect(struct ovl_reporting *r, struct ovl_stack *stack);

#endif
