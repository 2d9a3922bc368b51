/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From places to descriptors.
 */
#include "repair/trees.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "io/beneath.h"

#include "base/banned.h"

void ovl_trees_init(struct ovl_trees *t, struct ovl_stack *stack)
{
	*t = (struct ovl_trees){ .stack = stack, .store = -1, .work = -1, .index = -1 };
}

void ovl_trees_done(struct ovl_trees *t)
{
	if (t->index >= 0)
		close(t->index);
	t->index = -1;
}

/* The index may be made, or moved away, by a repair: it is looked for each time. */
static int open_index(struct ovl_trees *t, int *ret_fd)
{
	if (t->index >= 0)
		close(t->index);
	t->index = -1;
	if (t->stack->work.root.plain < 0)
		return -ENOENT;
	return ovl_beneath_open_dir(t->stack->work.root.plain, "index", ret_fd);
}

int ovl_trees_root(struct ovl_trees *t, int tree, int *ret_fd)
{
	const struct ovl_layer *layer;
	int r;

	if (tree == OVL_LAYER_INDEX) {
		r = open_index(t, &t->index);
		*ret_fd = t->index;
		return r;
	}
	if (tree == OVL_TREE_STORE) {
		*ret_fd = t->store;
	} else if (tree == OVL_LAYER_WORK) {
		*ret_fd = t->stack->work.root.plain;
	} else if (tree >= 0 && (size_t)tree < t->stack->n_layer) {
		layer = &t->stack->layer[tree];
		*ret_fd = layer->root.plain;
	} else {
		return -ENOENT;
	}
	return *ret_fd < 0 ? -ENOENT : 0;
}

int ovl_trees_reach(struct ovl_trees *t, const struct ovl_place *place, struct ovl_reach *ret)
{
	const char *path = place->path + 1, *slash = strrchr(path, '/');
	_cleanup_free_ char *parent = strndup(path, slash ? (size_t)(slash - path) : 0);
	int root, dir, r;

	if (!parent)
		return -ENOMEM;
	r = ovl_trees_root(t, place->tree, &root);
	if (r == 0)
		r = ovl_beneath_open_dir(root, parent, &dir);
	if (r < 0)
		return r;
	*ret = (struct ovl_reach){ dir, slash ? slash + 1 : path };
	return 0;
}

void ovl_reach_done(struct ovl_reach *reach)
{
	if (reach->dir >= 0)
		close(reach->dir);
	reach->dir = -1;
}

int ovl_trees_hold(struct ovl_trees *t, const struct ovl_place *place, uint64_t ino,
		   int *ret_object, struct ovl_stat *ret_stat)
{
	_cleanup_(ovl_reach_done) struct ovl_reach at = { -1, NULL };
	_cleanup_close_ int object = -EBADF;
	struct ovl_stat st;
	int r = ovl_trees_reach(t, place, &at);

	if (r == 0)
		r = ovl_write_hold(at.dir, at.name, &object, &st);
	if (r < 0)
		return r;
	if (ino && st.ino != ino)
		return -ESTALE;
	if (ret_stat)
		*ret_stat = st;
	*ret_object = TAKE_FD(object);
	return 0;
}

int ovl_place_set(struct ovl_place *place, struct ovl_loc loc)
{
	char *path = ovl_stack_path(loc);

	if (!path)
		return -ENOMEM;
	free(place->path);
	*place = (struct ovl_place){ loc.layer, path };
	return 0;
}

int ovl_place_store(struct ovl_place *place, const char *folder, uint64_t number)
{
	struct ovl_buf b = { 0 };
	int r = ovl_buf_addf(&b, "/%s/%" PRIu64, folder, number);

	if (r < 0) {
		ovl_buf_done(&b);
		return r;
	}
	free(place->path);
	*place = (struct ovl_place){ OVL_TREE_STORE, ovl_buf_take(&b) };
	return 0;
}

void ovl_place_done(struct ovl_place *place)
{
	free(place->path);
	*place = (struct ovl_place){ 0 };
}
