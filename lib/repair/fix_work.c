/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planners for the work directory. Nothing in it is removed: the kernel will do that, but who knows
 * whether it was the last name of something.
 */
#include <errno.h>
#include <string.h>

#include "repair/fixes.h"

#include "base/banned.h"

/* Below work/, by depth of the path: /work/TOP/SUB. */
enum { TOP = 2, SUB = 3 };

static const struct ovl_path *ancestor(const struct ovl_path *p, size_t depth)
{
	while (ovl_path_depth(p) > depth)
		p = p->parent;
	return p;
}

/* Whole, with what it lies in: it would be a leftover itself, once it is empty. Marks stay. */
int ovl_fix_work_aside(struct ovl_fixer *fx)
{
	const struct ovl_path *path = fx->finding->loc.path, *top = ancestor(path, TOP);
	bool is_mark = false;
	struct ovl_obs obs;
	int r;

	if (ovl_path_depth(path) < TOP)
		return ovl_way_refuse(fx, "it is nothing that the kernel would remove");
	if (strcmp(top->name, "incompat") == 0 && ovl_path_depth(path) >= SUB) {
		top = ancestor(path, SUB);
		is_mark = top->name[0] != '.';
	}
	if (is_mark)
		return ovl_way_refuse(fx, "it belongs to a mark that forbids the mount");
	r = ovl_fixer_observe(fx, (struct ovl_loc){ OVL_LAYER_WORK, top }, &obs);
	if (r == 0)
		r = ovl_way_set_aside(fx, (struct ovl_loc){ OVL_LAYER_WORK, top });
	return r < 0 ? r : 1;
}

/* Only of this mark do we know what it says, and who can take it back. */
int ovl_fix_work_volatile(struct ovl_fixer *fx)
{
	const struct ovl_path *path = fx->finding->loc.path;
	int r;

	if (ovl_path_depth(path) != SUB || strcmp(path->name, "volatile") != 0)
		return ovl_way_refuse(fx,
				      strcmp(path->name, "fsck.overlay") == 0 ?
					      "a repair that keeps its journal elsewhere was not "
					      "finished: go on with its -z" :
					      "find out first who made that mark");
	r = ovl_way_set_aside(fx, fx->finding->loc);
	return r < 0 ? r : 1;
}
