/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files with several names, in all trees that a layer gets in one run. See tree_state.h.
 *
 * A tree is in stage/ when it is made and in its layer when it is published, or nowhere if its step was
 * taken back: a file that is found in neither place is made anew.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "io/beneath.h"
#include "repair/tree_state.h"

#include "base/banned.h"

/** Where a tree is. */
struct ovl_tree_trunk {
	unsigned refs;
	char *stage; /* number in stage/ */
	char *dir;   /* of the layer, "/a/b": in the end */
};

/** Where a file was made. */
struct place {
	struct ovl_tree_trunk *trunk; /* counted; NULL: the layer, by an earlier run */
	struct ovl_path *path;        /* in the tree; counted; NULL: it is not made yet */
	uint64_t ino;
};

struct ovl_tree_links {
	unsigned refs;
	const struct ovl_facts *facts;
	struct ovl_map index; /* lower (dev, ino) of index entries -> number in the facts */
	pthread_mutex_t lock;
	struct ovl_map inode; /* (dev, ino) -> number in place */
	OVL_VEC(struct place) place;
	ovl_copied_vec copied; /* that nobody has taken yet */
};

/* ---- Trunks ---- */

struct ovl_tree_trunk *ovl_tree_trunk_new(const char *stage, const char *dir)
{
	struct ovl_tree_trunk *trunk = calloc(1, sizeof(*trunk));

	if (!trunk)
		return NULL;
	trunk->refs = 1;
	trunk->stage = strdup(stage);
	trunk->dir = strdup(strcmp(dir, "/") == 0 ? "" : dir);
	return trunk->stage && trunk->dir ? trunk : ovl_tree_trunk_unref(trunk);
}

static struct ovl_tree_trunk *trunk_ref(struct ovl_tree_trunk *trunk)
{
	__atomic_add_fetch(&trunk->refs, 1, __ATOMIC_RELAXED);
	return trunk;
}

struct ovl_tree_trunk *ovl_tree_trunk_unref(struct ovl_tree_trunk *trunk)
{
	if (!trunk || __atomic_sub_fetch(&trunk->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return NULL;
	free(trunk->stage);
	free(trunk->dir);
	free(trunk);
	return NULL;
}

/* ---- What is known ---- */

int ovl_tree_links_see(struct ovl_tree_links *links, const struct ovl_facts *facts)
{
	uint64_t *value;
	int r = 0;

	if (links->facts == facts)
		return 0;
	ovl_map_done(&links->index);
	links->facts = facts;
	for (size_t i = 0; r >= 0 && facts && facts->index_judged && i < facts->index.len; i++)
		if (facts->index.data[i].state == OVL_ORIGIN_FOUND)
			r = ovl_map_put(&links->index, facts->index.data[i].lower, i, &value);
	return r < 0 ? r : 0;
}

struct ovl_tree_links *ovl_tree_links_new(void)
{
	struct ovl_tree_links *links = calloc(1, sizeof(*links));

	if (!links)
		return NULL;
	links->refs = 1;
	if (pthread_mutex_init(&links->lock, NULL) == 0)
		return links;
	free(links);
	return NULL;
}

struct ovl_tree_links *ovl_tree_links_ref(struct ovl_tree_links *links)
{
	links->refs++;
	return links;
}

static void copied_done(ovl_copied_vec *copied)
{
	for (size_t i = 0; i < copied->len; i++)
		ovl_copied_done(&copied->data[i]);
	ovl_vec_done(copied);
}

struct ovl_tree_links *ovl_tree_links_unref(struct ovl_tree_links *links)
{
	if (!links || --links->refs > 0)
		return NULL;
	for (size_t i = 0; i < links->place.len; i++) {
		ovl_tree_trunk_unref(links->place.data[i].trunk);
		ovl_path_unref(links->place.data[i].path);
	}
	ovl_vec_done(&links->place);
	copied_done(&links->copied);
	ovl_map_done(&links->inode);
	ovl_map_done(&links->index);
	pthread_mutex_destroy(&links->lock);
	free(links);
	return NULL;
}

int ovl_tree_links_know(struct ovl_tree_links *links, struct ovl_key inode,
			const struct ovl_path *path, uint64_t ino)
{
	struct place place = { .path = ovl_path_ref(path), .ino = ino };
	uint64_t *value;
	int r = ovl_map_put(&links->inode, inode, links->place.len, &value);

	if (r > 0)
		r = ovl_vec_push(&links->place, place) < 0 ? -ENOMEM : 1;
	if (r <= 0)
		ovl_path_unref(place.path);
	return r < 0 ? r : 0;
}

int ovl_tree_links_of(struct ovl_map *trees, int layer, struct ovl_tree_links **ret)
{
	struct ovl_tree_links *links;
	uint64_t *value = NULL;
	int r = trees ? ovl_map_put(trees, (struct ovl_key){ (uint64_t)layer, 0 }, 0, &value) : 0;

	if (r < 0)
		return r;
	links = value ? (struct ovl_tree_links *)(uintptr_t)*value : NULL;
	if (!links)
		links = ovl_tree_links_new();
	else
		ovl_tree_links_ref(links);
	if (!links)
		return -ENOMEM;
	if (value && !*value)
		*value = (uint64_t)(uintptr_t)ovl_tree_links_ref(links);
	*ret = links;
	return 0;
}

ovl_copied_vec ovl_tree_links_take(struct ovl_tree_links *links)
{
	ovl_copied_vec copied = links->copied;

	links->copied = (ovl_copied_vec){ 0 };
	return copied;
}

const char *ovl_tree_indexed(const struct ovl_tree_links *links, struct ovl_key inode)
{
	const uint64_t *number = ovl_map_get(&links->index, inode);

	return number ? links->facts->index.data[*number].name : NULL;
}

/* ---- Links ---- */

/** How far a file is. */
enum found {
	FOUND_NEW = 1, /* this tree is to make it */
	FOUND_BEING_MADE = 0,
	FOUND_MADE = 2,
};

/* This tree is the one to make it. */
static void take_over(struct ovl_tree *tree, struct place *place)
{
	ovl_tree_trunk_unref(place->trunk);
	ovl_path_unref(place->path);
	*place = (struct place){ .trunk = trunk_ref(tree->trunk) };
}

/* enum found, or -ENOMEM */
static int find(struct ovl_tree *tree, struct ovl_key inode, size_t *ret)
{
	struct ovl_tree_links *links = tree->links;
	struct place *place;
	uint64_t *value;
	int r;

	pthread_mutex_lock(&links->lock);
	r = ovl_map_put(&links->inode, inode, links->place.len, &value);
	if (r > 0 && ovl_vec_push(&links->place, (struct place){ 0 }) < 0)
		r = -ENOMEM;
	if (r >= 0) {
		*ret = (size_t)*value;
		place = &links->place.data[*ret];
		if (place->path) {
			r = FOUND_MADE;
		} else if (place->trunk == tree->trunk) {
			r = FOUND_BEING_MADE;
		} else { /* or another tree was to make it, and failed */
			take_over(tree, place);
			r = FOUND_NEW;
		}
	}
	pthread_mutex_unlock(&links->lock);
	return r;
}

/* The place as it is now: where it would be in stage/, if it may be there, and where in the layer. */
static int read_place(struct ovl_tree *tree, size_t number, struct ovl_place *stage,
		      struct ovl_place *layer, uint64_t *ret_ino)
{
	struct ovl_tree_links *links = tree->links;
	_cleanup_(ovl_buf_done) struct ovl_buf in_stage = { 0 }, in_layer = { 0 };
	const struct place *place;
	int r = 0;

	pthread_mutex_lock(&links->lock);
	place = &links->place.data[number];
	if (!place->path) { /* another thread has not found it, and makes it anew */
		r = -ENOENT;
	} else if (place->trunk) {
		r = ovl_buf_addf(&in_stage, "/stage/%s", place->trunk->stage);
		if (r == 0)
			r = ovl_path_add(&in_stage, place->path);
		if (r == 0)
			r = ovl_buf_adds(&in_layer, place->trunk->dir);
	}
	if (r == 0)
		r = ovl_path_add(&in_layer, place->path);
	*ret_ino = place->ino;
	pthread_mutex_unlock(&links->lock);
	if (r < 0)
		return r;
	*layer = (struct ovl_place){ tree->layer, ovl_buf_take(&in_layer) };
	if (in_stage.len > 0)
		*stage = (struct ovl_place){ OVL_TREE_STORE, ovl_buf_take(&in_stage) };
	return 0;
}

static int hold_place(struct ovl_tree *tree, size_t place, int *ret_object, struct ovl_stat *ret_st)
{
	_cleanup_(ovl_place_done) struct ovl_place stage = { 0 }, layer = { 0 };
	uint64_t ino;
	int r = read_place(tree, place, &stage, &layer, &ino);

	if (r < 0)
		return r;
	r = stage.path ? ovl_trees_hold(tree->trees, &stage, ino, ret_object, ret_st) : -ENOENT;
	if (r == -ENOENT || r == -ENOTDIR || r == -ESTALE)
		r = ovl_trees_hold(tree->trees, &layer, ino, ret_object, ret_st);
	return r;
}

int ovl_tree_link_to(struct ovl_tree_dir *dir, const char *name, size_t place)
{
	_cleanup_close_ int object = -EBADF;
	struct ovl_stat st;
	int fd, r = hold_place(dir->tree, place, &object, &st);

	if (r == 0)
		r = ovl_tree_dir_pin(dir, &fd);
	if (r == 0) {
		r = ovl_write_link(object, fd, name);
		ovl_tree_dir_unpin(dir);
	}
	return r == 0 ? ovl_tree_add(dir, name, &st) : r;
}

/* When the file is made, at the end of the tree. */
static int link_later(struct ovl_tree_dir *dir, const char *name, size_t place)
{
	struct ovl_tree_later later = { .place = place, .name = strdup(name) };
	struct ovl_tree *tree = dir->tree;
	int r;

	if (!later.name)
		return -ENOMEM;
	later.dir = ovl_tree_dir_ref(dir);
	pthread_mutex_lock(&tree->lock);
	r = ovl_vec_push(&tree->later, later);
	pthread_mutex_unlock(&tree->lock);
	if (r < 0) {
		free(later.name);
		ovl_tree_dir_end(dir);
	}
	return r;
}

/* It is gone, or another one. Unless another thread was quicker, this one makes it: as find(). */
static int find_again(struct ovl_tree *tree, size_t number)
{
	struct ovl_tree_links *links = tree->links;
	struct place *place;
	int r = FOUND_BEING_MADE;

	pthread_mutex_lock(&links->lock);
	place = &links->place.data[number];
	if (place->trunk != tree->trunk) {
		take_over(tree, place);
		r = FOUND_NEW;
	}
	pthread_mutex_unlock(&links->lock);
	return r;
}

int ovl_tree_link(struct ovl_tree_dir *dir, const char *name, struct ovl_key inode,
		  size_t *ret_place)
{
	struct ovl_tree *tree = dir->tree;
	int r = find(tree, inode, ret_place);

	if (r < 0 || r == FOUND_NEW || tree->counts)
		return r == FOUND_NEW || r < 0 ? r : 0;
	if (r == FOUND_MADE) {
		r = ovl_tree_link_to(dir, name, *ret_place);
		if (r != -ENOENT && r != -ENOTDIR && r != -ESTALE)
			return r;
		r = find_again(tree, *ret_place);
	}
	return r == FOUND_NEW ? 1 : link_later(dir, name, *ret_place);
}

static int note_copied(struct ovl_tree_dir *dir, const struct ovl_path *path, uint64_t ino,
		       const struct ovl_found *from, struct ovl_copied *ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = ovl_place_set(&ret->from, (struct ovl_loc){ from->layer, from->path });

	if (r == 0)
		r = ovl_buf_adds(&b, dir->tree->trunk->dir);
	if (r == 0)
		r = ovl_path_add(&b, path);
	if (r < 0)
		return r;
	ret->to = (struct ovl_place){ dir->tree->layer, ovl_buf_take(&b) };
	ret->from_ino = from->stat.ino;
	ret->to_ino = ino;
	return 0;
}

int ovl_tree_linked(struct ovl_tree_dir *dir, const char *name, size_t place, uint64_t ino,
		    const struct ovl_found *from)
{
	struct ovl_tree_links *links = dir->tree->links;
	struct ovl_path *path = ovl_path_new(dir->path, name, strlen(name));
	struct ovl_copied copied = { 0 };
	int r = path ? note_copied(dir, path, ino, from, &copied) : -ENOMEM;

	if (r == 0) {
		pthread_mutex_lock(&links->lock);
		r = ovl_vec_push(&links->copied, copied);
		if (r == 0) {
			links->place.data[place].path = path;
			links->place.data[place].ino = ino;
		}
		pthread_mutex_unlock(&links->lock);
	}
	if (r < 0) {
		ovl_copied_done(&copied);
		ovl_path_unref(path);
	}
	return r;
}
