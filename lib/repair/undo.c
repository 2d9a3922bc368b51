/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps backwards. Everything here may be interrupted and begun again: an operation that is taken back
 * already is left alone.
 */
#include "repair/undo.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "repair/frozen.h"
#include "repair/store_folder.h"

#include "base/banned.h"

int ovl_undo_alone(struct ovl_stack *stack, struct ovl_error *e)
{
	_cleanup_free_ char *users = NULL;
	int r = ovl_stack_users(stack, &users);

	if (r < 0)
		return ovl_fail(e, r, "cannot tell whether the layers are in use");
	if (r > 0)
		return ovl_fail_plain(e, -EBUSY, "%s", users);
	return 0;
}

/* Is it somebody else's doing that an operation finds something else? And not a failure of a disk. */
static bool is_conflict(int err)
{
	switch (err) {
	case -ESTALE:
	case -ENOENT:
	case -ENOTDIR:
	case -EISDIR:
	case -ELOOP:
	case -EXDEV:
	case -EEXIST:
		return true;
	default:
		return false;
	}
}

int ovl_undo_step_back(struct ovl_trees *trees, const struct ovl_logged_step *step,
		       bool recorded_times)
{
	int first = 0;

	for (size_t i = step->ops.len; i-- > 0;) {
		int r = ovl_op_undo(trees, &step->ops.data[i], recorded_times);

		if (r == -ENOMEM)
			return r;
		/* The worst of them. */
		if (r < 0 && (first == 0 || (is_conflict(first) && !is_conflict(r))))
			first = r;
	}
	return first;
}

int ovl_undo_sync(struct ovl_trees *trees)
{
	const struct ovl_stack *stack = trees->stack;
	uint64_t synced = 0;
	bool any = false;

	for (size_t i = 0; i < stack->n_layer; i++) {
		const struct ovl_root *root = &stack->layer[i].root;
		int r;

		if (root->plain < 0 || root->mount_read_only || (any && root->stat.dev == synced))
			continue;
		r = ovl_write_sync_fs(root->plain);
		if (r < 0)
			return r;
		synced = root->stat.dev;
		any = true;
	}
	return 0;
}

/* The same, unless something in its way was frozen: then nothing of it is touched. */
static int step_back(struct ovl_trees *trees, const struct ovl_logged_step *step,
		     bool recorded_times, char **ret_why)
{
	int r = ovl_frozen_check_all(trees, &step->ops, ret_why);

	return r == 0 ? ovl_undo_step_back(trees, step, recorded_times) : r;
}

static int fail_step(const struct ovl_logged_step *step, int err, const char *why,
		     struct ovl_error *e)
{
	if (why)
		return ovl_fail_plain(e, err, "cannot take back '%s' at %s: %s", step->action,
				      step->place, why);
	return ovl_fail(e, err, "cannot take back '%s' at %s", step->action, step->place);
}

/* A name on its way out is one more name of a file that is in a layer: it would be counted as such. */
static int clear_stage(struct ovl_store *store, struct ovl_error *e)
{
	int r = ovl_store_clear_stage(store->dir);

	return r < 0 ? ovl_fail(e, r, "cannot clean up the journal folder") : 0;
}

int ovl_undo_uncommitted(struct ovl_store *store, struct ovl_trees *trees,
			 const struct ovl_log *log, const struct ovl_undo_options *tell,
			 struct ovl_recovered *ret, struct ovl_error *e)
{
	struct ovl_recovered done = { 0 };
	size_t n = log->step.len;
	int r = 0;

	while (n > 0 && !log->step.data[n - 1].committed) {
		const struct ovl_logged_step *step = &log->step.data[--n];
		_cleanup_free_ char *why = NULL;

		if (step->aborted)
			continue;
		r = step_back(trees, step, true, &why);
		if (r < 0 && !is_conflict(r))
			return fail_step(step, r, why, e);
		if (r == 0)
			done.back++;
		else if (tell)
			ovl_undo_tell(step, tell, r, why, &done.left);
		else
			done.left++;
		r = 0;
	}
	if (n == log->step.len)
		return clear_stage(store, e);
	r = ovl_undo_sync(trees);
	for (size_t i = n; r == 0 && i < log->step.len; i++)
		if (!log->step.data[i].aborted)
			r = ovl_journal_abort(&store->journal, (uint32_t)(i - n));
	if (r == 0)
		r = ovl_journal_mark(&store->journal, OVL_RECORD_COMMIT);
	if (r == 0)
		r = ovl_journal_sync(&store->journal);
	if (r < 0)
		return ovl_fail(e, r, "cannot take back what an earlier run left unfinished");
	*ret = done;
	return clear_stage(store, e);
}

void ovl_undo_tell(const struct ovl_logged_step *step, const struct ovl_undo_options *options,
		   int r, const char *why, size_t *left)
{
	if (r < 0)
		++*left;
	if (options->step)
		options->step(options->ctx, &(struct ovl_undo_step){ .slug = step->slug,
								     .place = step->place,
								     .action = step->action,
								     .err = r,
								     .why = why });
}

static int undo_step(struct ovl_trees *trees, const struct ovl_logged_step *step,
		     const struct ovl_undo_options *options, size_t *left)
{
	_cleanup_free_ char *why = NULL;
	int r = step_back(trees, step, false, &why);

	if (r == -ENOMEM)
		return r;
	ovl_undo_tell(step, options, r, why, left);
	return 0;
}

int ovl_undo_log(struct ovl_store *store, struct ovl_trees *trees, const struct ovl_log *log,
		 const struct ovl_undo_options *options, size_t *ret_left, struct ovl_error *e)
{
	size_t left = 0;
	int r = 0;

	if (log->state != OVL_JOURNAL_UNDOING) {
		r = ovl_journal_mark(&store->journal, OVL_RECORD_UNDO);
		if (r == 0)
			r = ovl_journal_sync(&store->journal);
		if (r < 0)
			return ovl_fail(e, r, "cannot write the journal");
	}
	for (size_t i = log->step.len; r == 0 && i-- > 0;) {
		const struct ovl_logged_step *step = &log->step.data[i];

		if (!step->committed || step->aborted)
			continue;
		if (options->cancelled && options->cancelled(options->ctx))
			return -ECANCELED;
		r = undo_step(trees, step, options, &left);
	}
	if (r == 0)
		r = ovl_undo_sync(trees);
	if (r < 0)
		return ovl_fail(e, r, "cannot take the repair back");
	*ret_left = left;
	return 0;
}
