/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose is a layer?
 */
#include "repair/lower.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "io/inuse.h"

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

enum ovl_writable ovl_lower_judge(struct ovl_stack *stack, int layer, enum ovl_lower_policy policy)
{
	const struct ovl_layer *l = ovl_stack_layer(stack, layer);

	if (layer > OVL_LAYER_UPPER && policy == OVL_LOWER_RO)
		return OVL_WRITABLE_FORBIDDEN;
	if (l->root.mount_read_only)
		return OVL_WRITABLE_READ_ONLY;
	if (layer > OVL_LAYER_UPPER && policy == OVL_LOWER_AUTO &&
	    (is_in_store(l->dir) || is_used(l)))
		return OVL_WRITABLE_SHARED;
	return OVL_WRITABLE_YES;
}
