/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Missing directories. See parents.h.
 */
#include "repair/parents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repair/trees.h"

#include "base/banned.h"

void ovl_parents_init(struct ovl_parents *p, int layer)
{
	*p = (struct ovl_parents){ .layer = layer };
}

void ovl_parents_done(struct ovl_parents *p)
{
	for (size_t i = 0; i < p->dir.len; i++) {
		ovl_path_unref(p->dir.data[i].path);
		ovl_path_unref((struct ovl_path *)p->dir.data[i].source.path);
	}
	ovl_vec_done(&p->dir);
	ovl_vec_done(&p->top);
	ovl_map_done(&p->known);
}

/** The way from the root to what is wanted. */
struct walk {
	struct ovl_parents *p;
	struct ovl_stack *stack;
	struct ovl_entry *entry; /* of the directory that was reached; counted */
	struct ovl_path *path;   /* of it, in the layer; counted */
	struct ovl_key key;      /* stands for the path */
	size_t dir;              /* 1 + its number, if it is missing; 0: it is there */
};

static void walk_done(struct walk *w)
{
	ovl_entry_unref(w->entry);
	ovl_path_unref(w->path);
}

/* A hash of all names until here, made from that of the directory and one name. */
static int next_key(const struct walk *w, const struct ovl_path *name, struct ovl_key *ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = ovl_buf_add(&b, &w->key, sizeof(w->key));

	if (r == 0)
		r = ovl_buf_add(&b, name->name, name->len);
	if (r == 0)
		*ret = ovl_map_hash(b.data, b.len);
	return r;
}

static bool is_there(const struct walk *w, const struct ovl_hit *hit)
{
	if (w->p->layer == OVL_LAYER_UPPER)
		return hit->has_upper;
	return hit->n_lower > 0 && hit->lower[0].layer == w->p->layer;
}

static int add_missing(struct walk *w, const struct ovl_hit *hit, struct ovl_path *path,
		       size_t *ret)
{
	struct ovl_parents *p = w->p;
	const struct ovl_found *lower = &hit->lower[0];
	struct ovl_parents_dir dir = { .path = ovl_path_ref(path),
				       .source = { lower->layer, ovl_path_ref(lower->path) },
				       .ino = lower->stat.ino,
				       .parent = w->dir };
	const size_t number = p->dir.len;
	int r = w->dir == 0 ? ovl_vec_push(&p->top, number) : 0;

	if (r == 0) {
		if (w->dir != 0)
			dir.next = p->dir.data[w->dir - 1].inside;
		r = ovl_vec_push(&p->dir, dir);
		if (r < 0 && w->dir == 0)
			p->top.len--;
	}
	if (r < 0) {
		ovl_path_unref(dir.path);
		ovl_path_unref((struct ovl_path *)dir.source.path);
		return r;
	}
	if (w->dir != 0)
		p->dir.data[w->dir - 1].inside = number + 1;
	*ret = number + 1;
	return 0;
}

/* What is shown under the next name: a directory, there or not. 1, 0 or negative errno. */
static int note(struct walk *w, const struct ovl_hit *hit, struct ovl_path *path,
		struct ovl_key key)
{
	const uint64_t *known = ovl_map_get(&w->p->known, key);
	size_t dir = known ? (size_t)*known : 0;
	uint64_t *value;
	int r = 0;

	if (hit->result < 0 && hit->result != -ENOENT && hit->result != -ENOTDIR)
		return hit->result;
	if (hit->result < 0 || !hit->is_dir)
		return 0;
	if (!known && !is_there(w, hit))
		r = add_missing(w, hit, path, &dir);
	if (r == 0 && !known)
		r = ovl_map_put(&w->p->known, key, dir, &value);
	w->dir = dir;
	w->key = key;
	return r < 0 ? r : 1;
}

static int go_down(struct walk *w, const struct ovl_path *name)
{
	struct ovl_path *path = ovl_path_new(w->path, name->name, name->len);
	struct ovl_entry *entry = NULL;
	struct ovl_hit hit = { 0 };
	struct ovl_key key;
	int r = path ? next_key(w, name, &key) : -ENOMEM;

	if (r == 0)
		r = ovl_lookup(w->stack, w->entry, name->name, NULL, NULL, &hit);
	if (r == 0)
		r = note(w, &hit, path, key);
	if (r > 0) {
		r = ovl_lookup_entry(w->stack, w->entry, &hit, &entry);
		r = r < 0 ? r : 1;
	}
	ovl_hit_done(&hit);
	if (r > 0) {
		ovl_entry_unref(w->entry);
		ovl_path_unref(w->path);
		w->entry = entry;
		w->path = path;
	} else {
		ovl_path_unref(path);
	}
	return r;
}

int ovl_parents_want(struct ovl_parents *p, struct ovl_stack *stack, const struct ovl_path *path)
{
	_cleanup_(walk_done) struct walk w = { .p = p, .stack = stack };
	_cleanup_free_ const struct ovl_path **names = NULL;
	long n = ovl_path_names(path, &names);
	int r = 1;

	if (n < 0)
		return (int)n;
	w.entry = ovl_lookup_root(stack, p->layer);
	if (!w.entry)
		return -ENOMEM;
	for (long i = 0; r > 0 && i < n; i++)
		r = go_down(&w, names[i]);
	return r;
}

/* ---- Operations ---- */

/* "/stage/5/name": where a directory goes as long as that which it is in is in stage/. */
static int place_inside(uint64_t number, const struct ovl_path *path, struct ovl_place *ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = ovl_place_store(ret, "stage", number);

	if (r == 0)
		r = ovl_buf_adds(&b, ret->path);
	if (r == 0)
		r = ovl_buf_addc(&b, '/');
	if (r == 0)
		r = ovl_buf_add(&b, path->name, path->len);
	if (r < 0)
		return r;
	free(ret->path);
	ret->path = ovl_buf_take(&b);
	return ret->path ? 0 : -ENOMEM;
}

/** One directory on the way through all of a step. */
struct visit {
	size_t dir; /* its number */
	uint64_t number,
		parent; /* in stage/, of it and of that which it is in; 0: it goes to the layer */
};
typedef OVL_VEC(struct visit) visit_vec;

/* It is marked as if overlayfs had copied it up. */
static int emit_dir(const struct ovl_parents *p, struct ovl_fixer *fx, const struct visit *v)
{
	const struct ovl_parents_dir *dir = &p->dir.data[v->dir];
	struct ovl_op op = { .type = OVL_OP_MOVE,
			     .make = OVL_MAKE_COPY,
			     .source_ino = dir->ino,
			     .impure = dir->inside != 0 };
	unsigned char raw[OVL_FH_MAX_LEN];
	int len = ovl_fixer_handle(fx, dir->source, 0, raw), r = len < 0 ? len : 0;

	if (r == 0)
		r = ovl_buf_add(&op.origin, raw, (size_t)len);
	if (r == 0)
		r = ovl_place_store(&op.at, "stage", v->number);
	if (r == 0)
		r = ovl_place_set(&op.source, dir->source);
	if (r == 0 && v->parent != 0)
		r = place_inside(v->parent, dir->path, &op.to);
	else if (r == 0)
		r = ovl_place_set(&op.to, (struct ovl_loc){ p->layer, dir->path });
	return ovl_way_add(fx, &op, r);
}

/* Each one after that which it is in. */
static int list(const struct ovl_parents *p, struct ovl_fixer *fx, size_t top, visit_vec *ret)
{
	int r = ovl_vec_push(ret, ((struct visit){ top, ovl_fixer_number(fx), 0 }));

	for (size_t i = 0; r == 0 && i < ret->len; i++) {
		const uint64_t parent = ret->data[i].number;
		size_t next = p->dir.data[ret->data[i].dir].inside;

		for (; r == 0 && next != 0; next = p->dir.data[next - 1].next)
			r = ovl_vec_push(
				ret, ((struct visit){ next - 1, ovl_fixer_number(fx), parent }));
	}
	return r;
}

int ovl_parents_emit(const struct ovl_parents *p, struct ovl_fixer *fx, size_t step)
{
	static const struct ovl_bytes y = { (const unsigned char *)"y", 1 };
	const struct ovl_loc above = { p->layer, ovl_parents_path(p, step)->parent };
	visit_vec all = { 0 };
	int r = list(p, fx, p->top.data[step], &all);

	if (r == 0)
		r = ovl_way_set_xattr(fx, above, OVL_X_IMPURE, y);
	/* What is deeper goes to its place first, as long as that is in stage/. */
	for (size_t i = all.len; r == 0 && i-- > 0;)
		r = emit_dir(p, fx, &all.data[i]);
	ovl_vec_done(&all);
	return r;
}
