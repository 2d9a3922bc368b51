/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What checks want to know about an object, found out once.
 */
#include <errno.h>

#include "check/chain.h"

#include "base/banned.h"

bool ovl_view_is_converted(const struct ovl_view *v)
{
	if (v->role == OVL_ROLE_UPPER)
		return true;
	return v->profile->all_layers && !v->stack->layer[v->loc.layer].root.mount_read_only;
}

enum ovl_opaque ovl_view_opaque(const struct ovl_view *v)
{
	enum ovl_opaque opaque = OVL_OPAQUE_NO;

	if (v->obs->xmask & OVL_XBIT(OPAQUE))
		ovl_value_opaque(v->obs->x[OVL_X_OPAQUE], &opaque);
	return opaque;
}

int ovl_view_below(const struct ovl_view *v, const struct ovl_hit **ret)
{
	struct ovl_view_shared *s = v->shared;
	const struct ovl_chain *chain;
	struct ovl_entry *parent;
	int r;

	if (!v->dir)
		return -ENOENT; /* the root of a layer has no name to be looked up */
	/* The chain will be asked for as well, and is found by the same lookup. */
	if (v->obs->kind == OVL_KIND_REG && ovl_obs_has(v->obs, OVL_X_METACOPY)) {
		r = ovl_chain_of(v, &chain);
		if (r == 0)
			*ret = &chain->hit;
		return r;
	}
	if (!s->has_below) {
		r = ovl_scan_entry(v->dir, &parent);
		if (r == 0)
			r = ovl_lookup_seen(v->stack, parent, v->name, v->has_stat ? v->obs : NULL,
					    NULL, NULL, &s->below);
		if (r < 0)
			return r;
		s->has_below = true;
	}
	*ret = &s->below;
	return 0;
}

/* The directories of an entry without the topmost, which holds the object that is looked at. */
static struct ovl_entry *without_top(const struct ovl_entry *e)
{
	size_t skip = e->upper ? 0 : 1, n = e->n_lower - skip;
	struct ovl_entry *rest = calloc(1, sizeof(*rest) + n * sizeof(rest->lower[0]));

	if (!rest)
		return NULL;
	rest->refs = 1;
	rest->first = e->first;
	for (size_t i = 0; i < n; i++)
		rest->lower[rest->n_lower++] = ovl_dir_ref(e->lower[skip + i]);
	return rest;
}

int ovl_view_beneath(const struct ovl_view *v, const struct ovl_hit **ret)
{
	struct ovl_view_shared *s = v->shared;
	struct ovl_entry *parent, *rest;
	int r;

	if (!v->dir)
		return -ENOENT;
	if (!s->has_beneath) {
		r = ovl_scan_entry(v->dir, &parent);
		if (r < 0)
			return r;
		rest = without_top(parent);
		if (!rest)
			return -ENOMEM;
		r = ovl_lookup(v->stack, rest, v->name, NULL, NULL, &s->beneath);
		ovl_entry_unref(rest);
		if (r < 0)
			return r;
		s->has_beneath = true;
	}
	*ret = &s->beneath;
	return 0;
}

const struct ovl_origin *ovl_view_origin(const struct ovl_view *v)
{
	struct ovl_view_shared *s = v->shared;

	if (!s->has_origin) {
		s->has_origin = true;
		s->origin = (struct ovl_origin){ .state = OVL_ORIGIN_NONE };
		if (v->obs->xmask & OVL_XBIT(ORIGIN))
			ovl_origin_decode(v->stack, v->obs->x[OVL_X_ORIGIN], 1,
					  (int)v->stack->n_lower, false, &s->origin);
	}
	return &s->origin;
}

/* The lock is not part of what a check may not change. */
static const struct ovl_fact_index *index_entry(const struct ovl_view *v)
{
	if (!v->facts->index_judged || v->role != OVL_ROLE_UPPER || v->obs->kind == OVL_KIND_DIR)
		return NULL;
	return ovl_facts_index_entry((struct ovl_facts *)v->facts, v->obs->stat.ino);
}

bool ovl_view_is_indexed(const struct ovl_view *v)
{
	const struct ovl_key key = { v->obs->stat.ino, 0 };

	if (v->obs->kind != OVL_KIND_DIR)
		return index_entry(v) != NULL;
	return v->facts->index_judged && v->role == OVL_ROLE_UPPER &&
	       ovl_map_get(&v->facts->index_dir, key);
}

bool ovl_view_index_differs(const struct ovl_view *v)
{
	const struct ovl_fact_index *entry = index_entry(v);
	const struct ovl_origin *origin = ovl_view_origin(v);

	if (!entry || entry->state != OVL_ORIGIN_FOUND)
		return false;
	return origin->state != OVL_ORIGIN_FOUND || origin->stat.ino != entry->lower.b ||
	       origin->stat.dev != entry->lower.a;
}

void ovl_view_forget(struct ovl_view_shared *s)
{
	ovl_hit_done(&s->below);
	ovl_hit_done(&s->beneath);
	ovl_chain_free(s->chain);
	s->chain = NULL;
	s->has_below = s->has_beneath = s->has_origin = false;
}

void ovl_view_shared_done(struct ovl_view_shared *s)
{
	ovl_view_forget(s);
	ovl_obs_scratch_done(&s->scratch);
}
