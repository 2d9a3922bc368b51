/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories under walk, and their entries in the part of the stack from their layer down.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "check/scan.h"
#include "format/value.h"

#include "base/banned.h"

struct ovl_scan_dir *ovl_scan_new(struct ovl_scan_dir *parent, struct ovl_dir *dir)
{
	struct ovl_scan_dir *d = calloc(1, sizeof(*d));

	if (!d) {
		ovl_dir_unref(dir);
		return NULL;
	}
	d->refs = 1;
	d->parent = parent ? ovl_scan_ref(parent) : NULL;
	d->dir = dir;
	d->shown = -1;
	if (parent) {
		d->below_opaque = parent->below_opaque || parent->opaque;
		d->quiet = parent->quiet;
	}
	return d;
}

struct ovl_scan_dir *ovl_scan_ref(struct ovl_scan_dir *d)
{
	__atomic_add_fetch(&d->refs, 1, __ATOMIC_RELAXED);
	return d;
}

struct ovl_scan_dir *ovl_scan_unref(struct ovl_scan_dir *d)
{
	while (d && __atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL) == 0) {
		struct ovl_scan_dir *parent = d->parent;

		ovl_entry_unref(d->entry);
		ovl_dir_unref(d->dir);
		free(d);
		d = parent;
	}
	return NULL;
}

void ovl_scan_note(struct ovl_scan_dir *d, const struct ovl_obs *obs)
{
	enum ovl_opaque opaque = OVL_OPAQUE_NO;

	if (obs->xmask & OVL_XBIT(OPAQUE))
		ovl_value_opaque(obs->x[OVL_X_OPAQUE], &opaque);
	/* On the root of a layer "y" means nothing: there is no parent to be merged below. */
	d->opaque = opaque == OVL_OPAQUE_YES && d->dir->path;
	/* Where nobody knows the value, nobody shall miss the mark. */
	d->xwhiteouts = opaque == OVL_OPAQUE_XWHITE || (obs->xbad & OVL_XBIT(OPAQUE));
	d->old_marker = ovl_obs_has(obs, OVL_X_WHITEOUTS);
	d->has_origin = ovl_obs_has(obs, OVL_X_ORIGIN);
	d->has_impure = ovl_obs_has(obs, OVL_X_IMPURE);
	d->impure = (obs->xmask & OVL_XBIT(IMPURE)) && ovl_value_is_y(obs->x[OVL_X_IMPURE]);
}

static void publish(struct ovl_scan_dir *d, struct ovl_entry *e)
{
	struct ovl_entry *none = NULL;

	if (!e)
		__atomic_store_n(&d->entry_failed, 1, __ATOMIC_RELEASE);
	else if (!__atomic_compare_exchange_n(&d->entry, &none, e, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE))
		ovl_entry_unref(e); /* another thread was quicker */
}

void ovl_scan_drop_entry(struct ovl_scan_dir *d)
{
	__atomic_store_n(&d->entry_failed, 1, __ATOMIC_RELEASE);
	ovl_entry_unref(__atomic_exchange_n(&d->entry, NULL, __ATOMIC_ACQ_REL));
}

/* Another thread may be about to make it once more, so it is never read in another way. */
static struct ovl_entry *entry_of(struct ovl_scan_dir *d)
{
	return __atomic_load_n(&d->entry, __ATOMIC_ACQUIRE);
}

static enum ovl_scan_state state_of(struct ovl_scan_dir *d)
{
	if (entry_of(d))
		return OVL_SCAN_READY;
	return __atomic_load_n(&d->entry_failed, __ATOMIC_ACQUIRE) ? OVL_SCAN_FAILED :
								     OVL_SCAN_UNASKED;
}

bool ovl_scan_is_on_top(const struct ovl_scan_dir *d, const struct ovl_hit *hit)
{
	if (hit->result < 0 || !hit->is_dir)
		return false;
	if (d->dir->layer == OVL_LAYER_UPPER)
		return hit->has_upper;
	return hit->n_lower > 0 && hit->lower[0].layer == d->dir->layer;
}

/* The last of the directories that are merged should not be the last one if it has a redirect. */
static void note_lost(struct ovl_scan_dir *d, const struct ovl_hit *hit)
{
	const struct ovl_found *last = hit->n_lower > 0 ? &hit->lower[hit->n_lower - 1] :
							  &hit->upper;
	int lost = __atomic_load_n(&d->parent->lost, __ATOMIC_RELAXED);

	if (hit->opaque || last->layer >= lost)
		lost = 0; /* nothing is expected, or something was merged in again */
	if (last->redirected)
		lost = 1 + last->layer;
	__atomic_store_n(&d->lost, lost, __ATOMIC_RELAXED);
}

int ovl_scan_set_entry(struct ovl_scan_dir *d, const struct ovl_hit *hit)
{
	struct ovl_entry *e = NULL;
	int r = 0;

	if (state_of(d->parent) == OVL_SCAN_READY && ovl_scan_is_on_top(d, hit)) {
		note_lost(d, hit);
		r = ovl_lookup_entry(d->dir->stack, entry_of(d->parent), hit, &e);
	}
	if (r == -ENOMEM)
		return r;
	publish(d, r < 0 ? NULL : e);
	return 0;
}

/* Makes the entry of @d, whose parent has been asked for already. */
static int make_entry(struct ovl_scan_dir *d)
{
	struct ovl_hit hit;
	int r;

	if (!d->parent) {
		struct ovl_entry *e = ovl_lookup_root(d->dir->stack, d->dir->layer);

		if (!e)
			return -ENOMEM;
		publish(d, e);
		return 0;
	}
	if (state_of(d->parent) != OVL_SCAN_READY) {
		publish(d, NULL);
		return 0;
	}
	r = ovl_lookup(d->dir->stack, entry_of(d->parent), d->dir->path->name, NULL, NULL, &hit);
	if (r < 0)
		return r;
	r = ovl_scan_set_entry(d, &hit);
	ovl_hit_done(&hit);
	return r;
}

int ovl_scan_entry(struct ovl_scan_dir *d, struct ovl_entry **ret)
{
	OVL_VEC(struct ovl_scan_dir *) chain = { 0 };
	int r = 0;

	for (struct ovl_scan_dir *p = d; r == 0 && p && state_of(p) == OVL_SCAN_UNASKED;
	     p = p->parent)
		r = ovl_vec_push(&chain, p);
	while (r == 0 && chain.len > 0)
		r = make_entry(chain.data[--chain.len]);
	ovl_vec_done(&chain);
	if (r < 0)
		return r;
	if (state_of(d) != OVL_SCAN_READY)
		return -ENOENT;
	*ret = entry_of(d);
	return 0;
}
