/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One object of one layer, as lookup sees it: whiteout? opaque? redirected? metacopy?
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "format/metacopy.h"
#include "format/redirect.h"
#include "format/value.h"
#include "stack/lookup_state.h"

#include "base/banned.h"

void ovl_lookup_object_done(struct ovl_lookup *l, struct ovl_cursor *c)
{
	if (c->owned)
		l->stack->reader->ops->close(l->stack->reader, c->fd);
	ovl_path_unref(c->path);
	*c = (struct ovl_cursor){ .fd = -1 };
}

int ovl_lookup_object_blame(struct ovl_lookup *l, enum ovl_why why, const struct ovl_cursor *at,
			    int err)
{
	if (why == OVL_WHY_UNREADABLE && err != -ENOMEM) {
		int r = ovl_unread_note(&l->stack->unread, (struct ovl_loc){ at->layer, at->path },
					err);

		err = r < 0 ? r : err;
	}
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

static struct ovl_path *child_path(struct ovl_lookup *l, struct ovl_path *parent, const char *name,
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

static void tell(struct ovl_lookup *l, const struct ovl_cursor *at, bool there, bool used)
{
	struct ovl_step step = { .layer = at->layer,
				 .path = at->path,
				 .obs = there ? &l->obs : NULL,
				 .used = used,
				 .stop = l->stop };

	if (l->step)
		l->step(l->step_ctx, &step);
}

static void pretend(struct ovl_lookup *l, int layer)
{
	const struct ovl_whatif *what = l->what;
	uint32_t bit;

	if (!what || what->layer != layer || what->ino != l->obs.stat.ino)
		return;
	bit = 1u << what->id;
	l->obs.xbad &= ~bit;
	l->obs.xmask = what->has ? l->obs.xmask | bit : l->obs.xmask & ~bit;
	l->obs.x[what->id] = what->value;
}

/*
 * Looks at @name in @dir. A directory in the last layer and a special file are only stat'ed, since
 * none of their xattrs can matter to a lookup. Who listens is told of all. Returns 1 there, 0 absent, <0.
 */
static int look(struct ovl_lookup *l, int layer, int dir, const char *name)
{
	const uint32_t marks = OVL_XBIT(OPAQUE) | OVL_XBIT(REDIRECT) | OVL_XBIT(METACOPY) |
			       OVL_XBIT(WHITEOUT);
	struct ovl_reader *r = l->stack->reader;
	struct ovl_stat st;
	uint32_t type;
	int err;

	if (l->top) {
		l->obs = *l->top;
		l->top = NULL;
		return 1;
	}
	err = r->ops->stat(r, dir, name, &st);
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
	err = ovl_reader_observe_rest(r, dir, name, &st, l->step ? UINT32_MAX : marks,
				      l->stack->config.userxattr, &l->scratch, &l->obs);
	if (err < 0)
		return err; /* also if it is gone since it was stat'ed */
	pretend(l, layer);
	return 1;
}

/* Takes over the redirect of the object looked at, if it has one. Kernel: ovl_check_redirect(). */
static int take_redirect(struct ovl_lookup *l, const struct ovl_cursor *at, size_t prefix_len,
			 struct ovl_bytes rest)
{
	struct ovl_redirect red;
	int err;

	if (l->obs.xbad & OVL_XBIT(REDIRECT))
		return ovl_lookup_object_blame(l, OVL_WHY_UNREADABLE, at, -EIO);
	l->absolute = false;
	if (!(l->obs.xmask & OVL_XBIT(REDIRECT)))
		return 0;
	if (ovl_redirect_parse(l->obs.x[OVL_X_REDIRECT], &red) < 0)
		return ovl_lookup_object_blame(l, OVL_WHY_BAD_REDIRECT, at, -EINVAL);

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
static int judge_nondir(struct ovl_lookup *l, struct ovl_cursor *c, bool final)
{
	struct ovl_metacopy value;

	if (l->is_dir || !final) {
		l->stop = true;
		return 0;
	}
	l->metacopy = false;
	if (l->obs.kind == OVL_KIND_REG && ovl_obs_has(&l->obs, OVL_X_METACOPY)) {
		if (l->obs.xbad & OVL_XBIT(METACOPY))
			return ovl_lookup_object_blame(l, OVL_WHY_UNREADABLE, c, -EIO);
		if (ovl_metacopy_parse(l->obs.x[OVL_X_METACOPY], &value) == OVL_METACOPY_TOO_SMALL)
			return ovl_lookup_object_blame(l, OVL_WHY_BAD_METACOPY, c, -EIO);
		l->metacopy = true;
	}
	c->metacopy = l->metacopy;
	l->stop = !l->metacopy;
	return 1;
}

/* The same for a directory: 1, or <0. *ret_done: redirect is not to be read. */
static int judge_dir(struct ovl_lookup *l, struct ovl_cursor *c, bool final, bool *ret_done)
{
	struct ovl_key key = { c->stat.dev, c->stat.ino };
	enum ovl_opaque opaque;

	*ret_done = true;
	if (ovl_map_get(&l->stack->traps, key))
		return ovl_lookup_object_blame(l, OVL_WHY_LAYER_ROOT, c, -ELOOP);
	if (final)
		l->is_dir = true;
	if (l->last)
		return 1;
	if (l->obs.xbad & OVL_XBIT(OPAQUE))
		return ovl_lookup_object_blame(l, OVL_WHY_UNREADABLE, c, -EIO);
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

int ovl_lookup_object(struct ovl_lookup *l, const struct ovl_cursor *base, struct ovl_bytes comp,
		      size_t prefix_len, struct ovl_bytes rest, struct ovl_cursor *ret)
{
	bool final = rest.len == 0, done = true;
	struct ovl_cursor c = { .layer = base->layer, .fd = -1 };
	int r;

	c.path = child_path(l, base->path, (const char *)comp.data, comp.len);
	if (!c.path)
		return -ENOMEM;
	if (strcmp(c.path->name, ".") == 0 || strcmp(c.path->name, "..") == 0) {
		r = ovl_lookup_object_blame(l, OVL_WHY_DOTDOT, &c, -EACCES);
		goto out;
	}
	r = look(l, c.layer, base->fd, c.path->name);
	if (r <= 0) {
		if (r < 0)
			r = ovl_lookup_object_blame(l, OVL_WHY_UNREADABLE, &c, r);
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
			ovl_lookup_object_blame(l, OVL_WHY_WHITEOUT, &c, 0);
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
		c.redirected = (l->obs.xmask & OVL_XBIT(REDIRECT)) != 0;
	}
	if (r >= 0)
		tell(l, &c, true, r > 0);
	if (r > 0) {
		*ret = c;
		return 1;
	}
out:
	ovl_lookup_object_done(l, &c);
	return r;
}
