/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries: the real directories that make one directory of the overlay; and hits, what a lookup found.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "stack/lookup.h"

#include "base/banned.h"

void ovl_found_done(struct ovl_found *f)
{
	f->path = ovl_path_unref(f->path);
}

void ovl_hit_done(struct ovl_hit *hit)
{
	if (!hit)
		return;
	ovl_found_done(&hit->culprit);
	ovl_found_done(&hit->upper);
	for (size_t i = 0; i < hit->n_lower; i++)
		ovl_found_done(&hit->lower[i]);
	free(hit->lower);
	free(hit->redirect);
	free(hit->lazy_data);
	*hit = (struct ovl_hit){ 0 };
}

static struct ovl_entry *entry_new(int first, size_t n)
{
	struct ovl_entry *e = calloc(1, sizeof(*e) + n * sizeof(e->lower[0]));

	if (e) {
		e->refs = 1;
		e->first = first;
	}
	return e;
}

struct ovl_entry *ovl_entry_ref(struct ovl_entry *e)
{
	__atomic_add_fetch(&e->refs, 1, __ATOMIC_RELAXED);
	return e;
}

struct ovl_entry *ovl_entry_unref(struct ovl_entry *e)
{
	if (!e || __atomic_sub_fetch(&e->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return NULL;
	ovl_dir_unref(e->upper);
	for (size_t i = 0; i < e->n_lower; i++)
		ovl_dir_unref(e->lower[i]);
	free(e);
	return NULL;
}

struct ovl_entry *ovl_lookup_root(struct ovl_stack *stack, int first)
{
	struct ovl_entry *e = __atomic_load_n(&stack->root_entry[first], __ATOMIC_ACQUIRE);
	struct ovl_entry *none = NULL;

	if (e)
		return ovl_entry_ref(e);
	e = entry_new(first, stack->n_lower);
	if (!e)
		return NULL;
	if (first == OVL_LAYER_UPPER && stack->has_upper)
		e->upper = ovl_dir_ref(stack->root_dir[OVL_LAYER_UPPER]);
	for (int n = first > 0 ? first : 1; n <= (int)stack->n_lower; n++)
		e->lower[e->n_lower++] = ovl_dir_ref(stack->root_dir[n]);
	/* Two threads may make it at once; the first one stays. */
	if (!__atomic_compare_exchange_n(&stack->root_entry[first], &none, e, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		ovl_entry_unref(e);
		e = none;
	}
	return ovl_entry_ref(e);
}

/* A directory found below @parent, opened relative to it where that helps. */
static int dir_of(struct ovl_stack *stack, struct ovl_dir *parent, const struct ovl_found *f,
		  struct ovl_dir **ret)
{
	int err, r;

	if (parent && parent->layer == f->layer && f->path && parent->path == f->path->parent) {
		err = ovl_dir_child(parent, f->path, ret);
		r = err < 0 && err != -ENOMEM ?
			    ovl_unread_note(&stack->unread, (struct ovl_loc){ f->layer, f->path },
					    err) :
			    0;
		return r < 0 ? r : err;
	}
	*ret = ovl_dir_new(stack, f->layer, f->path);
	return *ret ? 0 : -ENOMEM;
}

int ovl_lookup_entry(struct ovl_stack *stack, struct ovl_entry *parent, const struct ovl_hit *hit,
		     struct ovl_entry **ret)
{
	struct ovl_entry *e = entry_new(parent->first, hit->n_lower);
	size_t at = 0;
	int r = 0;

	assert(hit->result == 0 && hit->is_dir);
	if (!e)
		return -ENOMEM;
	if (hit->has_upper)
		r = dir_of(stack, parent->upper, &hit->upper, &e->upper);
	for (size_t i = 0; r == 0 && i < hit->n_lower; i++) {
		/* Both lists are in the order of layers. */
		while (at < parent->n_lower && parent->lower[at]->layer < hit->lower[i].layer)
			at++;
		r = dir_of(stack, at < parent->n_lower ? parent->lower[at] : NULL, &hit->lower[i],
			   &e->lower[i]);
		if (r == 0)
			e->n_lower++;
	}
	if (r < 0) {
		ovl_entry_unref(e);
		return r;
	}
	*ret = e;
	return 0;
}

int ovl_lookup_path(struct ovl_stack *stack, int first, const struct ovl_path *path,
		    struct ovl_hit *ret_hit, struct ovl_entry **ret_entry)
{
	_cleanup_free_ const struct ovl_path **names = NULL;
	struct ovl_entry *e = ovl_lookup_root(stack, first), *next;
	struct ovl_hit hit = { .is_dir = true };
	long n = ovl_path_names(path, &names);
	int r = 0;

	if (!e || n < 0) {
		ovl_entry_unref(e);
		return -ENOMEM;
	}
	for (long i = 0; i < n; i++) {
		ovl_hit_done(&hit);
		r = ovl_lookup(stack, e, names[i]->name, NULL, NULL, &hit);
		if (r < 0 || hit.result < 0)
			break;
		if (!hit.is_dir) {
			if (i < n - 1)
				hit.result = -ENOTDIR;
			break;
		}
		if (i == n - 1 && !ret_entry)
			break;
		r = ovl_lookup_entry(stack, e, &hit, &next);
		if (r == -ENOMEM)
			break;
		if (r < 0) {
			hit.result = r;
			hit.why = OVL_WHY_UNREADABLE;
			r = 0;
			break;
		}
		ovl_entry_unref(e);
		e = next;
	}
	if (r < 0) {
		ovl_hit_done(&hit);
		ovl_entry_unref(e);
		return r;
	}
	if (ret_entry && hit.result == 0 && hit.is_dir)
		*ret_entry = TAKE_PTR(e);
	ovl_entry_unref(e);
	*ret_hit = hit;
	return 0;
}
