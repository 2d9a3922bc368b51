/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files with several names, in all trees of one way. See tree_state.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "io/beneath.h"
#include "repair/tree_state.h"

#include "base/banned.h"

/** Where a file was made. */
struct place {
	char *tree;            /* in stage/; owned */
	struct ovl_path *path; /* in the tree; counted; NULL: it is not made yet */
};

struct ovl_tree_links {
	unsigned refs;
	const struct ovl_facts *facts;
	struct ovl_map index; /* lower (dev, ino) of index entries -> number in the facts */
	pthread_mutex_t lock;
	struct ovl_map inode; /* (dev, ino) -> number in place */
	OVL_VEC(struct place) place;
};

static int note_index(struct ovl_tree_links *links)
{
	const struct ovl_facts *f = links->facts;
	uint64_t *value;
	int r = 0;

	for (size_t i = 0; r >= 0 && f->index_judged && i < f->index.len; i++)
		if (f->index.data[i].state == OVL_ORIGIN_FOUND)
			r = ovl_map_put(&links->index, f->index.data[i].lower, i, &value);
	return r < 0 ? r : 0;
}

struct ovl_tree_links *ovl_tree_links_new(const struct ovl_facts *facts)
{
	struct ovl_tree_links *links = calloc(1, sizeof(*links));

	if (!links)
		return NULL;
	links->refs = 1;
	links->facts = facts;
	if (pthread_mutex_init(&links->lock, NULL) != 0) {
		free(links);
		return NULL;
	}
	if (facts && note_index(links) < 0)
		return ovl_tree_links_unref(links);
	return links;
}

struct ovl_tree_links *ovl_tree_links_ref(struct ovl_tree_links *links)
{
	links->refs++;
	return links;
}

struct ovl_tree_links *ovl_tree_links_unref(struct ovl_tree_links *links)
{
	if (!links || --links->refs > 0)
		return NULL;
	for (size_t i = 0; i < links->place.len; i++) {
		free(links->place.data[i].tree);
		ovl_path_unref(links->place.data[i].path);
	}
	ovl_vec_done(&links->place);
	ovl_map_done(&links->inode);
	ovl_map_done(&links->index);
	pthread_mutex_destroy(&links->lock);
	free(links);
	return NULL;
}

const char *ovl_tree_indexed(const struct ovl_tree_links *links, struct ovl_key inode)
{
	const uint64_t *number = ovl_map_get(&links->index, inode);

	return number ? links->facts->index.data[*number].name : NULL;
}

/* 1 and @ret if it is met for the first time, 0 and @ret if not. */
static int find(struct ovl_tree_dir *dir, struct ovl_key inode, size_t *ret, bool *ret_made)
{
	struct ovl_tree_links *links = dir->tree->links;
	struct place place = { 0 };
	uint64_t *value;
	int r;

	pthread_mutex_lock(&links->lock);
	r = ovl_map_put(&links->inode, inode, links->place.len, &value);
	if (r > 0) {
		place.tree = strdup(dir->tree->name);
		if (!place.tree || ovl_vec_push(&links->place, place) < 0) {
			free(place.tree);
			r = -ENOMEM;
		}
	}
	if (r >= 0) {
		*ret = (size_t)*value;
		*ret_made = links->place.data[*ret].path != NULL;
	}
	pthread_mutex_unlock(&links->lock);
	return r;
}

int ovl_tree_link_to(struct ovl_tree_dir *dir, const char *name, size_t place)
{
	_cleanup_(ovl_reach_done) struct ovl_reach reach = OVL_REACH_INIT;
	struct ovl_tree_links *links = dir->tree->links;
	_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 };
	_cleanup_close_ int object = -EBADF;
	struct ovl_place from = { .tree = OVL_TREE_STORE };
	struct ovl_stat st;
	int fd, r;

	pthread_mutex_lock(&links->lock);
	r = ovl_buf_addf(&path, "/stage/%s", links->place.data[place].tree);
	if (r == 0)
		r = ovl_path_add(&path, links->place.data[place].path);
	pthread_mutex_unlock(&links->lock);
	from.path = path.data;
	if (r == 0)
		r = ovl_trees_reach(dir->tree->trees, &from, &reach);
	if (r == 0)
		r = ovl_write_hold(reach.dir, reach.name, &object, &st);
	if (r == 0)
		r = ovl_tree_dir_pin(dir, &fd);
	if (r == 0) {
		r = ovl_write_link(object, fd, name);
		ovl_tree_dir_unpin(dir);
	}
	return r == 0 ? ovl_tree_add(dir, name, &st) : r;
}

int ovl_tree_link(struct ovl_tree_dir *dir, const char *name, struct ovl_key inode,
		  size_t *ret_place)
{
	struct ovl_tree_later later = { .place = 0 };
	struct ovl_tree *tree = dir->tree;
	bool made = false;
	int r = find(dir, inode, ret_place, &made);

	if (r != 0 || tree->counts)
		return r;
	if (made)
		return ovl_tree_link_to(dir, name, *ret_place);
	later.name = strdup(name);
	if (!later.name)
		return -ENOMEM;
	later.place = *ret_place;
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

int ovl_tree_linked(struct ovl_tree_dir *dir, const char *name, size_t place)
{
	struct ovl_tree_links *links = dir->tree->links;
	struct ovl_path *path = ovl_path_new(dir->path, name, strlen(name));

	if (!path)
		return -ENOMEM;
	pthread_mutex_lock(&links->lock);
	links->place.data[place].path = path;
	pthread_mutex_unlock(&links->lock);
	return 0;
}
