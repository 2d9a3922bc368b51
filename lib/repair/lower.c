/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose is a layer?
 */
#include "repair/lower.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "io/chase.h"
#include "io/inuse.h"
#include "io/mounttable.h"
#include "overlayfs/mount.h"

#include "base/banned.h"

/* Stores of docker, containers/storage and containerd keep their layers below a folder of this name. */
static const char *const stores[] = {
	"/overlay2/",           "/containers/storage/", "/io.containerd.snapshotter.v1.overlayfs/",
	"/overlay-containers/", "/overlay-layers/",     "/buildkit/",
};

static bool is_in_store(const char *dir)
{
	_cleanup_free_ char *real = realpath(dir, NULL);
	const char *path = real ? real : dir;

	for (size_t i = 0; i < ARRAY_LEN(stores); i++)
		if (strstr(path, stores[i]))
			return true;
	return false;
}

static bool is_used(const struct ovl_layer *layer)
{
	const struct ovl_root *root = &layer->root;
	struct ovl_mount_user *users;
	size_t n;

	if (ovl_inuse_scan(&root, 1, &users, &n) < 0)
		return true; /* who knows? */
	ovl_inuse_users_free(users, n);
	return n > 0;
}

/** A directory that other lines of fstab are searched for. */
struct search {
	const struct ovl_stack *stack;
	const struct ovl_layer *layer;
	struct ovl_mounttable mounts;
	OVL_VEC(char *) to_come; /* overlays that an automount is to mount; owned */
};

static void search_done(struct search *s)
{
	for (size_t i = 0; i < s->to_come.len; i++)
		free(s->to_come.data[i]);
	ovl_vec_done(&s->to_come);
	ovl_mounttable_done(&s->mounts);
}

static int note_to_come(void *ctx, const char *target, const struct ovl_config *config)
{
	_cleanup_free_ char *where = NULL;
	struct search *s = ctx;
	int r = *target == '/' ? ovl_chase(&s->mounts, target, &where) : 0;

	(void)config;
	if (r < 0 || !where || !ovl_mounttable_waits(&s->mounts, where))
		return r;
	r = ovl_vec_push(&s->to_come, where);
	if (r == 0)
		TAKE_PTR(where);
	return r;
}

/*
 * Is this in an overlay that is not mounted yet? Then it is no directory that we have opened; and it
 * must not be looked at, since that mount may wait for us.
 */
static bool is_to_come(const struct search *s, const char *path)
{
	_cleanup_free_ char *where = NULL;
	size_t len;

	if (s->to_come.len == 0 || ovl_chase(&s->mounts, path, &where) < 0)
		return false;
	for (size_t i = 0; i < s->to_come.len; i++) {
		len = strlen(s->to_come.data[i]);
		if (strncmp(where, s->to_come.data[i], len) == 0 &&
		    (where[len] == '\0' || where[len] == '/'))
			return true;
	}
	return false;
}

static bool leads_to(const struct search *s, const char *path, const struct ovl_layer *layer)
{
	struct stat st;

	return path && !is_to_come(s, path) && stat(path, &st) == 0 &&
	       st.st_dev == layer->root.stat.dev && st.st_ino == layer->root.stat.ino;
}

/* 1 if a line other than that of this very overlay uses the directory. */
static int uses(void *ctx, const char *target, const struct ovl_config *config)
{
	const struct search *search = ctx;
	bool ours = search->stack->has_upper &&
		    leads_to(search, config->upper, &search->stack->layer[0]);

	(void)target;
	if (leads_to(search, config->upper, search->layer))
		return 1;
	for (size_t i = 0; !ours && i < config->n_lower; i++)
		if (leads_to(search, config->lower[i], search->layer))
			return 1;
	for (size_t i = 0; !ours && i < config->n_data; i++)
		if (leads_to(search, config->data[i], search->layer))
			return 1;
	return 0;
}

static bool is_in_fstab(struct ovl_stack *stack, const struct ovl_layer *layer)
{
	_cleanup_(search_done) struct search search = { .stack = stack, .layer = layer };
	int r = ovl_mounttable_read(&search.mounts);

	if (r == 0 || r == -ENOENT)
		r = ovl_mount_each(NULL, note_to_come, &search, NULL);
	if (r == 0)
		r = ovl_mount_each(NULL, uses, &search, NULL);
	return r != 0; /* unreadable: who knows? */
}

enum ovl_writable ovl_lower_judge(struct ovl_stack *stack, int layer, enum ovl_lower_policy policy)
{
	const struct ovl_layer *l = ovl_stack_layer(stack, layer);

	if (layer > OVL_LAYER_UPPER && policy == OVL_LOWER_RO)
		return OVL_WRITABLE_FORBIDDEN;
	if (l->root.mount_read_only)
		return OVL_WRITABLE_READ_ONLY;
	if (layer > OVL_LAYER_UPPER && policy == OVL_LOWER_AUTO &&
	    (is_in_store(l->dir) || is_used(l) || is_in_fstab(stack, l)))
		return OVL_WRITABLE_SHARED;
	return OVL_WRITABLE_YES;
}

enum ovl_writable ovl_lower_judge_agreed(struct ovl_stack *stack, int layer,
					 enum ovl_lower_policy policy)
{
	const struct ovl_layer *l = ovl_stack_layer(stack, layer);

	if (policy != OVL_LOWER_AUTO)
		return ovl_lower_judge(stack, layer, policy);
	if (l->root.mount_read_only)
		return OVL_WRITABLE_READ_ONLY;
	return layer > OVL_LAYER_UPPER && is_used(l) ? OVL_WRITABLE_SHARED : OVL_WRITABLE_YES;
}
