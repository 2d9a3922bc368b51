/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths as chains of names. See path.h.
 *
 * Nothing here recurses, and only ovl_path_names() takes memory that grows with the depth.
 */
#include "base/path.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#include "base/banned.h"

struct ovl_path *ovl_path_new(struct ovl_path *parent, const char *name, size_t len)
{
	struct ovl_path *p;

	if (len > UINT16_MAX) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	/* Not sizeof: its padding would be wasted a million times. */
	p = malloc(offsetof(struct ovl_path, name) + len + 1);
	if (!p)
		return NULL;
	p->parent = ovl_path_ref(parent);
	p->refs = 1;
	p->depth = parent ? parent->depth + 1 : 1;
	p->len = (uint16_t)len;
	memcpy(p->name, name, len);
	p->name[len] = '\0';
	return p;
}

struct ovl_path *ovl_path_ref(const struct ovl_path *p)
{
	struct ovl_path *q = (struct ovl_path *)p; /* the count is not part of the value */

	if (q)
		__atomic_fetch_add(&q->refs, 1, __ATOMIC_RELAXED);
	return q;
}

struct ovl_path *ovl_path_unref(struct ovl_path *p)
{
	struct ovl_path *parent;

	while (p && __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) == 0) {
		parent = p->parent;
		free(p);
		p = parent;
	}
	return NULL;
}

size_t ovl_path_depth(const struct ovl_path *p)
{
	return p ? p->depth : 0;
}

int ovl_path_add(struct ovl_buf *b, const struct ovl_path *p)
{
	const struct ovl_path *q;
	size_t len = 0;
	char *end;
	int r;

	if (!p)
		return ovl_buf_addc(b, '/');
	for (q = p; q; q = q->parent)
		if (__builtin_add_overflow(len, (size_t)q->len + 1, &len))
			return -ENOMEM;
	r = ovl_buf_reserve(b, len);
	if (r < 0)
		return r;

	b->len += len;
	end = b->data + b->len;
	*end = '\0';
	for (q = p; q; q = q->parent) {
		end -= q->len;
		memcpy(end, q->name, q->len);
		*--end = '/';
	}
	return 0;
}

int ovl_path_add_escaped(struct ovl_buf *b, const struct ovl_path *p)
{
	_cleanup_(ovl_buf_done) struct ovl_buf raw = { 0 };
	int r;

	r = ovl_path_add(&raw, p);
	if (r < 0)
		return r;
	return ovl_buf_add_escaped(b, raw.data, raw.len);
}

static int compare_names(const struct ovl_path *a, const struct ovl_path *b)
{
	int r;

	assert(a && b); /* the depths are equal, so the roots are reached together */
	r = memcmp(a->name, b->name, a->len < b->len ? a->len : b->len);
	if (r)
		return r < 0 ? -1 : 1;
	return (a->len > b->len) - (a->len < b->len);
}

static const struct ovl_path *climb_to(const struct ovl_path *p, size_t depth)
{
	while (ovl_path_depth(p) > depth)
		p = p->parent;
	return p;
}

int ovl_path_compare(const struct ovl_path *a, const struct ovl_path *b)
{
	size_t da = ovl_path_depth(a), db = ovl_path_depth(b);
	size_t depth = da < db ? da : db;
	int r, topmost = 0;

	/* From the leaves up: the difference seen last is the one nearest to the root. */
	a = climb_to(a, depth);
	b = climb_to(b, depth);
	for (; a != b; a = a->parent, b = b->parent) {
		r = compare_names(a, b);
		if (r)
			topmost = r;
	}
	if (topmost)
		return topmost;
	return (da > db) - (da < db);
}

bool ovl_path_is_below(const struct ovl_path *p, const struct ovl_path *ancestor)
{
	if (ovl_path_depth(p) < ovl_path_depth(ancestor))
		return false;
	p = climb_to(p, ovl_path_depth(ancestor));
	for (; p != ancestor; p = p->parent, ancestor = ancestor->parent)
		if (compare_names(p, ancestor) != 0)
			return false;
	return true;
}

long ovl_path_names(const struct ovl_path *p, const struct ovl_path ***ret_nodes)
{
	size_t depth = ovl_path_depth(p), i;
	const struct ovl_path **nodes;

	nodes = calloc(depth ? depth : 1, sizeof(const struct ovl_path *));
	if (!nodes)
		return -ENOMEM;
	for (i = depth; i > 0; p = p->parent)
		nodes[--i] = p;
	*ret_nodes = nodes;
	return (long)depth;
}

int ovl_path_parse(const char *text, struct ovl_path **ret)
{
	struct ovl_path *p = NULL, *child;
	size_t len;

	for (;; text += len) {
		text += strspn(text, "/");
		if (!*text)
			break;
		len = strcspn(text, "/");
		if (len > UINT16_MAX) {
			ovl_path_unref(p);
			return -ENAMETOOLONG;
		}
		child = ovl_path_new(p, text, len);
		ovl_path_unref(p);
		if (!child)
			return -ENOMEM;
		p = child;
	}
	*ret = p;
	return 0;
}
