/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live overlays that use layers of ours. See users.h.
 */
#include "stack/users.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "io/inuse.h"

#include "base/banned.h"

/* Asking the kernel about a directory costs a mount; beyond this many lowers mount tables must do. */
enum { MAX_PROBED_LOWERS = 16 };

typedef OVL_VEC(struct ovl_use) use_vec;

/* The layers that are looked for, and what the kernel says about the writable ones. */
struct search {
	const struct ovl_stack *stack;
	const struct ovl_root **root;
	int *layer; /* number of each */
	size_t n;
	use_vec uses;
	enum ovl_inuse upper, work;
};

static void search_done(struct search *s)
{
	for (size_t i = 0; i < s->uses.len; i++)
		free(s->uses.data[i].mountpoint);
	ovl_vec_done(&s->uses);
	free(s->root);
	free(s->layer);
}

void ovl_users_done(struct ovl_users *u)
{
	for (size_t i = 0; i < u->n; i++)
		free(u->use[i].mountpoint);
	free(u->use);
	*u = (struct ovl_users){ 0 };
}

static void add_root(struct search *s, const struct ovl_layer *layer, int number)
{
	if (layer->root.fd < 0)
		return;
	s->root[s->n] = &layer->root;
	s->layer[s->n++] = number;
}

static int list_roots(struct search *s)
{
	const struct ovl_stack *stack = s->stack;

	s->root = calloc(stack->n_layer + 1, sizeof(const struct ovl_root *));
	s->layer = calloc(stack->n_layer + 1, sizeof(*s->layer));
	if (!s->root || !s->layer)
		return -ENOMEM;
	/* Where one directory is given twice, the scan knows the one that came first. */
	for (size_t i = 0; i < stack->n_layer; i++)
		add_root(s, &stack->layer[i], (int)i);
	if (stack->has_upper)
		add_root(s, &stack->work, OVL_LAYER_WORK);
	return 0;
}

static enum ovl_role role_of(const struct ovl_mount_user *user)
{
	switch (user->as) {
	case OVL_USED_AS_UPPER:
		return OVL_ROLE_UPPER;
	case OVL_USED_AS_WORK:
		return OVL_ROLE_WORK;
	case OVL_USED_AS_LOWER:
	default:
		return OVL_ROLE_LOWER;
	}
}

/*
 * The scan tells of each mount its upper, its work directory and its lowers, in this order; so a step
 * back begins another mount, even at the same mount point.
 */
static bool is_next_mount(const struct ovl_use *last, const struct ovl_mount_user *user)
{
	return last->pid != user->pid || strcmp(last->mountpoint, user->mountpoint) != 0 ||
	       role_of(user) < last->as ||
	       (last->as != OVL_ROLE_LOWER && role_of(user) == last->as);
}

static int take_users(struct search *s, struct ovl_mount_user *users, size_t n)
{
	const struct ovl_use *last = NULL;
	unsigned mount = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct ovl_use use = { .layer = s->layer[users[i].which],
				       .as = role_of(&users[i]),
				       .pid = users[i].pid,
				       .mountpoint = users[i].mountpoint };

		if (!last || is_next_mount(last, &users[i]))
			mount++;
		use.mount = mount;
		r = ovl_vec_push(&s->uses, use);
		if (r == 0) {
			users[i].mountpoint = NULL;
			last = &s->uses.data[s->uses.len - 1];
		}
	}
	return r;
}

static int scan(struct search *s)
{
	struct ovl_mount_user *users;
	size_t n;
	int r = ovl_inuse_scan(s->root, s->n, &users, &n);

	if (r < 0)
		return r;
	r = take_users(s, users, n);
	ovl_inuse_users_free(users, n);
	return r;
}

/* A use of a layer in a role, of one mount or (0) of any. */
static bool has_use(const struct search *s, int layer, enum ovl_role as, unsigned mount)
{
	for (size_t i = 0; i < s->uses.len; i++) {
		const struct ovl_use *use = &s->uses.data[i];

		if (use->layer == layer && use->as == as && (mount == 0 || use->mount == mount))
			return true;
	}
	return false;
}

/*
 * Is it our overlay that has our upper (or work directory)? Yes, if its other directory is ours too.
 * The mount table may name that one by a path that leads nowhere from here; then it is ours
 * unless another mount has it, or the kernel says that nobody has.
 */
static bool is_ours(const struct search *s, const struct ovl_use *use)
{
	bool upper = use->layer == OVL_LAYER_UPPER;
	int other = upper ? OVL_LAYER_WORK : OVL_LAYER_UPPER;
	enum ovl_role other_as = upper ? OVL_ROLE_WORK : OVL_ROLE_UPPER;

	if (!s->stack->has_upper || use->as != (upper ? OVL_ROLE_UPPER : OVL_ROLE_WORK))
		return false;
	if (has_use(s, other, other_as, use->mount))
		return true;
	return !has_use(s, other, other_as, 0) &&
	       (upper ? s->work : s->upper) != OVL_INUSE_NO;
}

static int add_unnamed(struct search *s, int layer, bool ours)
{
	struct ovl_use use = { .layer = layer, .as = OVL_ROLE__MAX, .ours = ours };

	if (has_use(s, layer, OVL_ROLE_UPPER, 0) || has_use(s, layer, OVL_ROLE_WORK, 0))
		return 0;
	return ovl_vec_push(&s->uses, use);
}

static int probe_upper(struct search *s)
{
	const struct ovl_stack *stack = s->stack;
	int r = 0;

	if (!stack->has_upper)
		return 0;
	s->upper = ovl_inuse_probe(stack->layer[0].dir);
	s->work = ovl_inuse_probe(stack->work.dir);
	for (size_t i = 0; i < s->uses.len; i++) {
		struct ovl_use *use = &s->uses.data[i];

		if (use->layer == OVL_LAYER_UPPER || use->layer == OVL_LAYER_WORK)
			use->ours = is_ours(s, use);
	}
	if (s->upper == OVL_INUSE_YES)
		r = add_unnamed(s, OVL_LAYER_UPPER, s->work != OVL_INUSE_NO);
	if (r == 0 && s->work == OVL_INUSE_YES)
		r = add_unnamed(s, OVL_LAYER_WORK, s->upper != OVL_INUSE_NO);
	return r;
}

static int probe_lowers(struct search *s)
{
	const struct ovl_stack *stack = s->stack;
	int r = 0;

	if (stack->n_lower > MAX_PROBED_LOWERS)
		return 0;
	for (int n = 1; r == 0 && n <= (int)stack->n_lower; n++)
		if (!has_use(s, n, OVL_ROLE_UPPER, 0) && !has_use(s, n, OVL_ROLE_WORK, 0) &&
		    ovl_inuse_probe(stack->layer[n].dir) == OVL_INUSE_YES)
			r = add_unnamed(s, n, false);
	return r;
}

int ovl_users_find(const struct ovl_stack *stack, struct ovl_users *ret)
{
	_cleanup_(search_done) struct search s = { .stack = stack };
	int r = list_roots(&s);

	if (r == 0)
		r = scan(&s);
	if (r == 0)
		r = probe_upper(&s);
	if (r == 0)
		r = probe_lowers(&s);
	if (r < 0)
		return r;
	*ret = (struct ovl_users){ s.uses.data, s.uses.len };
	s.uses.data = NULL;
	s.uses.len = 0;
	return 0;
}

bool ovl_users_live(const struct ovl_users *u)
{
	for (size_t i = 0; i < u->n; i++)
		if ((u->use[i].layer == OVL_LAYER_UPPER || u->use[i].layer == OVL_LAYER_WORK) &&
		    ovl_use_writes(&u->use[i]))
			return true;
	return false;
}

size_t ovl_users_group(const struct ovl_users *u, size_t i)
{
	const struct ovl_use *first = &u->use[i];
	size_t n = 1;

	while (i + n < u->n && u->use[i + n].mount == first->mount &&
	       u->use[i + n].ours == first->ours)
		n++;
	return n;
}

int ovl_users_name(const struct ovl_use *use, struct ovl_buf *b)
{
	int r;

	if (!use->mountpoint)
		return ovl_buf_adds(b, "an overlay that no mount table shows");
	r = ovl_buf_adds(b, "the overlay at ");
	if (r == 0)
		r = ovl_buf_add_escaped(b, use->mountpoint, strlen(use->mountpoint));
	if (r == 0 && use->pid > 0)
		r = ovl_buf_addf(b, " (process %d)", use->pid);
	return r;
}
