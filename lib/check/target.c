/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Targets of redirects, judged when all redirects are known.
 */
#include <errno.h>

#include "check/target.h"
#include "format/redirect.h"

#include "base/banned.h"

int ovl_target_is_claimed(const struct ovl_view *v, const struct ovl_path *source,
			  struct ovl_loc target, const struct ovl_stat *stat)
{
	const struct ovl_fact_redirect *red;
	struct ovl_path *path;
	size_t n = ovl_facts_redirects_to(v->facts, target, &red);
	int r;

	for (size_t i = 0; i < n; i++)
		if (red[i].source.layer == OVL_LAYER_UPPER &&
		    ovl_path_compare(red[i].source.path, source) != 0)
			return 1;
	r = ovl_view_name_uncovered(v->stack, v->facts, target, stat, source, &path);
	if (r > 0)
		ovl_path_unref(path);
	return r;
}

/** The last lower directory on a path that sends lookup to another one in the layers below it. */
struct detour {
	int own; /* layer of the object that is looked up */
	int layer;
	struct ovl_path *path; /* counted; NULL: there was none */
};

static void note_detour(void *ctx, const struct ovl_step *step)
{
	struct detour *d = ctx;

	if (step->layer == d->own || !step->used || step->obs->kind != OVL_KIND_DIR ||
	    !(step->obs->xmask & OVL_XBIT(REDIRECT)))
		return;
	ovl_path_unref(d->path);
	d->path = ovl_path_ref(step->path);
	d->layer = step->layer;
}

/* Seen from its own layer down: is it the last directory of those that are merged, with a redirect? */
static int leads_nowhere(struct ovl_stack *stack, const struct detour *d)
{
	struct ovl_hit hit;
	int r = ovl_lookup_path(stack, d->layer, d->path, &hit, NULL);

	if (r < 0)
		return r;
	r = hit.result == 0 && hit.n_lower > 0 && hit.lower[hit.n_lower - 1].redirected;
	ovl_hit_done(&hit);
	return r;
}

static bool has_absolute_redirect(const struct ovl_view *v)
{
	struct ovl_redirect red;

	return (v->obs->xmask & OVL_XBIT(REDIRECT)) &&
	       ovl_redirect_parse(v->obs->x[OVL_X_REDIRECT], &red) == 0 && red.absolute;
}

int ovl_target_is_lost(const struct ovl_view *v)
{
	struct detour detour = { .own = v->loc.layer };
	struct ovl_entry *parent;
	struct ovl_hit hit;
	int r;

	if (!v->dir)
		return 0;
	r = ovl_scan_entry(v->dir, &parent);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!has_absolute_redirect(v))
		return __atomic_load_n(&v->dir->lost, __ATOMIC_RELAXED) > 0;
	r = ovl_lookup(v->stack, parent, v->name, note_detour, &detour, &hit);
	if (r == 0) {
		ovl_hit_done(&hit);
		r = detour.path ? leads_nowhere(v->stack, &detour) : 0;
	}
	ovl_path_unref(detour.path);
	return r;
}
