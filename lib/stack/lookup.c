/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lookup of one name, as the kernel does it.
 *
 *   ovl_lookup()      asks the upper, then the lowers one by one, each from the directory that the
 *                     parent has there, or from the root of the layer after an absolute redirect
 *   lookup_layer()    walks the components of the name (several after an absolute redirect)
 *   lookup_single()   looks at one object: whiteout? opaque? redirected? metacopy?
 *
 * The name that is looked for changes on the way: a redirect found in one layer says under which
 * name the layers below have the object.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "format/metacopy.h"
#include "format/redirect.h"
#include "format/value.h"
#include "stack/lookup.h"

/** Everything that one lookup carries along; struct ovl_lookup_data in the kernel. */
struct lookup {
	struct ovl_stack *stack;
	const struct ovl_entry *parent;
	struct ovl_hit *hit;
	ovl_step_fn *step;
	void *step_ctx;

	struct ovl_buf name;     /* what the next layer is asked for: one name or an absolute path */
	struct ovl_buf redirect; /* the redirect in force */
	bool has_redirect, upper_redirect;
	bool is_dir, opaque, stop, metacopy, absolute, last;

	struct ovl_path *shared; /* the path made last: layers share it where they agree */
	struct ovl_obs_scratch scratch;
	struct ovl_obs obs; /* of the object looked at last */
};

/** An object inside one layer, on the way down to the one that is looked for. */
struct cursor {
	int layer;
	int fd; /* of a directory; owned if @owned */
	bool owned;
	struct ovl_path *path; /* counted */
	struct ovl_stat stat;
	enum ovl_kind kind;
	bool metacopy;
};

static void cursor_done(struct lookup *l, struct cursor *c)
{
	if (c->owned)
		l->stack->reader->ops->close(l->stack->reader, c->fd);
	ovl_path_unref(c->path);
	*c = (struct cursor){ .fd = -1 };
}

/* Notes what went wrong, and where, and passes the errno on. */
static int blame(struct lookup *l, enum ovl_why why, const struct cursor *at, int err)
{
	if (err == -ENOMEM)
		return err;
	l->hit->why = why;
	ovl_found_done(&l->hit->culprit);
	l->hit->culprit = (struct ovl_found){ .layer = at->layer,
					      .path = ovl_path_ref(at->path),
					      .stat = at->stat,
					      .kind = at->kind };
	return err;
}

static struct ovl_path *child_path(struct lookup *l, struct ovl_path *parent, const char *name,
				   size_t len)
{
	struct ovl_path *p = l->shared;

	if (p && p->parent == parent && p->len == len && memcmp(p->name, name, len) == 0)
		return ovl_path_ref(p);
	p = ovl_path_new(parent, name, len);
	if (p) {
		ovl_path_unref(l->shared);
		l->shared = ovl_path_ref(p);
	}
	return p;
}

static void tell(struct lookup *l, const struct cursor *at, bool there, bool used)
{
	struct ovl_step step = { .layer = at->layer,
				 .path = at->path,
				 .obs = there ? &l->obs : NULL,
				 .used = used,
				 .stop = l->stop };

	if (l->step)
		l->step(l->step_ctx, &step);
}

/*
 * Looks at @name in @dir. A directory in the last layer and a special file are only stat'ed, since
 * none of their xattrs can matter to a lookup. Returns 1 there, 0 absent, <0.
 */
static int look(struct lookup *l, int dir, const char *name)
{
	struct ovl_reader *r = l->stack->reader;
	struct ovl_stat st;
	uint32_t type;
	int err = r->ops->stat(r, dir, name, &st);

	if (err == -ENOENT || err == -ENAMETOOLONG)
		return 0;
	if (err < 0)
		return err;
	type = st.mode & S_IFMT;
	if (!l->step && (type == S_IFDIR ? l->last : type != S_IFREG)) {
		l->obs = (struct ovl_obs){ .stat = st };
		l->obs.kind = ovl_kind_of(&st);
		return 1;
	}
	err = ovl_reader_observe(r, dir, name, l->stack->config.userxattr, &l->scratch, &l->obs);
	if (err == -ENOENT)
		return 0;
	return err < 0 ? err : 1;
}

/* Takes over the redirect of the object looked at, if it has one. Kernel: ovl_check_redirect(). */
static int take_redirect(struct lookup *l, const struct cursor *at, size_t prefix_len,
			 struct ovl_bytes rest)
{
	struct ovl_redirect red;
	int err;

	if (l->obs.xbad & OVL_XBIT(REDIRECT))
		return blame(l, OVL_WHY_UNREADABLE, at, -EIO);
	l->absolute = false;
	if (!(l->obs.xmask & OVL_XBIT(REDIRECT)))
		return 0;
	if (ovl_redirect_parse(l->obs.x[OVL_X_REDIRECT], &red) < 0)
		return blame(l, OVL_WHY_BAD_REDIRECT, at, -EINVAL);

	ovl_buf_clear(&l->redirect);
	err = 0;
	if (red.absolute) {
		l->stop = false;
		l->absolute = true;
	} else {
		err = ovl_buf_add(&l->redirect, l->name.data, prefix_len);
	}
	if (err == 0)
		err = ovl_buf_add(&l->redirect, red.path.data, red.path.len);
	if (err == 0)
		err = ovl_buf_add(&l->redirect, rest.data, rest.len);
	if (err < 0)
		return err;
	l->has_redirect = true;
	ovl_buf_clear(&l->name);
	return ovl_buf_add(&l->name, l->redirect.data, l->redirect.len);
}

/* Kernel: the second half of ovl_lookup_single(), for what is no directory. 1: it is of use. */
static int judge_nondir(struct lookup *l, struct cursor *c, bool final)
{
	struct ovl_metacopy value;

	if (l->is_dir || !final) {
		l->stop = true;
		return 0;
	}
	l->metacopy = false;
	if (l->obs.kind == OVL_KIND_REG && ovl_obs_has(&l->obs, OVL_X_METACOPY)) {
		if (l->obs.xbad & OVL_XBIT(METACOPY))
			return blame(l, OVL_WHY_UNREADABLE, c, -EIO);
		if (ovl_metacopy_parse(l->obs.x[OVL_X_METACOPY], &value) ==
		    OVL_METACOPY_TOO_SMALL)
			return blame(l, OVL_WHY_BAD_METACOPY, c, -EIO);
		l->metacopy = true;
	}
	c->metacopy = l->metacopy;
	l->stop = !l->metacopy;
	return 1;
}

/* The same for a directory: 1, or <0. *ret_done: redirect is not to be read. */
static int judge_dir(struct lookup *l, struct cursor *c, bool final, bool *ret_done)
{
	struct ovl_key key = { c->stat.dev, c->stat.ino };
	enum ovl_opaque opaque;

	*ret_done = true;
	if (ovl_map_get(&l->stack->traps, key))
		return blame(l, OVL_WHY_LAYER_ROOT, c, -ELOOP);
	if (final)
		l->is_dir = true;
	if (l->last)
		return 1;
	if (l->obs.xbad & OVL_XBIT(OPAQUE))
		return blame(l, OVL_WHY_UNREADABLE, c, -EIO);
	if (l->obs.xmask & OVL_XBIT(OPAQUE)) {
		ovl_value_opaque(l->obs.x[OVL_X_OPAQUE], &opaque);
		if (opaque == OVL_OPAQUE_YES) {
			l->stop = true;
			if (final)
				l->opaque = true;
			return 1;
		}
	}
	*ret_done = false;
	return 1;
}

/*
 * Looks one component up in the directory @base.
 * @prefix_len: how much of l->name stands before this component
 * @rest: what stands behind it, with its slash; owned by the caller
 * Returns 1 and @ret if there is something of use, 0 if not, <0.
 */
static int lookup_single(struct lookup *l, const struct cursor *base, struct ovl_bytes comp,
			 size_t prefix_len, struct ovl_bytes rest, struct cursor *ret)
{
	bool final = rest.len == 0, done = true;
	struct cursor c = { .layer = base->layer, .fd = -1 };
	int r;

	c.path = child_path(l, base->path, (const char *)comp.data, comp.len);
	if (!c.path)
		return -ENOMEM;
	if (strcmp(c.path->name, ".") == 0 || strcmp(c.path->name, "..") == 0) {
		r = blame(l, OVL_WHY_DOTDOT, &c, -EACCES);
		goto out;
	}
	r = look(l, base->fd, c.path->name);
	if (r <= 0) {
		if (r < 0)
			r = blame(l, OVL_WHY_UNREADABLE, &c, r);
		else
			tell(l, &c, false, false);
		goto out;
	}
	c.stat = l->obs.stat;
	c.kind = l->obs.kind;

	if (c.kind == OVL_KIND_WHITEOUT || c.kind == OVL_KIND_XWHITEOUT) {
		l->stop = l->opaque = true;
		r = 0;
		if (final)
			blame(l, OVL_WHY_WHITEOUT, &c, 0);
	} else if (final && l->metacopy && c.kind != OVL_KIND_REG) {
		l->stop = true; /* a metacopy file may only stand on a regular file */
		r = 0;
	} else if (c.kind != OVL_KIND_DIR) {
		r = judge_nondir(l, &c, final);
		done = r <= 0 || !l->metacopy || l->last;
	} else {
		r = judge_dir(l, &c, final, &done);
	}
	if (r > 0 && !done) {
		int err = take_redirect(l, &c, prefix_len, rest);

		if (err < 0)
			r = err;
	}
	if (r >= 0)
		tell(l, &c, true, r > 0);
	if (r > 0) {
		*ret = c;
		return 1;
	}
out:
	cursor_done(l, &c);
	return r;
}

/* Opens what was found as a directory to look further into. */
static int descend(struct lookup *l, const struct cursor *base, struct cursor *c)
{
	struct ovl_reader *r = l->stack->reader;
	int err = r->ops->open_dir(r, base->fd, c->path->name, &c->fd);

	if (err < 0)
		return blame(l, OVL_WHY_UNREADABLE, c, err);
	c->owned = true;
	return 0;
}

/*
 * Looks l->name up below @dir, in its layer. An absolute name is walked component by component,
 * and may be rewritten on the way by redirects of intermediate directories: these are for the
 * layers below, here the walk goes on with the components that are left, counted from the end.
 */
static int lookup_layer(struct lookup *l, struct ovl_dir *dir, struct cursor *ret)
{
	struct cursor base = { .layer = dir->layer, .fd = -1 }, next = { .fd = -1 };
	_cleanup_(ovl_dir_unpinp) struct ovl_dir *pinned = NULL;
	_cleanup_(ovl_buf_done) struct ovl_buf left = { 0 };
	struct ovl_bytes comp, rest = { NULL, 0 };
	size_t used = 0, prefix, remaining;
	int r;

	base.path = ovl_path_ref(dir->path);
	r = ovl_dir_pin(dir, &base.fd);
	if (r < 0) {
		r = blame(l, OVL_WHY_UNREADABLE, &base, r);
		goto out;
	}
	pinned = dir;
	if (l->name.len == 0 || l->name.data[0] != '/') {
		/* The name may be rewritten while it is looked up: keep what is asked for. */
		r = ovl_buf_add(&left, l->name.data, l->name.len);
		if (r == 0)
			r = lookup_single(l, &base, ovl_buf_bytes(&left), 0, rest, ret);
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
		r = lookup_single(l, &base, comp, prefix, rest, &next);
		if (r <= 0 || !slash)
			break;
		if (next.kind != OVL_KIND_DIR) {
			cursor_done(l, &next);
			r = 0;
			break;
		}
		r = descend(l, &base, &next);
		if (r < 0)
			break;
		cursor_done(l, &base);
		base = next;
		next = (struct cursor){ .fd = -1 };
		used += comp.len + 1;
		remaining -= comp.len + 1;
	}
	if (r > 0)
		*ret = next;
	else
		cursor_done(l, &next);
out:
	cursor_done(l, &base);
	return r;
}

/* Kernel: ovl_check_follow_redirect(). */
static int check_policy(struct lookup *l)
{
	const struct cursor nowhere = { .layer = OVL_LAYER_NONE };

	if (l->metacopy && l->stack->config.metacopy == OVL_OFF)
		return blame(l, OVL_WHY_METACOPY_OFF, &nowhere, -EPERM);
	if ((l->has_redirect || l->upper_redirect) && !ovl_stack_follow(l->stack))
		return blame(l, OVL_WHY_NOFOLLOW, &nowhere, -EPERM);
	return 0;
}

static struct ovl_found found_from(struct cursor *c)
{
	return (struct ovl_found){ .layer = c->layer,
				   .path = TAKE_PTR(c->path),
				   .stat = c->stat,
				   .kind = c->kind,
				   .metacopy = c->metacopy };
}

static int add_lower(struct ovl_hit *hit, size_t *room, struct cursor *c)
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

static int lookup_lowers(struct lookup *l, const struct ovl_entry *root, bool check)
{
	struct base_list from = { l->parent->lower, l->parent->n_lower, l->parent == root };
	const int bottom = (int)l->stack->n_lower;
	struct cursor c = { .fd = -1 };
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
			cursor_done(l, &c); /* only the topmost lower metacopy is kept */
		else
			r = add_lower(l->hit, &room, &c);
		cursor_done(l, &c);
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

static int lookup_upper(struct lookup *l)
{
	struct cursor c = { .fd = -1 };
	int r;

	if (!l->parent->upper)
		return 0;
	r = lookup_layer(l, l->parent->upper, &c);
	if (r > 0) {
		l->hit->has_upper = true;
		l->hit->upper_metacopy = !l->is_dir && l->metacopy;
		l->hit->upper = found_from(&c);
		cursor_done(l, &c);
	}
	l->upper_redirect = l->has_redirect;
	return r < 0 ? r : 0;
}

static int conclude(struct lookup *l)
{
	struct ovl_hit *hit = l->hit;
	const struct cursor at = { .layer = OVL_LAYER_NONE };
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
		return blame(l, OVL_WHY_NO_LOWERDATA, &at, -EIO);
	if (!hit->has_upper && hit->n_lower == 0) {
		if (hit->why == OVL_WHY_NONE)
			hit->why = OVL_WHY_ABSENT;
		return -ENOENT;
	}
	return 0;
}

int ovl_lookup(struct ovl_stack *stack, struct ovl_entry *parent, const char *name,
	       ovl_step_fn *step, void *step_ctx, struct ovl_hit *ret)
{
	struct ovl_hit hit = { 0 };
	struct lookup l = { .stack = stack, .parent = parent, .hit = &hit, .step = step,
			    .step_ctx = step_ctx };
	struct ovl_entry *root;
	bool check = ovl_stack_follow(stack) || stack->n_data > 0;
	int r;

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
