/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts, put in order at the barriers between the walks, so that they can be found again.
 */
#include <errno.h>
#include <stdlib.h>

#include "check/facts.h"

#include "base/banned.h"

static int compare_key(struct ovl_key a, struct ovl_key b)
{
	if (a.a != b.a)
		return a.a < b.a ? -1 : 1;
	return (a.b > b.b) - (a.b < b.b);
}

static int compare_loc(const struct ovl_loc *a, const struct ovl_loc *b)
{
	if (a->layer != b->layer)
		return a->layer < b->layer ? -1 : 1;
	return ovl_path_compare(a->path, b->path);
}

static int compare_origins(const void *pa, const void *pb)
{
	const struct ovl_fact_origin *a = pa, *b = pb;
	int r = compare_key(a->key, b->key);

	return r ? r : ovl_path_compare(a->path, b->path);
}

static int compare_unmarked(const void *pa, const void *pb)
{
	const struct ovl_fact_unmarked *a = pa, *b = pb;

	return ovl_path_compare(a->path, b->path);
}

/* By path first: a directory that is redirected to is merged with those of its name further down. */
static int compare_targets(const struct ovl_loc *a, const struct ovl_loc *b)
{
	int r = ovl_path_compare(a->path, b->path);

	return r ? r : (a->layer > b->layer) - (a->layer < b->layer);
}

static int compare_redirects(const void *pa, const void *pb)
{
	const struct ovl_fact_redirect *a = pa, *b = pb;
	int r = compare_targets(&a->target, &b->target);

	return r ? r : compare_loc(&a->source, &b->source);
}

static struct ovl_key name_key(const struct ovl_fact_name *n)
{
	return (struct ovl_key){ n->stat.dev, n->ino };
}

static int compare_names(const void *pa, const void *pb)
{
	const struct ovl_fact_name *a = pa, *b = pb;
	int r = compare_key(name_key(a), name_key(b));

	return r ? r : compare_loc(&a->loc, &b->loc);
}

#define SORT(vec, compare)                                                            \
	do {                                                                          \
		if ((vec).len > 1)                                                    \
			qsort((vec).data, (vec).len, sizeof(*(vec).data), (compare)); \
	} while (0)

int ovl_facts_sort(struct ovl_facts *f)
{
	/* From the end on: what cannot be moved any more stays where it is, and is freed from there. */
	while (f->redirect_new.len > 0) {
		if (ovl_vec_push(&f->redirect, f->redirect_new.data[f->redirect_new.len - 1]) < 0)
			return -ENOMEM;
		f->redirect_new.len--;
	}
	if (ovl_facts_settle(f) < 0)
		return -ENOMEM;
	SORT(f->origin, compare_origins);
	SORT(f->duplicate, compare_origins);
	SORT(f->unmarked, compare_unmarked);
	SORT(f->redirect, compare_redirects);
	SORT(f->name, compare_names);
	return 0;
}

size_t ovl_facts_names(const struct ovl_facts *f, uint64_t dev, uint64_t ino,
		       const struct ovl_fact_name **ret)
{
	const struct ovl_key key = { dev, ino };
	size_t low = 0, high = f->name.len, n = 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_key(name_key(&f->name.data[mid]), key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	while (low + n < f->name.len && compare_key(name_key(&f->name.data[low + n]), key) == 0)
		n++;
	*ret = n ? &f->name.data[low] : NULL;
	return n;
}

size_t ovl_facts_find_unmarked(const struct ovl_facts *f, const struct ovl_path *path)
{
	size_t low = 0, high = f->unmarked.len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int r = ovl_path_compare(f->unmarked.data[mid].path, path);

		if (r == 0)
			return mid;
		if (r < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return f->unmarked.len;
}

bool ovl_facts_is_shared(const struct ovl_facts *f, struct ovl_key lower)
{
	const uint64_t *first = ovl_map_get(&f->origin_first, lower);

	return first && !ovl_facts_first_path(*first);
}

/* The first redirect in order that leads to @target or is behind it. */
static size_t first_redirect(const struct ovl_facts *f, struct ovl_loc target)
{
	size_t low = 0, high = f->redirect.len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_targets(&f->redirect.data[mid].target, &target) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t ovl_facts_redirects_to(const struct ovl_facts *f, struct ovl_loc target,
			      const struct ovl_fact_redirect **ret)
{
	size_t low = first_redirect(f, target), n = 0;

	while (low + n < f->redirect.len &&
	       compare_targets(&f->redirect.data[low + n].target, &target) == 0)
		n++;
	*ret = n ? &f->redirect.data[low] : NULL;
	return n;
}

size_t ovl_facts_redirects_above(const struct ovl_facts *f, struct ovl_loc lower,
				 const struct ovl_fact_redirect **ret)
{
	size_t low = first_redirect(f, (struct ovl_loc){ OVL_LAYER_UPPER, lower.path }), n = 0;

	while (low + n < f->redirect.len && f->redirect.data[low + n].target.layer <= lower.layer &&
	       ovl_path_compare(f->redirect.data[low + n].target.path, lower.path) == 0)
		n++;
	*ret = n ? &f->redirect.data[low] : NULL;
	return n;
}

const struct ovl_path *ovl_facts_claim(const struct ovl_facts *f, struct ovl_key lower)
{
	const uint64_t *first = ovl_map_get(&f->origin_first, lower);
	size_t low = 0, high = f->duplicate.len;

	if (!first || ovl_facts_first_path(*first))
		return first ? ovl_facts_first_path(*first) : NULL;
	while (low < high) { /* several claims: take the first of them */
		size_t mid = low + (high - low) / 2;

		if (compare_key(f->duplicate.data[mid].key, lower) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < f->duplicate.len ? f->duplicate.data[low].path : NULL;
}
