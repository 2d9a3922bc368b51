/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After a crash: roll a repair back to its last commit, roll an undo forward to its end.
 */
#include "repair/recover.h"

#include <errno.h>

#include "base/cleanup.h"
#include "repair/store_folder.h"
#include "repair/undo.h"

#include "base/banned.h"

static int finish_undo(struct ovl_store *store, struct ovl_trees *trees, const struct ovl_log *log,
		       struct ovl_error *e)
{
	const struct ovl_undo_options options = { 0 };
	size_t left = 0;
	int r = ovl_undo_log(store, trees, log, &options, &left, e);

	if (r == 0)
		r = ovl_store_finish(store, left ? OVL_RECORD_FINISHED : OVL_RECORD_UNDONE, e);
	if (r == 0 && left == 0)
		r = ovl_store_discard(store, e);
	trees->store = -1;
	return r;
}

static int recover_one(struct ovl_store *store, struct ovl_trees *trees,
		       const struct ovl_kept *kept, bool *ret_open, struct ovl_recovered *ret,
		       struct ovl_error *e)
{
	_cleanup_(ovl_log_done) struct ovl_log log = { 0 };
	int r = ovl_store_open(store, kept->id, &log, e);

	if (r < 0)
		return r;
	trees->store = store->dir;
	r = ovl_store_belongs(store, &log, e);
	if (r < 0)
		return r;
	if (log.state == OVL_JOURNAL_UNDOING)
		return finish_undo(store, trees, &log, e);
	r = ovl_undo_uncommitted(store, trees, &log, NULL, ret, e);
	if (r == 0)
		*ret_open = true;
	return r;
}

static bool is_unfinished(const struct ovl_kept *kept)
{
	return kept->err == 0 &&
	       (kept->state == OVL_JOURNAL_OPEN || kept->state == OVL_JOURNAL_UNDOING);
}

int ovl_recover(struct ovl_store *store, struct ovl_trees *trees, bool *ret_open,
		struct ovl_recovered *ret, struct ovl_error *e)
{
	ovl_kept_vec kept = { 0 };
	int marked = ovl_store_marked(store, e), r = marked < 0 ? marked : 0;

	if (r == 0)
		r = ovl_store_list(store, &kept);
	if (r < 0)
		return ovl_store_fail(e, r, OVL_STORE_FOLDER);
	if (kept.len > 0 || marked)
		r = ovl_store_lock(store, e);
	for (size_t i = 0; r == 0 && i < kept.len && !*ret_open; i++)
		if (is_unfinished(&kept.data[i]))
			r = recover_one(store, trees, &kept.data[i], ret_open, ret, e);
	if (r == 0 && (kept.len > 0 || marked))
		r = ovl_store_unmark(store, e);
	ovl_vec_done(&kept);
	return r;
}
