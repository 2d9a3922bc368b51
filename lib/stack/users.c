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
static bool is_next_mount(const struct ovl_mount_user *last, const struct ovl_mount_user *user)
{
	return last->pid != user->pid || strcmp(last->mountpoint, user->mountpoint) != 0 ||
	       user->as < last->as || (user->as == last->as && user->as != OVL_USED_AS_LOWER);
}

static int add_use(struct search *s, const struct ovl_mount_user *user, unsigned mount)
{
	struct ovl_use use = { .layer = s->layer[user->which],
			       .as = role_of(user),
			       .mount = mount,
			       .pid = user->pid,
			       .mountpoint = strdup(user->mountpoint) };
	int r = use.mountpoint ? ovl_vec_push(&s->uses, use) : -ENOMEM;

	if (r < 0)
		free(use.mountpoint);
	return r;
}

/* Two containers of one image share its layers: nobody needs to hear of that. */
static bool is_shared_lower(const struct search *s, const struct ovl_mount_user *user)
{
	return user->as == OVL_USED_AS_LOWER && s->layer[user->which] > OVL_LAYER_UPPER;
}

static int take_users(struct search *s, const struct ovl_mount_user *users, size_t n)
{
	unsigned mount = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (i == 0 || is_next_mount(&users[i - 1], &users[i]))
			mount++;
		if (!is_shared_lower(s, &users[i]))
			r = add_use(s, &users[i], mount);
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
	return !has_use(s, other, other_as, 0) && (upper ? s->work : s->upper) != OVL_INUSE_NO;
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
		    u->use[i].as != OVL_ROLE_LOWER)
			return true;
	return false;
}

size_t ovl_users_group(const struct ovl_users *u, size_t i)
{
	const struct ovl_use *first = &u->use[i], *use;
	size_t n = 1;

	for (; i + n < u->n; n++) {
		use = &u->use[i + n];
		if (use->mount != first->mount || use->ours != first->ours ||
		    (use->as == OVL_ROLE_LOWER) != (first->as == OVL_ROLE_LOWER))
			break;
	}
	return n;
}

static int tell_layers(const struct ovl_stack *stack, const struct ovl_use *use, size_t n,
		       struct ovl_buf *b)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *name = ovl_stack_layer_name(stack, use[i].layer);
		int r = name ? 0 : -ENOMEM;

		if (r == 0 && i > 0)
			r = ovl_buf_adds(b, i == n - 1 ? " and " : ", ");
		if (r == 0)
			r = ovl_buf_adds(b, name);
		if (r < 0)
			return r;
	}
	return ovl_buf_adds(b, n > 1 ? " are in use " : " is in use ");
}

int ovl_users_tell(const struct ovl_stack *stack, const struct ovl_use *use, size_t n,
		   struct ovl_buf *b)
{
	int r = tell_layers(stack, use, n, b);

	if (r == 0 && use->as == OVL_ROLE_LOWER)
		r = ovl_buf_adds(b, "as lower layer ");
	if (r == 0 && !use->mountpoint)
		return ovl_buf_adds(b, "by an overlay that no mount table shows");
	if (r == 0)
		r = ovl_buf_adds(b, "by the overlay at ");
	if (r == 0)
		r = ovl_buf_add_escaped(b, use->mountpoint, strlen(use->mountpoint));
	if (r == 0 && use->pid > 0)
		r = ovl_buf_addf(b, " (process %d)", use->pid);
	return r;
}

int ovl_stack_users(const struct ovl_stack *stack, char **ret_text)
{
	_cleanup_(ovl_users_done) struct ovl_users users = { 0 };
	_cleanup_(ovl_buf_done) struct ovl_buf text = { 0 };
	int r = ovl_users_find(stack, &users);

	for (size_t i = 0, n; r == 0 && i < users.n; i += n) {
		n = ovl_users_group(&users, i);
		if (i > 0)
			r = ovl_buf_addc(&text, '\n');
		if (r == 0)
			r = ovl_users_tell(stack, &users.use[i], n, &text);
	}
	if (r < 0)
		return r;
	if (users.n == 0) {
		*ret_text = NULL;
		return 0;
	}
	*ret_text = ovl_buf_take(&text);
	return *ret_text ? 1 : -ENOMEM;
}
