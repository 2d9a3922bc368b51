/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --boot=end. See boot_end.h.
 */
#include "boot_end.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "exitcode.h"
#include "message.h"
#include "overlayfs/mount.h"
#include "overlayfs/stamp.h"

static void close_stack(struct ovl_stack **stack)
{
	ovl_stack_close(*stack);
}

/* That nobody can tell is no reason to believe that it is unmounted. */
static bool is_in_use(const struct ovl_stack *stack, const char *label)
{
	_cleanup_free_ char *users = NULL;
	int r = ovl_stack_users(stack, &users);

	if (r == 0)
		return false;
	ovl_message_warning("%s: not noted as unmounted: %s", label,
			    r < 0 ? strerror(-r) :
			    users ? users :
				    "it is in use");
	return true;
}

int ovl_boot_end(struct ovl_reporting *r)
{
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	_cleanup_(ovl_mount_described_done) struct ovl_mount_described m = { 0 };
	_cleanup_(close_stack) struct ovl_stack *stack = NULL;
	int error = ovl_mount_describe(r->options->operand[0], r->options->fstab, &m, &e);

	r->extent = "no"; /* whatever is wrong with fstab is not the fault of the command line */
	r->why = "end";
	if (error == 0) {
		r->label = m.target;
		m.config.brief = true;
		error = ovl_stack_open(&m.config, NULL, &stack, &e);
	}
	if (error == 0 && is_in_use(stack, m.target))
		return OVL_EXIT_CLEAN;
	if (error == 0)
		error = ovl_stamp_end(stack, &e);
	return error < 0 ? ovl_reporter_fail(r, error, &e) : OVL_EXIT_CLEAN;
}
