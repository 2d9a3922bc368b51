/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the content of a regular file lies.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "stack/lookup.h"

#include "base/banned.h"

/*
 * Looks an absolute path up in a data-only layer, as the VFS does there: beneath the root, without
 * symlinks and without crossing mounts; ".." inside the layer is allowed, unlike elsewhere.
 */
static int lookup_data_layer(struct ovl_stack *stack, int layer, const char *path,
			     struct ovl_found *ret)
{
	struct ovl_reader *r = stack->reader;
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *parent = NULL;
	struct ovl_path *node = NULL;
	struct ovl_stat st;
	int dir, err;

	while (*path == '/')
		path++;
	parent = slash > path ? strndup(path, (size_t)(slash - path)) : strdup("");
	if (!parent)
		return -ENOMEM;
	err = r->ops->open_dir(r, ovl_stack_layer(stack, layer)->root.fd, parent, &dir);
	if (err < 0)
		return err;
	err = r->ops->stat(r, dir, slash + 1, &st);
	r->ops->close(r, dir);
	if (err < 0)
		return err;
	if (ovl_kind_of(&st) != OVL_KIND_REG)
		return -ENOENT;
	err = ovl_path_parse(path, &node);
	if (err < 0)
		return err;
	*ret = (struct ovl_found){ .layer = layer, .path = node, .stat = st, .kind = OVL_KIND_REG };
	return 0;
}

int ovl_lookup_data(struct ovl_stack *stack, const struct ovl_hit *hit, struct ovl_found *storage,
		    const struct ovl_found **ret)
{
	int err = -ENOENT;

	if (hit->result < 0)
		return hit->result;
	if (hit->has_upper && !hit->upper_metacopy) {
		*ret = &hit->upper;
		return 0;
	}
	if (!hit->lazy_data) {
		if (hit->n_lower == 0)
			return -EIO;
		*ret = &hit->lower[hit->n_lower - 1];
		return 0;
	}
	for (unsigned i = 0; i < stack->n_data; i++) {
		err = lookup_data_layer(stack, (int)(stack->n_lower + 1 + i), hit->lazy_data,
					storage);
		if (err == 0) {
			*ret = storage;
			return 0;
		}
		if (err == -ENOMEM)
			return err;
	}
	return err; /* of the last layer, as the kernel gives it */
}
