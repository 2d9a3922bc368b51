/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes on around the layers while they are checked: live overlays that write to them.
 *
 * (That trusted xattrs cannot be seen is no finding of a check: ovl_stack_open() refuses. It is the same
 * for all layers, since the kernel asks what the process may do, not whose file system it is.)
 */
#include <errno.h>

#include "base/cleanup.h"
#include "check/view.h"

#include "base/banned.h"

static const struct ovl_loc nowhere = { OVL_LAYER_NONE, NULL };

static int report(struct ovl_sink *sink, enum ovl_problem_id problem, enum ovl_severity severity,
		  int layer, const struct ovl_use *use, size_t n, const char *expected)
{
	_cleanup_(ovl_buf_done) struct ovl_buf found = { 0 };
	int r = ovl_users_tell(sink->stack, use, n, &found);

	if (r < 0)
		return r;
	return ovl_sink_add_about(sink, problem, severity, (struct ovl_loc){ layer, NULL }, nowhere,
				  found.data, expected);
}

static bool is_writable_layer(int layer)
{
	return layer == OVL_LAYER_UPPER || layer == OVL_LAYER_WORK;
}

/*
 * The overlay may well be mounted while it is checked: who asks for that wants to know what is wrong,
 * not that it is mounted. Wrong is another overlay with the same upper or work directory.
 */
int ovl_check_env_layer_in_use(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_users *users = &v->facts->users;
	const struct ovl_use *use;
	int r = 0;

	for (size_t i = 0, n, at; r == 0 && i < users->n; i += n) {
		use = &users->use[i];
		n = ovl_users_group(users, i);
		for (at = 0; at < n && !is_writable_layer(use[at].layer); at++)
			;
		if (at == n || use->as == OVL_ROLE_LOWER)
			continue;
		r = report(sink, OVL_P_ENV_LAYER_IN_USE,
			   use->ours ? OVL_SEV_INFO :
				       ovl_problem_get(OVL_P_ENV_LAYER_IN_USE)->severity,
			   use[at].layer, use, n,
			   use->ours ? "" : "one overlay with this upper and this work directory");
	}
	return r;
}

int ovl_check_env_lower_in_use_rw(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_users *users = &v->facts->users;
	const struct ovl_use *use;
	int r = 0;

	for (size_t i = 0; r == 0 && i < users->n; i++) {
		use = &users->use[i];
		if (!is_writable_layer(use->layer) && use->as != OVL_ROLE_LOWER)
			r = report(sink, OVL_P_ENV_LOWER_IN_USE_RW,
				   ovl_problem_get(OVL_P_ENV_LOWER_IN_USE_RW)->severity, use->layer,
				   use, 1, "a lower layer that nobody writes to");
	}
	return r;
}
