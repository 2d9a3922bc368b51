/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Open, name and close the layers of one overlay.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "stack/dir.h"
#include "stack/lookup.h"

#include "base/banned.h"

const struct ovl_layer *ovl_stack_layer(const struct ovl_stack *stack, int number)
{
	if (number == OVL_LAYER_WORK)
		return &stack->work;
	if (number == OVL_LAYER_INDEX)
		return &stack->index;
	assert(number >= 0 && (size_t)number < stack->n_layer);
	return &stack->layer[number];
}

static int open_layer(struct ovl_layer *layer, enum ovl_role role, int number, const char *dir,
		      const char *what, struct ovl_error *e)
{
	layer->role = role;
	layer->number = number;
	layer->dir = dir;
	return ovl_root_open(dir, what, &layer->root, e);
}

static int open_layers(struct ovl_stack *s, struct ovl_error *e)
{
	const struct ovl_config *c = s->given;
	struct ovl_layer *layer;
	int n = 0, r = 0;

	s->n_layer = 1 + c->n_lower + c->n_data;
	s->layer = calloc(s->n_layer, sizeof(*s->layer));
	if (!s->layer)
		return ovl_fail(e, -ENOMEM, "open layers");
	for (size_t i = 0; i < s->n_layer; i++)
		s->layer[i].root = (struct ovl_root)OVL_ROOT_INIT;
	if (c->upper)
		r = open_layer(&s->layer[0], OVL_ROLE_UPPER, n, c->upper, "upper layer", e);
	s->has_upper = c->upper != NULL;
	for (size_t i = 0; r == 0 && i < c->n_lower; i++) {
		layer = &s->layer[++n];
		r = open_layer(layer, OVL_ROLE_LOWER, n, c->lower[i], "lower layer", e);
	}
	for (size_t i = 0; r == 0 && i < c->n_data; i++) {
		layer = &s->layer[++n];
		r = open_layer(layer, OVL_ROLE_DATA, n, c->data[i], "data-only layer", e);
	}
	s->n_lower = (unsigned)c->n_lower;
	s->n_data = (unsigned)c->n_data;
	return r;
}

/* The index may be there, and may be something that is no directory. */
static int open_index(struct ovl_stack *s, struct ovl_error *e)
{
	struct ovl_stat st;

	s->index_errno = s->reader->ops->stat(s->reader, s->work.root.fd, "index", &st);
	if (s->index_errno == -ENOENT)
		return 0;
	if (s->index_errno < 0)
		return ovl_fail(e, s->index_errno, "cannot look at index directory '%s'",
				s->index_dir);
	if (!S_ISDIR(st.mode)) {
		s->index_errno = -ENOTDIR; /* also for a symlink, which is never followed here */
		return 0;
	}
	return open_layer(&s->index, OVL_ROLE_INDEX, OVL_LAYER_INDEX, s->index_dir,
			  "index directory", e);
}

/* The work base must be there. */
static int open_work(struct ovl_stack *s, struct ovl_error *e)
{
	_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 };
	int r;

	s->index_errno = -ENOENT;
	if (!s->given->work)
		return 0;
	r = open_layer(&s->work, OVL_ROLE_WORK, OVL_LAYER_WORK, s->given->work, "work directory",
		       e);
	if (r < 0)
		return r;
	r = ovl_buf_addf(&path, "%s/index", s->given->work);
	if (r < 0)
		return ovl_fail(e, r, "open index");
	s->index_dir = ovl_buf_take(&path);
	if (!s->index_dir)
		return ovl_fail(e, -ENOMEM, "open index");
	return open_index(s, e);
}

int ovl_stack_look_for_index(struct ovl_stack *stack, struct ovl_error *e)
{
	if (stack->work.root.fd < 0)
		return 0;
	ovl_root_done(&stack->index.root);
	stack->index.root = (struct ovl_root)OVL_ROOT_INIT;
	return open_index(stack, e);
}

static int add_trap(struct ovl_stack *s, const struct ovl_root *root)
{
	uint64_t *value;
	int r;

	if (root->fd < 0)
		return 0;
	r = ovl_map_put(&s->traps, (struct ovl_key){ root->stat.dev, root->stat.ino }, 0, &value);
	return r < 0 ? r : 0;
}

static bool is_same_fs(const struct ovl_root *a, const struct ovl_root *b)
{
	if (a->stat.dev == b->stat.dev)
		return true;
	/* Subvolumes of one btrfs differ in device. */
	return a->fs_type == OVL_FS_BTRFS && b->fs_type == OVL_FS_BTRFS && a->has_uuid &&
	       b->has_uuid && memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0;
}

/* The file system of a lower is compared with those before it when it turns up first. */
static bool is_new_fs(const struct ovl_stack *s, unsigned n)
{
	for (unsigned i = s->has_upper ? 0 : 1; i < n; i++)
		if (is_same_fs(&s->layer[i].root, &s->layer[n].root))
			return false;
	return true;
}

static bool is_on_upper_fs(const struct ovl_stack *s, const struct ovl_root *root)
{
	return s->has_upper && is_same_fs(root, &s->layer[OVL_LAYER_UPPER].root);
}

/* The file system with that uuid that the kernel finds: the upper's is the first in its list. */
static const struct ovl_root *find_same_uuid(const struct ovl_stack *s, unsigned n)
{
	const struct ovl_root *root = &s->layer[n].root, *other, *found = NULL;

	for (unsigned i = 1; i < n; i++) {
		other = &s->layer[i].root;
		if (other->has_uuid && memcmp(root->uuid, other->uuid, sizeof(root->uuid)) == 0 &&
		    (!found || is_on_upper_fs(s, other)))
			found = other;
	}
	return found;
}

/* All layers on a file system; not on that of the upper, where handles are always followed. */
static void mark_bad_uuid(struct ovl_stack *s, const struct ovl_root *root)
{
	if (is_on_upper_fs(s, root))
		return;
	for (unsigned i = 1; i <= s->n_lower; i++)
		if (is_same_fs(root, &s->layer[i].root))
			s->layer[i].bad_uuid = true;
}

/*
 * Flags lower layers whose uuid another lower file system has too: a handle could be decoded in the
 * wrong one. Having none is a uuid as well. A file system that has the uuid of the upper's goes
 * unnoticed unless a lower further up is on the upper's. Kernel: fs/overlayfs/super.c,
 * ovl_get_fsid() and ovl_lower_uuid_ok(); namei.c, ovl_check_origin_fh().
 */
static void mark_uuid_conflicts(struct ovl_stack *s)
{
	for (unsigned n = 2; n <= s->n_lower; n++) {
		const struct ovl_root *root = &s->layer[n].root, *other = NULL;

		if (root->has_uuid && is_new_fs(s, n))
			other = find_same_uuid(s, n);
		if (other) {
			mark_bad_uuid(s, root);
			mark_bad_uuid(s, other);
		}
	}
}

static bool are_on_one_fs(const struct ovl_stack *s)
{
	for (size_t i = 2; i < s->n_layer; i++)
		if (!is_same_fs(&s->layer[1].root, &s->layer[i].root))
			return false;
	return !s->has_upper || is_same_fs(&s->layer[0].root, &s->layer[1].root);
}

static int index_roots(struct ovl_stack *s, struct ovl_error *e)
{
	int r = 0;

	s->root_dir = calloc(s->n_layer, sizeof(*s->root_dir));
	s->root_entry = calloc(s->n_layer, sizeof(struct ovl_entry *));
	if (!s->root_dir || !s->root_entry)
		return ovl_fail(e, -ENOMEM, "open layers");
	for (size_t i = 0; r == 0 && i < s->n_layer; i++) {
		if (s->layer[i].root.fd < 0)
			continue;
		s->root_dir[i] = ovl_dir_new(s, (int)i, NULL);
		r = s->root_dir[i] ? add_trap(s, &s->layer[i].root) : -ENOMEM;
	}
	mark_uuid_conflicts(s);
	s->one_fs = are_on_one_fs(s);
	if (r == 0)
		r = add_trap(s, &s->work.root);
	if (r == 0)
		r = add_trap(s, &s->index.root);
	return r < 0 ? ovl_fail(e, r, "open layers") : 0;
}

static int stack_init(struct ovl_stack *s, struct ovl_error *e)
{
	int r;

	s->work.root = s->index.root = (struct ovl_root)OVL_ROOT_INIT;
	r = ovl_dir_cache_init(&s->cache);
	if (r == 0)
		r = ovl_unread_init(&s->unread);
	if (r < 0)
		return ovl_fail(e, r, "set up the stack");
	r = ovl_config_check(s->given, e);
	if (r == 0)
		r = open_layers(s, e);
	if (r == 0)
		r = open_work(s, e);
	if (r == 0)
		r = index_roots(s, e);
	if (r == 0)
		r = ovl_resolve_options(s, e);
	if (r == 0 && !s->config.userxattr && !ovl_root_trusted_visible())
		r = ovl_fail_plain(e, -EPERM,
				   "trusted.* xattrs cannot be seen: run as root, or every layer "
				   "would look clean (env-no-trusted-xattr)");
	if (r == 0 && !s->config.userxattr && s->n_layer > 0 &&
	    ovl_root_handles_refused(s->layer[s->n_lower].root.fd))
		r = ovl_fail_plain(
			e, -EPERM,
			"file handles cannot be opened, so it cannot be told what files of "
			"the upper were copied up from: CAP_DAC_READ_SEARCH and "
			"open_by_handle_at(2) are needed");
	return r;
}

int ovl_stack_open(const struct ovl_config *config, struct ovl_reader *reader,
		   struct ovl_stack **ret, struct ovl_error *e)
{
	struct ovl_stack *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return ovl_fail(e, -ENOMEM, "open layers");
	s->given = config;
	s->reader = reader ? reader : ovl_reader_linux();
	r = stack_init(s, e);
	if (r < 0) {
		ovl_stack_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct ovl_stack *ovl_stack_close(struct ovl_stack *stack)
{
	if (!stack)
		return NULL;
	for (size_t i = 0; stack->root_entry && i < stack->n_layer; i++)
		ovl_entry_unref(stack->root_entry[i]);
	for (size_t i = 0; stack->root_dir && i < stack->n_layer; i++)
		ovl_dir_unref(stack->root_dir[i]);
	free(stack->root_entry);
	free(stack->root_dir);
	ovl_dir_cache_done(&stack->cache);
	for (size_t i = 0; stack->layer && i < stack->n_layer; i++)
		ovl_root_done(&stack->layer[i].root);
	free(stack->layer);
	ovl_root_done(&stack->work.root);
	ovl_root_done(&stack->index.root);
	free(stack->index_dir);
	ovl_map_done(&stack->traps);
	ovl_unread_done(&stack->unread);
	free(stack);
	return NULL;
}

const struct ovl_config *ovl_stack_config(const struct ovl_stack *stack)
{
	return &stack->config;
}

size_t ovl_stack_n_layers(const struct ovl_stack *stack)
{
	return stack->n_layer - (stack->has_upper ? 0 : 1);
}

static int add_layer_name(const struct ovl_stack *s, int layer, struct ovl_buf *b)
{
	switch (layer) {
	case OVL_LAYER_NONE:
		return ovl_buf_adds(b, "overlay");
	case OVL_LAYER_WORK:
		return ovl_buf_adds(b, "work");
	case OVL_LAYER_INDEX:
		return ovl_buf_adds(b, "index");
	case OVL_LAYER_UPPER:
		return ovl_buf_adds(b, "upper");
	default:
		if (layer <= (int)s->n_lower)
			return ovl_buf_addf(b, "lower%d", layer);
		return ovl_buf_addf(b, "data%d", layer - (int)s->n_lower);
	}
}

char *ovl_stack_layer_name(const struct ovl_stack *stack, int layer)
{
	struct ovl_buf b = { 0 };

	if (add_layer_name(stack, layer, &b) < 0) {
		ovl_buf_done(&b);
		return NULL;
	}
	return ovl_buf_take(&b);
}

char *ovl_stack_place(const struct ovl_stack *stack, struct ovl_loc loc)
{
	struct ovl_buf b = { 0 };
	int r = add_layer_name(stack, loc.layer, &b);

	if (r == 0 && loc.layer != OVL_LAYER_NONE)
		r = ovl_buf_addc(&b, ':');
	if (r == 0 && loc.layer != OVL_LAYER_NONE)
		r = ovl_path_add_escaped(&b, loc.path);
	if (r < 0) {
		ovl_buf_done(&b);
		return NULL;
	}
	return ovl_buf_take(&b);
}

const char *ovl_stack_layer_dir(const struct ovl_stack *stack, int layer)
{
	return layer == OVL_LAYER_NONE ? NULL : ovl_stack_layer(stack, layer)->dir;
}

char *ovl_stack_path(struct ovl_loc loc)
{
	struct ovl_buf b = { 0 };

	if (ovl_path_add(&b, loc.path) < 0) {
		ovl_buf_done(&b);
		return NULL;
	}
	return ovl_buf_take(&b);
}
