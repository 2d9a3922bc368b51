/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lookup of one name, as the kernel does it.
 *
 *   ovl_lookup()      asks the upper, then the lowers one by one, each from the directory that the
 *                     parent has there, or from the root of the layer after an absolute redirect
 *   lookup_layer()    walks the components of the name (several after an absolute redirect)
 *   ovl_lookup_object()  looks at one object (lookup_object.c)
 *
 * The name that is looked for changes on the way: a redirect found in one layer says under which
 * name the layers below have the object.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "stack/lookup_state.h"

#include "base/banned.h"

/* Opens what was found as a directory to look further into. */
static int descend(struct ovl_lookup *l, const struct ovl_cursor *base, struct ovl_cursor *c)
{
	struct ovl_reader *r = l->stack->reader;
	int err = r->ops->open_dir(r, base->fd, c->path->name, &c->fd);

	if (err < 0)
		return ovl_lookup_object_blame(l, OVL_WHY_UNREADABLE, c, err);
	c->owned = true;
	return 0;
}

/*
 * Looks l->name up below @dir, in its layer. An absolute name is walked component by component,
 * and may be rewritten on the way by redirects of intermediate directories: these are for the
 * layers below, here the walk goes on with the components that are left, counted from the end.
 */
static int lookup_layer(struct ovl_lookup *l, struct ovl_dir *dir, struct ovl_cursor *ret)
{
	struct ovl_cursor base = { .layer = dir->layer, .fd = -1 }, next = { .fd = -1 };
	_cleanup_(ovl_dir_unpinp) struct ovl_dir *pinned = NULL;
	_cleanup_(ovl_buf_done) struct ovl_buf left = { 0 };
	struct ovl_bytes comp, rest = { NULL, 0 };
	size_t used = 0, prefix, remaining;
	int r;

	base.path = ovl_path_ref(dir->path);
	r = ovl_dir_pin(dir, &base.fd);
	if (r < 0) {
		r = ovl_lookup_object_blame(l, OVL_WHY_UNREADABLE, &base, r);
		goto out;
	}
	pinned = dir;
	if (l->name.len == 0 || l->name.data[0] != '/') {
		/* The name may be rewritten while it is looked up: keep what is asked for. */
		r = ovl_buf_add(&left, l->name.data, l->name.len);
		if (r == 0)
			r = ovl_lookup_object(l, &base, ovl_buf_bytes(&left), 0, rest, ret);
		goto out;
	}
	r = ovl_buf_add(&left, l->name.data + 1, l->name.len - 1);
	remaining = left.len;
	while (r == 0) {
		const char *at = left.data + used, *slash = memchr(at, '/', left.len - used);

		comp.data = (const unsigned char *)at;
		comp.len = slash ? (size_t)(slash - at) : left.len - used;
		rest.data = slash ? (const unsigned char *)slash : NULL;
		rest.len = slash ? left.len - used - comp.len : 0;
		prefix = l->name.len - remaining;
		r = ovl_lookup_object(l, &base, comp, prefix, rest, &next);
		if (r <= 0 || !slash)
			break;
		if (next.kind != OVL_KIND_DIR) {
			ovl_lookup_object_done(l, &next);
			r = 0;
			break;
		}
		r = descend(l, &base, &next);
		if (r < 0)
			break;
		ovl_lookup_object_done(l, &base);
		base = next;
		next = (struct ovl_cursor){ .fd = -1 };
		used += comp.len + 1;
		remaining -= comp.len + 1;
	}
	if (r > 0)
		*ret = next;
	else
		ovl_lookup_object_done(l, &next);
out:
	ovl_lookup_object_done(l, &base);
	return r;
}

/* Kernel: ovl_check_follow_redirect(). */
static int check_policy(struct ovl_lookup *l)
{
	const struct ovl_cursor nowhere = { .layer = OVL_LAYER_NONE };

	if (l->metacopy && l->stack->config.metacopy == OVL_OFF)
		return ovl_lookup_object_blame(l, OVL_WHY_METACOPY_OFF, &nowhere, -EPERM);
	if ((l->has_redirect || l->upper_redirect) && !ovl_stack_follow(l->stack))
		return ovl_lookup_object_blame(l, OVL_WHY_NOFOLLOW, &nowhere, -EPERM);
	return 0;
}

static struct ovl_found found_from(struct ovl_cursor *c)
{
	return (struct ovl_found){ .layer = c->layer,
				   .path = TAKE_PTR(c->path),
				   .stat = c->stat,
				   .kind = c->kind,
				   .metacopy = c->metacopy,
				   .redirected = c->redirected };
}

static int add_lower(struct ovl_hit *hit, size_t *room, struct ovl_cursor *c)
{
	if (hit->n_lower == *room) {
		size_t more = *room ? 2 * *room : 2;
		struct ovl_found *p = reallocarray(hit->lower, more, sizeof(*p));

		if (!p)
			return -ENOMEM;
		hit->lower = p;
		*room = more;
	}
	hit->lower[hit->n_lower++] = found_from(c);
	return 0;
}

/* Where the lowers are asked from: those of the parent, or all roots after an absolute redirect. */
struct base_list {
	struct ovl_dir *const *dir;
	size_t n;
	bool is_root;
};

static int lookup_lowers(struct ovl_lookup *l, const struct ovl_entry *root, bool check)
{
	struct base_list from = { l->parent->lower, l->parent->n_lower, l->parent == root };
	const int bottom = (int)l->stack->n_lower;
	struct ovl_cursor c = { .fd = -1 };
	size_t room = 0;
	int r;

	if (l->has_redirect && l->redirect.data[0] == '/')
		from = (struct base_list){ root->lower, root->n_lower, true };
	for (size_t i = 0; !l->stop && i < from.n; i++) {
		int layer = from.dir[i]->layer;

		r = check_policy(l);
		if (r < 0)
			return r;
		if (!check)
			l->last = i == from.n - 1;
		else if (l->is_dir || l->stack->n_data == 0)
			l->last = layer == bottom;
		r = lookup_layer(l, from.dir[i], &c);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (l->metacopy && l->hit->n_lower > 0)
			ovl_lookup_object_done(l, &c); /* only the topmost lower metacopy is kept */
		else
			r = add_lower(l->hit, &room, &c);
		ovl_lookup_object_done(l, &c);
		if (r < 0)
			return r;
		if (l->stop)
			break;
		if (l->has_redirect && l->redirect.data[0] == '/' && !from.is_root) {
			from = (struct base_list){ root->lower, root->n_lower, true };
			i = (size_t)(layer - root->lower[0]->layer); /* go on below this layer */
		}
	}
	return 0;
}

static int lookup_upper(struct ovl_lookup *l)
{
	struct ovl_cursor c = { .fd = -1 };
	int r;

	if (!l->parent->upper)
		return 0;
	r = lookup_layer(l, l->parent->upper, &c);
	if (r > 0) {
		l->hit->has_upper = true;
		l->hit->upper_metacopy = !l->is_dir && l->metacopy;
		l->hit->upper = found_from(&c);
		ovl_lookup_object_done(l, &c);
	}
	l->upper_redirect = l->has_redirect;
	return r < 0 ? r : 0;
}

static int conclude(struct ovl_lookup *l)
{
	struct ovl_hit *hit = l->hit;
	const struct ovl_cursor at = { .layer = OVL_LAYER_NONE };
	int r;

	if (l->metacopy && hit->n_lower > 0 && l->stack->n_data > 0 && l->absolute) {
		l->metacopy = false;
		hit->lazy_data = strndup(l->redirect.data, l->redirect.len);
		if (!hit->lazy_data)
			return -ENOMEM;
	} else {
		r = check_policy(l);
		if (r < 0)
			return r;
	}
	if (l->metacopy || (hit->upper_metacopy && hit->n_lower == 0))
		return ovl_lookup_object_blame(l, OVL_WHY_NO_LOWERDATA, &at, -EIO);
	if (!hit->has_upper && hit->n_lower == 0) {
		if (hit->why == OVL_WHY_NONE)
			hit->why = OVL_WHY_ABSENT;
		return -ENOENT;
	}
	return 0;
}

/* @l: with stack and parent, and who listens; what else it takes is freed. */
static int look_up(struct ovl_lookup l, const char *name, struct ovl_hit *ret)
{
	struct ovl_stack *stack = l.stack;
	const struct ovl_entry *parent = l.parent;
	struct ovl_hit hit = { 0 };
	struct ovl_entry *root;
	bool check = ovl_stack_follow(stack) || stack->n_data > 0;
	int r;

	l.hit = &hit;
	if (name[0] == '\0' || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EINVAL;
	root = ovl_lookup_root(stack, parent->first);
	r = root ? ovl_buf_adds(&l.name, name) : -ENOMEM;
	if (r == 0) {
		l.last = !check && parent->n_lower == 0;
		r = lookup_upper(&l);
	}
	if (r == 0)
		r = lookup_lowers(&l, root, check);
	if (r == 0)
		r = conclude(&l);
	hit.result = r;
	hit.is_dir = l.is_dir;
	hit.opaque = l.opaque;
	if (r != -ENOMEM && l.has_redirect) {
		hit.redirect = strndup(l.redirect.data, l.redirect.len);
		if (!hit.redirect)
			r = -ENOMEM;
	}
	ovl_entry_unref(root);
	ovl_buf_done(&l.name);
	ovl_buf_done(&l.redirect);
	ovl_path_unref(l.shared);
	ovl_obs_scratch_done(&l.scratch);
	if (r == -ENOMEM) {
		ovl_hit_done(&hit);
		return r;
	}
	*ret = hit;
	return 0;
}

int ovl_lookup(struct ovl_stack *stack, struct ovl_entry *parent, const char *name,
	       ovl_step_fn *step, void *step_ctx, struct ovl_hit *ret)
{
	return look_up(
		(struct ovl_lookup){
			.stack = stack, .parent = parent, .step = step, .step_ctx = step_ctx },
		name, ret);
}

int ovl_lookup_seen(struct ovl_stack *stack, struct ovl_entry *parent, const char *name,
		    const struct ovl_obs *top, ovl_step_fn *step, void *step_ctx,
		    struct ovl_hit *ret)
{
	return look_up((struct ovl_lookup){ .stack = stack,
					    .parent = parent,
					    .top = top,
					    .step = step,
					    .step_ctx = step_ctx },
		       name, ret);
}

int ovl_lookup_if(struct ovl_stack *stack, struct ovl_entry *parent, const char *name,
		  const struct ovl_whatif *what, struct ovl_hit *ret)
{
	return look_up((struct ovl_lookup){ .stack = stack, .parent = parent, .what = what }, name,
		       ret);
}
