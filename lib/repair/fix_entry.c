/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking at an index entry.
 */
#include "repair/fix_entry.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

#include "base/banned.h"

/* Would the check say the same of it now? 1, 0 or -ENOMEM. */
static int is_still_found(struct ovl_fixer *fx, const struct ovl_view *v)
{
	struct ovl_sink sink = { .stack = fx->stack };
	int r = ovl_problem_get(fx->finding->problem)->check(v, &sink), found = 0;

	if (r == 0)
		r = sink.error;
	for (size_t i = 0; i < sink.items.len; i++)
		found |= sink.items.data[i].problem == fx->finding->problem;
	ovl_sink_done(&sink);
	return r < 0 ? r : found;
}

int ovl_fix_entry_load(struct ovl_fixer *fx, struct ovl_fix_entry *ret)
{
	const struct ovl_loc loc = fx->finding->loc;
	struct ovl_stack *stack = fx->stack;
	int r, dir = stack->index.root.fd;

	if (loc.layer != OVL_LAYER_INDEX || !loc.path || dir < 0)
		return -ENOENT;
	r = ovl_reader_observe(stack->reader, dir, loc.path->name, stack->config.userxattr,
			       &ret->shared.scratch, &ret->obs);
	if (r < 0)
		return r;
	ret->temporary = loc.path->name[0] == '#';
	ret->entry.name = (char *)loc.path->name;
	if (!ret->temporary)
		ovl_index_entry_decode(stack, loc.path->name, &ret->entry);
	ret->v = (struct ovl_view){ .stack = stack,
				    .facts = fx->facts,
				    .loc = loc,
				    .role = OVL_ROLE_INDEX,
				    .obs = &ret->obs,
				    .has_stat = true,
				    .dirfd = dir,
				    .name = loc.path->name,
				    .entry = ret->temporary ? NULL : &ret->entry,
				    .shared = &ret->shared };
	r = is_still_found(fx, &ret->v);
	return r != 0 ? r : ovl_way_refuse(fx, "it has changed since it was checked");
}

void ovl_fix_entry_done(struct ovl_fix_entry *e)
{
	ovl_view_shared_done(&e->shared);
}

/* Is the lower inode what would be shown there without the upper object? */
static int is_beneath(struct ovl_fixer *fx, struct ovl_loc upper, struct ovl_key lower)
{
	struct ovl_hit hit;
	int r = ovl_fixer_beneath(fx, upper, &hit);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = hit.n_lower > 0 && hit.lower[0].stat.dev == lower.a && hit.lower[0].stat.ino == lower.b;
	ovl_hit_done(&hit);
	return r;
}

int ovl_fix_entry_stands_for(struct ovl_fixer *fx, const struct ovl_fix_entry *e,
			     struct ovl_key lower)
{
	const struct ovl_fact_name *name;
	size_t n = ovl_facts_names(fx->facts, lower.a, lower.b, &name);
	struct ovl_loc upper = ovl_index_entry_upper_name(&e->v);
	int r = upper.path ? is_beneath(fx, upper, lower) : 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct ovl_hit hit;

		r = ovl_lookup_path(fx->stack, OVL_LAYER_UPPER, name[i].loc.path, &hit, NULL);
		if (r < 0)
			return r;
		/* Whatever the lookup says, the upper name is what counts. */
		if (hit.has_upper && hit.upper.stat.ino == e->obs.stat.ino)
			r = is_beneath(fx, (struct ovl_loc){ OVL_LAYER_UPPER, hit.upper.path },
				       lower);
		ovl_hit_done(&hit);
	}
	return r;
}

int ovl_fix_entry_name(const unsigned char *raw, size_t len, struct ovl_loc *ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf name = { 0 };
	int r = ovl_buf_add_hex(&name, raw, len);

	if (r < 0)
		return r;
	*ret = (struct ovl_loc){ OVL_LAYER_INDEX, ovl_path_new(NULL, name.data, name.len) };
	return ret->path ? 0 : -ENOMEM;
}

int ovl_fix_entry_is_free(struct ovl_fixer *fx, struct ovl_loc at)
{
	struct ovl_reader *reader = fx->stack->reader;
	struct ovl_stat st;
	int r = reader->ops->stat(reader, fx->stack->index.root.fd, at.path->name, &st);

	return r == -ENOENT ? 1 : r < 0 ? r : 0;
}
