/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of an earlier run. See copied.h.
 */
#include "repair/copied.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "repair/tree.h"

#include "base/banned.h"

/* What is at a place of a layer, if it is the inode that was recorded: 1, 0 or negative errno. */
static int look(struct ovl_trees *trees, const struct ovl_place *place, uint64_t ino,
		struct ovl_stat *ret)
{
	struct ovl_reader *reader = trees->stack->reader;
	struct ovl_reach at = OVL_REACH_INIT;
	int r = ovl_trees_open_source(trees, place, &at);

	if (r == 0)
		r = reader->ops->stat(reader, at.dir, at.name, ret);
	ovl_trees_close_source(trees, &at);
	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
		return 0;
	return r < 0 ? r : ret->ino == ino;
}

static int note_path(struct ovl_map *copied, struct ovl_key key, struct ovl_path *path)
{
	uint64_t *value;
	int r = ovl_map_put(copied, key, (uint64_t)(uintptr_t)path, &value);

	if (r > 0)
		ovl_path_ref(path);
	return r < 0 ? r : 0;
}

static int note_twin(struct ovl_twins *twins, const struct ovl_stat *copy, struct ovl_key of)
{
	uint64_t *value;
	int r = ovl_map_put(&twins->copy, (struct ovl_key){ copy->dev, copy->ino }, twins->of.len,
			    &value);

	return r > 0 ? ovl_vec_push(&twins->of, of) : r;
}

static int recall(struct ovl_trees *trees, const struct ovl_copied *copied,
		  struct ovl_plan_memory *memory)
{
	struct ovl_tree_links *links = NULL;
	struct ovl_path *path = NULL;
	struct ovl_stat from, to;
	struct ovl_key key;
	int r = look(trees, &copied->from, copied->from_ino, &from);

	if (r > 0)
		r = look(trees, &copied->to, copied->to_ino, &to);
	if (r <= 0 || (from.mode & S_IFMT) != (to.mode & S_IFMT) || S_ISDIR(to.mode))
		return r < 0 ? r : 0;
	key = (struct ovl_key){ from.dev, from.ino };
	r = ovl_path_parse(copied->to.path, &path);
	if (r == 0)
		r = ovl_tree_links_of(&memory->trees, copied->to.tree, &links);
	if (r == 0)
		r = ovl_tree_links_know(links, key, path, to.ino);
	if (r == 0 && copied->to.tree == OVL_LAYER_UPPER)
		r = note_path(&memory->copied, key, path);
	if (r == 0)
		r = note_twin(&memory->twins, &to, key);
	ovl_tree_links_unref(links);
	ovl_path_unref(path);
	return r;
}

int ovl_copied_recall(struct ovl_tx *tx, struct ovl_plan_memory *memory, struct ovl_error *e)
{
	_cleanup_(ovl_log_done) struct ovl_log log = { 0 };
	int r = tx->open ? ovl_journal_read(tx->store.dir, &log, e) : 0;

	for (size_t i = 0; r == 0 && i < log.copied.len; i++) {
		r = recall(&tx->trees, &log.copied.data[i], memory);
		if (r < 0)
			ovl_fail(e, r, "cannot look at what an earlier run has copied");
	}
	return r;
}
