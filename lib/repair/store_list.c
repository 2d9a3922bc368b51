/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journals that are kept: which there are, whose they are, which may go.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "io/beneath.h"
#include "repair/store_folder.h"

#include "base/banned.h"

static int open_all(const struct ovl_store *s, int *ret_fd)
{
	return s->lock >= 0 ? ovl_beneath_open_dir(s->lock, "", ret_fd) :
			      ovl_store_open_own(s->base, OVL_STORE_FOLDER, ret_fd);
}

static const struct ovl_layer *find_layer(const struct ovl_stack *stack, int number)
{
	const struct ovl_layer *layer;

	if (number != OVL_LAYER_WORK && (number < 0 || (size_t)number >= stack->n_layer))
		return NULL;
	layer = ovl_stack_layer(stack, number);
	return layer->root.plain >= 0 ? layer : NULL;
}

static bool is_same_tree(const struct ovl_layer *layer, const struct ovl_logged_tree *tree)
{
	static const uint8_t none[16];

	if (!layer || layer->root.stat.ino != tree->ino)
		return false;
	return !layer->root.has_uuid || memcmp(tree->uuid, none, sizeof(none)) == 0 ||
	       memcmp(layer->root.uuid, tree->uuid, sizeof(none)) == 0;
}

static bool is_named(const struct ovl_log *log, const struct ovl_place *place)
{
	int tree = place->tree == OVL_LAYER_INDEX ? OVL_LAYER_WORK : place->tree;

	if (!place->path || tree == OVL_TREE_STORE)
		return true;
	for (size_t i = 0; i < log->tree.len; i++)
		if (log->tree.data[i].number == tree)
			return true;
	return false;
}

/* What is not named was not compared. */
static bool are_named(const struct ovl_log *log)
{
	for (size_t i = 0; i < log->step.len; i++) {
		const ovl_op_vec *ops = &log->step.data[i].ops;

		for (size_t k = 0; k < ops->len; k++)
			if (!is_named(log, &ops->data[k].at) || !is_named(log, &ops->data[k].to))
				return false;
	}
	return true;
}

int ovl_store_belongs(struct ovl_store *s, const struct ovl_log *log, struct ovl_error *e)
{
	for (size_t i = 0; i < log->tree.len; i++) {
		const struct ovl_logged_tree *tree = &log->tree.data[i];
		_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 };

		if (is_same_tree(find_layer(s->stack, tree->number), tree))
			continue;
		if (ovl_buf_add_escaped(&path, tree->path, strlen(tree->path)) < 0)
			return ovl_fail(e, -ENOMEM, "cannot compare the layers");
		return ovl_fail_plain(
			e, -ESTALE,
			"the journal belongs to other layers: '%s' of it is not layer %d here",
			path.data ? path.data : "", tree->number);
	}
	if (!are_named(log))
		return ovl_fail_plain(e, -ESTALE,
				      "the journal changes layers that it does not name");
	return 0;
}

/* 1, 0 or why not */
static int has_saved(int dir)
{
	_cleanup_(ovl_store_names_done) ovl_store_names names = { 0 };
	_cleanup_close_ int saved = -EBADF;
	int r = ovl_store_open_own(dir, "saved", &saved);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = ovl_store_read(saved, &names);
	return r < 0 ? r : names.len > 0;
}

/* What one journal is about: 1; 0 if it is none, or none of ours; -ENOMEM. */
static int look(struct ovl_store *s, int all, const char *id, struct ovl_kept *ret)
{
	_cleanup_(ovl_log_done) struct ovl_log log = { 0 };
	_cleanup_close_ int dir = -EBADF;
	int r = ovl_store_open_own(all, id, &dir), saved;

	memcpy(ret->id, id, sizeof(ret->id));
	if (r == 0) {
		r = ovl_journal_skim(dir, &log, NULL);
		if (r == -ENOENT)
			return 0; /* begun, and killed */
	}
	if (r == 0 && s->apart && ovl_store_belongs(s, &log, NULL) == -ESTALE)
		return 0;
	saved = r == 0 ? has_saved(dir) : r;
	if (saved < 0) {
		ret->err = saved;
		return saved == -ENOMEM ? saved : 1;
	}
	ret->time = log.header.time;
	ret->state = log.state;
	ret->has_saved = saved;
	for (size_t i = 0; i < log.step.len; i++)
		ret->n_steps += log.step.data[i].committed && !log.step.data[i].aborted;
	return 1;
}

static int by_time(const void *pa, const void *pb)
{
	const struct ovl_kept *a = pa, *b = pb;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return strcmp(a->id, b->id);
}

int ovl_store_list(struct ovl_store *s, ovl_kept_vec *ret)
{
	_cleanup_(ovl_store_names_done) ovl_store_names names = { 0 };
	_cleanup_close_ int all = -EBADF;
	int r = s->base < 0 ? -ENOENT : open_all(s, &all);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = ovl_store_read(all, &names);
	for (size_t i = 0; r >= 0 && i < names.len; i++) {
		struct ovl_kept kept = { 0 };

		if (!ovl_store_is_id(names.data[i], strlen(names.data[i])))
			continue;
		r = look(s, all, names.data[i], &kept);
		if (r > 0)
			r = ovl_vec_push(ret, kept);
	}
	if (r < 0) {
		ovl_vec_done(ret);
		return r;
	}
	if (ret->len > 1)
		qsort(ret->data, ret->len, sizeof(*ret->data), by_time);
	return 0;
}

int ovl_store_peek(struct ovl_store *s, const char *id, struct ovl_log *ret_log, int *ret_dir,
		   struct ovl_error *e)
{
	_cleanup_close_ int all = -EBADF, dir = -EBADF;
	int r = open_all(s, &all);

	if (r < 0)
		return ovl_store_fail(e, r, OVL_STORE_FOLDER);
	r = ovl_store_open_own(all, id, &dir);
	if (r < 0)
		return ovl_store_fail(e, r, id);
	r = ovl_journal_read(dir, ret_log, e);
	if (r == 0 && ret_dir)
		*ret_dir = TAKE_FD(dir);
	return r;
}

/* Folders that a killed run left before there was a journal in them. */
static int remove_begun(struct ovl_store *s)
{
	_cleanup_(ovl_store_names_done) ovl_store_names names = { 0 };
	int r = ovl_store_read(s->lock, &names);

	for (size_t i = 0; r >= 0 && i < names.len; i++) {
		_cleanup_(ovl_log_done) struct ovl_log log = { 0 };
		_cleanup_close_ int dir = -EBADF;

		if (!ovl_store_is_id(names.data[i], strlen(names.data[i])) ||
		    ovl_store_open_own(s->lock, names.data[i], &dir) < 0)
			continue;
		if (ovl_journal_skim(dir, &log, NULL) == -ENOENT)
			r = ovl_store_remove(s->lock, names.data[i]);
	}
	return r < 0 ? r : 0;
}

int ovl_store_prune(struct ovl_store *s, size_t keep, struct ovl_error *e)
{
	ovl_kept_vec kept = { 0 };
	size_t n = 0;
	int r = ovl_store_list(s, &kept);

	for (size_t i = kept.len; r >= 0 && i-- > 0;) {
		const struct ovl_kept *k = &kept.data[i];

		if (k->err < 0)
			continue;
		if (k->state == OVL_JOURNAL_UNDONE ||
		    (k->state == OVL_JOURNAL_FINISHED && n++ >= keep && !k->has_saved))
			r = ovl_store_remove(s->lock, k->id);
	}
	ovl_vec_done(&kept);
	if (r >= 0)
		r = remove_begun(s);
	return r < 0 ? ovl_fail(e, r, "cannot remove old journals") : 0;
}
