/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --undo and --list-undo, from the outside.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "overlayfs/repair.h"
#include "repair/store_folder.h"
#include "repair/undo.h"

#include "base/banned.h"

static const char *state_name(const struct ovl_kept *kept)
{
	if (kept->err < 0)
		return "unreadable";
	switch (kept->state) {
	case OVL_JOURNAL_OPEN:
		return "unfinished";
	case OVL_JOURNAL_UNDOING:
		return "half taken back";
	case OVL_JOURNAL_UNDONE:
		return "taken back";
	case OVL_JOURNAL_FINISHED:
	default:
		return "finished";
	}
}

int ovl_undo_list(struct ovl_stack *stack, const char *journal_dir,
		  void (*entry)(void *ctx, const struct ovl_undo_entry *entry), void *ctx,
		  struct ovl_error *e)
{
	struct ovl_store store;
	ovl_kept_vec kept = { 0 };
	int r = ovl_store_init(&store, stack, journal_dir, e);

	if (r == 0 && store.base >= 0)
		r = ovl_store_list(&store, &kept);
	for (size_t i = 0; r == 0 && i < kept.len; i++)
		entry(ctx, &(struct ovl_undo_entry){ .id = kept.data[i].id,
						     .time = kept.data[i].time,
						     .state = state_name(&kept.data[i]),
						     .n_steps = kept.data[i].n_steps,
						     .has_saved = kept.data[i].has_saved });
	ovl_vec_done(&kept);
	ovl_store_done(&store);
	return r < 0 ? ovl_store_fail(e, r, OVL_STORE_FOLDER) : 0;
}

/* The journal that is meant: the newest, or the one that @id begins. */
static int choose(struct ovl_store *store, const char *id, char ret[37], struct ovl_error *e)
{
	ovl_kept_vec kept = { 0 };
	size_t found = 0;
	int r = store->base < 0 ? 0 : ovl_store_list(store, &kept);

	if (r < 0)
		return ovl_store_fail(e, r, OVL_STORE_FOLDER);
	for (size_t i = 0; i < kept.len; i++) {
		const struct ovl_kept *k = &kept.data[i];

		if (id ? strncmp(k->id, id, strlen(id)) != 0 :
			 k->err < 0 || k->state == OVL_JOURNAL_UNDONE)
			continue;
		memcpy(ret, k->id, sizeof(k->id));
		found++;
	}
	ovl_vec_done(&kept);
	if (found == 0)
		return ovl_fail_plain(
			e, -ENOENT, id ? "there is no journal %s" : "there is nothing to take back",
			id);
	if (id && found > 1)
		return ovl_fail_plain(e, -ENOTUNIQ, "several journals begin with %s", id);
	return 0;
}

static int take_back(struct ovl_store *store, struct ovl_trees *trees, struct ovl_log *log,
		     const struct ovl_undo_options *options, size_t *ret_left, struct ovl_error *e)
{
	struct ovl_recovered recovered = { 0 };
	int r = 0;

	if (log->state == OVL_JOURNAL_OPEN)
		r = ovl_undo_uncommitted(store, trees, log, options, &recovered, e);
	if (r == 0)
		r = ovl_undo_log(store, trees, log, options, ret_left, e);
	*ret_left += recovered.left;
	if (r == 0)
		r = ovl_store_finish(store, *ret_left ? OVL_RECORD_FINISHED : OVL_RECORD_UNDONE, e);
	if (r == 0 && *ret_left == 0)
		r = ovl_store_discard(store, e);
	return r;
}

/* What would be done, and what could not; nothing is written. */
static int undo_dry(struct ovl_store *store, struct ovl_trees *trees, const char *id,
		    const struct ovl_undo_options *options, size_t *ret_left, struct ovl_error *e)
{
	_cleanup_(ovl_log_done) struct ovl_log log = { 0 };
	_cleanup_close_ int dir = -EBADF;
	int r = ovl_store_peek(store, id, &log, &dir, e);

	if (r == 0)
		r = ovl_store_belongs(store, &log, e);
	if (r < 0)
		return r;
	trees->store = dir;
	r = ovl_undo_log_dry(trees, &log, options, ret_left, e);
	trees->store = -1;
	return r;
}

/*
 * Something that is no directory may have been in the place of the marker: the repair had to do without, until
 * it had moved that away, and so has its undo.
 */
static bool wants_place_of_marker(const struct ovl_log *log)
{
	for (size_t i = 0; i < log->step.len; i++) {
		const ovl_op_vec *ops = &log->step.data[i].ops;

		for (size_t j = 0; j < ops->len; j++)
			if (ops->data[j].at.tree == OVL_LAYER_WORK &&
			    !strcmp(ops->data[j].at.path, "/work/incompat"))
				return true;
	}
	return false;
}

static int undo_one(struct ovl_store *store, struct ovl_trees *trees, const char *id,
		    const struct ovl_undo_options *options, size_t *ret_left, struct ovl_error *e)
{
	_cleanup_(ovl_log_done) struct ovl_log log = { 0 };
	int r;

	r = ovl_undo_alone(trees->stack, e);
	if (r == 0)
		r = ovl_store_lock(store, e);
	if (r == 0)
		r = ovl_store_open(store, id, &log, e);
	if (r < 0)
		return r;
	trees->store = store->dir;
	r = ovl_store_belongs(store, &log, e);
	if (r == 0)
		r = ovl_undo_alone(trees->stack, e); /* the marker is there now */
	if (r == 0 && wants_place_of_marker(&log))
		r = ovl_store_remove_mark(store, e);
	return r < 0 ? r : take_back(store, trees, &log, options, ret_left, e);
}

static int forget_markers(struct ovl_store *store, struct ovl_error *e)
{
	int r = store->base < 0 ? 0 : ovl_store_marked(store, e);

	if (r > 0)
		r = ovl_store_lock(store, e);
	return r < 0 || store->lock < 0 ? r : ovl_store_unmark(store, e);
}

int ovl_undo(struct ovl_stack *stack, const struct ovl_undo_options *options, size_t *ret_left,
	     struct ovl_error *e)
{
	struct ovl_trees trees;
	struct ovl_store store;
	char id[37];
	int r = ovl_store_init(&store, stack, options->journal_dir, e);

	ovl_trees_init(&trees, stack);
	/* A run that was killed at its very end has left no journal, but a marker. */
	if (r == 0 && !options->dry)
		r = forget_markers(&store, e);
	if (r == 0)
		r = choose(&store, options->id, id, e);
	if (r == 0)
		r = (options->dry ? undo_dry : undo_one)(&store, &trees, id, options, ret_left, e);
	ovl_trees_done(&trees);
	ovl_store_done(&store);
	return r;
}
