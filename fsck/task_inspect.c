/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inspection: ask the library about one path, and report.
 */
#include "cleanup.h"
#include "exitcode.h"
#include "task.h"

static void free_inspection(struct ovl_inspect_memory **memory)
{
	if (*memory)
		ovl_inspect_free(*memory);
}

int ovl_task_inspect(struct ovl_reporting *r, struct ovl_stack *stack)
{
	_cleanup_(free_inspection) struct ovl_inspect_memory *memory = NULL;
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_inspection inspection;
	int error;

	error = ovl_inspect(stack, r->options->inspect, &inspection, &memory, &e);
	if (error == 0)
		error = r->form->inspection(r, r->options->inspect, &inspection);
	return error < 0 ? ovl_reporter_fail(r, error, &e) : OVL_EXIT_CLEAN;
}
