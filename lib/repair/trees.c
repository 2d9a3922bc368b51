/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a place to a directory and a name in it. See trees.h.
 */
#include "repair/trees.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "io/beneath.h"

#include "base/banned.h"

void ovl_trees_init(struct ovl_trees *t, struct ovl_stack *stack)
{
	*t = (struct ovl_trees){ .stack = stack, .store = -1, .index = -1 };
}

void ovl_trees_done(struct ovl_trees *t)
{
	free(t->why);
	if (t->index >= 0)
		close(t->index);
	ovl_trees_init(t, t->stack);
}

/* The index as it is now. The descriptor that was given out stays good while it is the same one. */
static int index_root(struct ovl_trees *t, int *ret_fd)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat now, then;
	int r;

	if (t->stack->work.root.plain < 0)
		return -ENOENT;
	r = ovl_beneath_open_dir(t->stack->work.root.plain, "index", &fd);
	if (r < 0)
		return r;
	if (fstat(fd, &now) < 0 || (t->index >= 0 && fstat(t->index, &then) < 0))
		return -errno;
	if (t->index < 0 || now.st_ino != then.st_ino || now.st_dev != then.st_dev) {
		if (t->index >= 0)
			close(t->index);
		t->index = TAKE_FD(fd);
	}
	*ret_fd = t->index;
	return 0;
}

int ovl_trees_root(struct ovl_trees *t, int tree, int *ret_fd)
{
	const struct ovl_stack *stack = t->stack;
	int fd = -1;

	if (tree == OVL_LAYER_INDEX)
		return index_root(t, ret_fd);
	if (tree == OVL_TREE_STORE)
		fd = t->store;
	else if (tree == OVL_LAYER_WORK)
		fd = stack->work.root.plain;
	else if (tree >= 0 && (size_t)tree < stack->n_layer &&
		 (tree != OVL_LAYER_UPPER || stack->has_upper))
		fd = stack->layer[tree].root.plain;
	if (fd < 0)
		return -ENOENT;
	*ret_fd = fd;
	return 0;
}

/* "/a/b" to "a" (owned) and "b" (borrowed), "/" to "" and "". */
static int split(const struct ovl_place *place, char **ret_parent, const char **ret_name)
{
	const char *path = place->path, *slash;

	if (!path || *path != '/')
		return -EINVAL;
	slash = strrchr(path, '/');
	*ret_parent = slash == path ? strdup("") : strndup(path + 1, (size_t)(slash - path - 1));
	*ret_name = slash + 1;
	return *ret_parent ? 0 : -ENOMEM;
}

int ovl_trees_reach(struct ovl_trees *t, const struct ovl_place *place, struct ovl_reach *ret)
{
	_cleanup_free_ char *parent = NULL;
	const char *name;
	int root, dir, r = split(place, &parent, &name);

	if (r == 0)
		r = ovl_trees_root(t, place->tree, &root);
	if (r == 0)
		r = ovl_beneath_open_dir(root, parent, &dir);
	if (r < 0)
		return r;
	*ret = (struct ovl_reach){ .dir = dir, .name = name };
	return 0;
}

void ovl_reach_done(struct ovl_reach *reach)
{
	if (reach->dir >= 0)
		close(reach->dir);
	*reach = (struct ovl_reach)OVL_REACH_INIT;
}

int ovl_trees_hold(struct ovl_trees *t, const struct ovl_place *place, uint64_t ino,
		   int *ret_object, struct ovl_stat *ret_stat)
{
	_cleanup_(ovl_reach_done) struct ovl_reach reach = OVL_REACH_INIT;
	_cleanup_close_ int object = -EBADF;
	struct ovl_stat st;
	int r = ovl_trees_reach(t, place, &reach);

	if (r == 0)
		r = ovl_write_hold(reach.dir, reach.name, &object, &st);
	if (r < 0)
		return r;
	if (ino != 0 && st.ino != ino)
		return -ESTALE;
	if (ret_stat)
		*ret_stat = st;
	*ret_object = TAKE_FD(object);
	return 0;
}

int ovl_trees_open_source(struct ovl_trees *t, const struct ovl_place *place, struct ovl_reach *ret)
{
	struct ovl_reader *reader = t->stack->reader;
	_cleanup_free_ char *parent = NULL;
	const char *name;
	int root = -1, dir, r = split(place, &parent, &name);

	if (r < 0)
		return r;
	if (place->tree >= 0 && (size_t)place->tree < t->stack->n_layer)
		root = t->stack->layer[place->tree].root.fd;
	else if (place->tree == OVL_LAYER_INDEX)
		root = t->stack->index.root.fd;
	if (root < 0)
		return -ENOENT;
	r = reader->ops->open_dir(reader, root, parent, &dir);
	if (r < 0)
		return r;
	*ret = (struct ovl_reach){ .dir = dir, .name = name };
	return 0;
}

void ovl_trees_close_source(struct ovl_trees *t, struct ovl_reach *reach)
{
	if (reach->dir >= 0)
		t->stack->reader->ops->close(t->stack->reader, reach->dir);
	*reach = (struct ovl_reach)OVL_REACH_INIT;
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
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = ovl_buf_addf(&b, "/%s/%llu", folder, (unsigned long long)number);
	char *path;

	if (r < 0)
		return r;
	path = ovl_buf_take(&b);
	if (!path)
		return -ENOMEM;
	free(place->path);
	*place = (struct ovl_place){ OVL_TREE_STORE, path };
	return 0;
}

void ovl_place_done(struct ovl_place *place)
{
	free(place->path);
	*place = (struct ovl_place){ 0 };
}
