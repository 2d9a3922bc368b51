/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Journals: where they are, and how one begins and ends. See store.h.
 */
#include "repair/store.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <uuid/uuid.h>

#include "base/cleanup.h"
#include "io/beneath.h"
#include "io/bootid.h"
#include "io/root.h"
#include "io/write.h"
#include "repair/stamp.h"
#include "repair/store_folder.h"

#include "base/banned.h"

static int open_folder(struct ovl_store *s, const char *folder, struct ovl_error *e)
{
	_cleanup_(ovl_root_done) struct ovl_root root = OVL_ROOT_INIT;
	int r = ovl_root_open(folder, "journal folder", &root, e);

	if (r < 0)
		return r;
	r = ovl_beneath_open_dir(root.plain, "", &s->base);
	if (r < 0)
		return ovl_fail(e, r, "cannot open journal folder '%s'", folder);
	s->apart = true;
	return 0;
}

int ovl_store_init(struct ovl_store *s, struct ovl_stack *stack, const char *folder,
		   struct ovl_error *e)
{
	int r;

	*s = (struct ovl_store){ .stack = stack, .base = -1, .lock = -1, .dir = -1 };
	s->journal.fd = -1;
	s->marks = stack->has_upper && stack->work.root.plain >= 0;
	if (folder)
		return open_folder(s, folder, e);
	if (!s->marks)
		return 0;
	r = ovl_beneath_open_dir(stack->work.root.plain, "", &s->base);
	return r < 0 ? ovl_fail(e, r, "cannot open the work directory '%s'", stack->work.dir) : 0;
}

static void close_dir(struct ovl_store *s)
{
	ovl_journal_close(&s->journal);
	if (s->dir >= 0)
		close(s->dir);
	s->dir = -1;
	s->clean_seq = 0;
	s->created = false;
}

/* What was opened in vain leaves no marker: the kernel would refuse the mount for nothing. */
static void leave_clean(struct ovl_store *s)
{
	if (s->dir < 0 || s->clean_seq == 0 || s->journal.seq != s->clean_seq)
		return;
	if (s->created && s->apart) {
		if (ovl_store_remove_mark(s, NULL) == 0)
			ovl_store_remove(s->lock, s->id);
	} else {
		if (s->created)
			ovl_store_remove(s->lock, s->id);
		ovl_store_remove_mark(s, NULL);
	}
}

void ovl_store_done(struct ovl_store *s)
{
	leave_clean(s);
	close_dir(s);
	if (s->lock >= 0)
		close(s->lock);
	if (s->base >= 0)
		close(s->base);
	s->base = s->lock = -1;
}

int ovl_store_lock(struct ovl_store *s, struct ovl_error *e)
{
	_cleanup_close_ int fd = -EBADF;
	int r;

	if (s->lock >= 0)
		return 0;
	if (s->base < 0)
		return ovl_fail_plain(e, -ENOENT, "there is no place for a journal");
	r = ovl_store_make_own(s->base, OVL_STORE_FOLDER, &fd);
	if (r < 0)
		return ovl_store_fail(e, r, OVL_STORE_FOLDER);
	if (ovl_write_frozen(fd))
		return ovl_store_fail_frozen(e, OVL_STORE_FOLDER);
	r = ovl_write_lock(fd);
	if (r == -EWOULDBLOCK)
		return ovl_fail_plain(e, r, "another fsck.overlay is repairing these layers");
	if (r < 0)
		return ovl_fail(e, r, "cannot lock folder '%s'", OVL_STORE_FOLDER);
	s->lock = TAKE_FD(fd);
	return 0;
}

/*
 * Seconds since 1970, but later than all that are kept: the newest is taken back first, whether the clock
 * was set back or both are of the same second.
 */
static int next_time(struct ovl_store *s, uint64_t *ret)
{
	ovl_kept_vec kept = { 0 };
	int r = ovl_store_list(s, &kept);

	*ret = (uint64_t)time(NULL);
	if (r == 0 && kept.len > 0 && kept.data[kept.len - 1].time >= *ret &&
	    kept.data[kept.len - 1].time < INT64_MAX)
		*ret = kept.data[kept.len - 1].time + 1;
	ovl_vec_done(&kept);
	return r;
}

static int write_header(struct ovl_store *s, const char *command)
{
	struct ovl_record_header h = {
		.tool = { (const unsigned char *)PACKAGE_STRING, strlen(PACKAGE_STRING) },
		.command = { (const unsigned char *)command, command ? strlen(command) : 0 },
	};

	int r = next_time(s, &h.time);

	ovl_bootid(h.boot_id);
	if (r == 0 && uuid_parse(s->id, h.uuid) < 0)
		r = -EINVAL;
	return r < 0 ? r : ovl_journal_create(s->dir, &h, &s->journal);
}

static int write_tree(struct ovl_store *s, const struct ovl_layer *layer)
{
	struct ovl_logged_tree tree = { .number = layer->number, .ino = layer->root.stat.ino };
	char *path = strdup(layer->dir);
	int r;

	if (!path)
		return -ENOMEM;
	tree.path = path;
	if (layer->root.has_uuid)
		memcpy(tree.uuid, layer->root.uuid, sizeof(tree.uuid));
	r = ovl_journal_tree(&s->journal, &tree);
	free(path);
	return r;
}

static int write_trees(struct ovl_store *s)
{
	const struct ovl_stack *stack = s->stack;
	int r = 0;

	for (size_t i = 0; r == 0 && i < stack->n_layer; i++)
		if (stack->layer[i].root.plain >= 0)
			r = write_tree(s, &stack->layer[i]);
	if (r == 0 && stack->work.root.plain >= 0)
		r = write_tree(s, &stack->work);
	return r == 0 ? ovl_journal_sync(&s->journal) : r;
}

/* The folders are there before the journal is, so that a journal always has them. */
static int make_folders(struct ovl_store *s)
{
	_cleanup_close_ int saved = -EBADF, stage = -EBADF;
	int r = ovl_store_make_own(s->dir, "saved", &saved);

	return r == 0 ? ovl_store_make_own(s->dir, "stage", &stage) : r;
}

static int write_journal(struct ovl_store *s, const char *command, struct ovl_error *e)
{
	int r = ovl_store_make_own(s->lock, s->id, &s->dir);

	if (r == 0)
		r = make_folders(s);
	if (r == 0)
		r = write_header(s, command);
	if (r == 0)
		r = write_trees(s);
	return r < 0 ? ovl_fail(e, r, "cannot write a journal into '%s'",
				s->apart ? "the folder of -z" : s->stack->work.dir) :
		       0;
}

/* What is known of the overlay to be clean ends here. */
static int forget_stamp(struct ovl_store *s, struct ovl_error *e)
{
	int r = ovl_stamp_forget(s->stack);

	return r < 0 ? ovl_fail(e, r, "cannot remove the note that it was clean") : 0;
}

int ovl_store_create(struct ovl_store *s, const char *command, struct ovl_error *e)
{
	uuid_t uuid;
	int r;

	uuid_generate_random(uuid);
	uuid_unparse_lower(uuid, s->id);
	r = forget_stamp(s, e);
	if (r == 0 && !s->apart)
		r = ovl_store_mark(s, e);
	if (r < 0)
		return r;
	r = write_journal(s, command, e);
	if (r == 0 && s->apart)
		r = ovl_store_mark(s, e);
	if (r < 0) {
		close_dir(s);
		ovl_store_remove(s->lock, s->id);
		ovl_store_remove_mark(s, NULL);
		return r;
	}
	s->created = true;
	s->clean_seq = s->journal.seq;
	return 0;
}

int ovl_store_open(struct ovl_store *s, const char *id, struct ovl_log *ret_log,
		   struct ovl_error *e)
{
	_cleanup_(ovl_log_done) struct ovl_log log = { 0 };
	int r = ovl_store_open_own(s->lock, id, &s->dir);

	if (r < 0)
		return ovl_store_fail(e, r, id);
	memcpy(s->id, id, sizeof(s->id));
	r = ovl_journal_read(s->dir, &log, e);
	if (r == 0)
		r = ovl_store_belongs(s, &log, e);
	ovl_log_done(&log);
	if (r == 0)
		r = forget_stamp(s, e);
	if (r == 0)
		r = ovl_store_mark(s, e);
	if (r == 0) {
		r = make_folders(s);
		if (r < 0)
			ovl_store_fail(e, r, id);
	}
	if (r == 0)
		r = ovl_journal_reopen(s->dir, &log, &s->journal, e);
	if (r < 0) {
		close_dir(s);
		return r;
	}
	if (log.state == OVL_JOURNAL_FINISHED || log.state == OVL_JOURNAL_UNDONE)
		s->clean_seq = s->journal.seq;
	*ret_log = log;
	log = (struct ovl_log){ 0 };
	return 0;
}

int ovl_store_finish(struct ovl_store *s, enum ovl_record_type mark, struct ovl_error *e)
{
	int r;

	s->clean_seq = 0;
	r = ovl_journal_mark(&s->journal, mark);
	if (r == 0)
		r = ovl_journal_sync(&s->journal);
	if (r < 0)
		return ovl_fail(e, r, "cannot finish the journal");
	r = ovl_store_clear_stage(s->dir);
	if (r < 0)
		return ovl_fail(e, r, "cannot clean up the journal folder");
	r = ovl_store_remove_mark(s, e);
	if (r == 0)
		ovl_journal_close(&s->journal);
	return r;
}

int ovl_store_discard(struct ovl_store *s, struct ovl_error *e)
{
	int r;

	close_dir(s);
	r = ovl_store_remove(s->lock, s->id);
	return r < 0 ? ovl_fail(e, r, "cannot remove journal %s", s->id) : 0;
}
