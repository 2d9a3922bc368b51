/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the overlay shows a lower object.
 *
 * Lookup goes from overlay names to lower objects. The way back has to be guessed and verified: a
 * lower object is shown at its own path, or, if a directory above it is the target of a redirect,
 * under the directory that redirects there. Each guess is looked up in the whole stack.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "check/view.h"

#include "base/banned.h"

/* Names to try for one object; more means that redirects were multiplied on purpose. */
enum { MAX_GUESSES = 64 };

typedef OVL_VEC(struct ovl_loc) guess_vec;

static int add_guess(guess_vec *guesses, int layer, struct ovl_path *path)
{
	struct ovl_loc loc = { layer, path };

	if (guesses->len >= MAX_GUESSES || ovl_vec_push(guesses, loc) < 0) {
		ovl_path_unref(path);
		return guesses->len >= MAX_GUESSES ? 0 : -ENOMEM;
	}
	return 0;
}

/* @head, and below it the names that @path has below its ancestor @from. */
static int graft(const struct ovl_path *head, const struct ovl_path *path,
		 const struct ovl_path *from, struct ovl_path **ret)
{
	_cleanup_free_ const struct ovl_path **names = NULL;
	struct ovl_path *p = ovl_path_ref(head), *next;
	long n = ovl_path_names(path, &names);

	if (n < 0) {
		ovl_path_unref(p);
		return -ENOMEM;
	}
	for (long i = (long)ovl_path_depth(from); i < n; i++) {
		next = ovl_path_new(p, names[i]->name, names[i]->len);
		ovl_path_unref(p);
		if (!next)
			return -ENOMEM;
		p = next;
	}
	*ret = p;
	return 0;
}

/*
 * Adds a guess for each redirect that leads to the object or to a directory above it.
 * @above: only those that lead to a directory above it
 */
static int guess_by_redirects(const struct ovl_facts *facts, struct ovl_loc at, bool above,
			      guess_vec *guesses)
{
	const struct ovl_path *from = at.path && above ? at.path->parent : at.path;
	const struct ovl_fact_redirect *red;
	struct ovl_path *path;
	size_t n;
	int r;

	for (const struct ovl_path *p = from; p; p = p->parent) {
		n = ovl_facts_redirects_above(facts, (struct ovl_loc){ at.layer, p }, &red);
		for (size_t i = 0; i < n; i++) {
			r = graft(red[i].source.path, at.path, p, &path);
			if (r == 0)
				r = add_guess(guesses, red[i].source.layer, path);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Names of one file are told apart by their paths: the path that was tried may show another one. */
static bool hit_has(const struct ovl_hit *hit, struct ovl_loc lower, const struct ovl_stat *stat)
{
	if (hit->result < 0)
		return false;
	for (size_t i = 0; i < hit->n_lower; i++)
		if (hit->lower[i].layer == lower.layer && hit->lower[i].stat.ino == stat->ino &&
		    hit->lower[i].stat.dev == stat->dev &&
		    ovl_path_compare(hit->lower[i].path, lower.path) == 0)
			return true;
	return false;
}

/* @source: if not NULL, no redirect that leads to the object itself is tried, nor is this path */
static int find_shown(struct ovl_stack *stack, const struct ovl_facts *facts, struct ovl_loc lower,
		      const struct ovl_stat *stat, const struct ovl_path *source,
		      struct ovl_hit *ret_hit, struct ovl_path **ret_path)
{
	guess_vec guesses = { 0 };
	struct ovl_hit hit;
	int r = add_guess(&guesses, lower.layer, ovl_path_ref(lower.path)), shown = 0;

	*ret_hit = (struct ovl_hit){ 0 };
	for (size_t i = 0; r == 0 && !shown && i < guesses.len; i++) {
		struct ovl_loc at = guesses.data[i];

		r = ovl_lookup_path(stack, OVL_LAYER_UPPER, at.path, &hit, NULL);
		if (r < 0)
			break;
		if (hit_has(&hit, lower, stat) &&
		    (!source || ovl_path_compare(at.path, source) != 0)) {
			*ret_hit = hit;
			*ret_path = ovl_path_ref(at.path);
			shown = 1;
			break;
		}
		ovl_hit_done(&hit);
		/* Redirects lead downwards only, so this comes to an end. */
		r = guess_by_redirects(facts, at, source && i == 0, &guesses);
	}
	for (size_t i = 0; i < guesses.len; i++)
		ovl_path_unref((struct ovl_path *)guesses.data[i].path);
	ovl_vec_done(&guesses);
	return r < 0 ? r : shown;
}

int ovl_view_name_shown(struct ovl_stack *stack, const struct ovl_facts *facts,
			struct ovl_loc lower, const struct ovl_stat *stat, struct ovl_hit *ret_hit,
			struct ovl_path **ret_path)
{
	return find_shown(stack, facts, lower, stat, NULL, ret_hit, ret_path);
}

int ovl_view_name_uncovered(struct ovl_stack *stack, const struct ovl_facts *facts,
			    struct ovl_loc lower, const struct ovl_stat *stat,
			    const struct ovl_path *source, struct ovl_path **ret_path)
{
	struct ovl_path *path = NULL;
	struct ovl_hit hit;
	int r = find_shown(stack, facts, lower, stat, source, &hit, &path);
	bool on_top = r > 0 && hit.lower[0].layer == lower.layer &&
		      hit.lower[0].stat.ino == stat->ino;

	if (r > 0)
		ovl_hit_done(&hit);
	if (on_top)
		*ret_path = path;
	else
		ovl_path_unref(path);
	return r < 0 ? r : on_top;
}

static int upper_dir_shown(struct ovl_scan_dir *d)
{
	struct ovl_entry *e;
	int r = ovl_scan_entry(d, &e);

	if (r == -ENOENT)
		return OVL_SHOWN_NOT; /* a lookup fails above: nothing is listed at all */
	if (r < 0)
		return r;
	return e->n_lower > 0 || d->has_origin ? OVL_SHOWN_MERGED : OVL_SHOWN_BARE;
}

static int lower_dir_shown(const struct ovl_view *v)
{
	struct ovl_scan_dir *d = v->dir;
	struct ovl_reader *reader = v->stack->reader;
	struct ovl_path *path = NULL;
	struct ovl_hit hit;
	struct ovl_stat st;
	size_t real;
	int r;

	if (!d->dir->path)
		return OVL_SHOWN_MERGED; /* the root is listed as merged, even of a single layer */
	r = reader->ops->stat(reader, v->dirfd, "", &st);
	if (r < 0)
		return OVL_SHOWN_NOT;
	r = ovl_view_name_shown(v->stack, v->facts, (struct ovl_loc){ d->dir->layer, d->dir->path },
				&st, &hit, &path);
	if (r <= 0)
		return r < 0 ? r : OVL_SHOWN_NOT;
	real = hit.n_lower + (hit.has_upper ? 1 : 0);
	ovl_hit_done(&hit);
	ovl_path_unref(path);
	return real > 1 || d->has_origin ? OVL_SHOWN_MERGED : OVL_SHOWN_BARE;
}

int ovl_view_dir_shown(const struct ovl_view *v, enum ovl_shown *ret)
{
	int r;

	/* One thread walks a directory, so its answer can be kept without a lock. */
	if (v->dir->shown < 0) {
		r = v->role == OVL_ROLE_UPPER ? upper_dir_shown(v->dir) : lower_dir_shown(v);
		if (r < 0)
			return r;
		v->dir->shown = r;
	}
	*ret = (enum ovl_shown)v->dir->shown;
	return 0;
}
