/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose is a layer?
 */
#include "repair/lower.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "io/inuse.h"
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
};

static bool leads_to(const char *path, const struct ovl_layer *layer)
{
	struct stat st;

	return path && stat(path, &st) == 0 && st.st_dev == layer->root.stat.dev &&
	       st.st_ino == layer->root.stat.ino;
}

/* 1 if a line other than that of this very overlay uses the directory. */
static int uses(void *ctx, const char *target, const struct ovl_config *config)
{
	const struct search *search = ctx;
	bool ours = search->stack->has_upper && leads_to(config->upper, &search->stack->layer[0]);

	(void)target;
	if (leads_to(config->upper, search->layer))
		return 1;
	for (size_t i = 0; !ours && i < config->n_lower; i++)
		if (leads_to(config->lower[i], search->layer))
			return 1;
	for (size_t i = 0; !ours && i < config->n_data; i++)
		if (leads_to(config->data[i], search->layer))
			return 1;
	return 0;
}

static bool is_in_fstab(struct ovl_stack *stack, const struct ovl_layer *layer)
{
	struct search search = { stack, layer };

	return ovl_mount_each(NULL, uses, &search, NULL) != 0; /* unreadable: who knows? */
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
