/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal file, as it is written. See journal.h.
 */
#include "repair/journal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "io/write.h"

#include "base/banned.h"

static const char name[] = "journal", new_name[] = "journal.new";

void ovl_journal_close(struct ovl_journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	ovl_buf_done(&j->pending);
	*j = (struct ovl_journal){ .fd = -1 };
}

static int write_header(int dir, const struct ovl_record_header *header, struct ovl_journal *j)
{
	int r = ovl_write_make_file(dir, new_name, &j->fd);

	if (r == -EEXIST) {
		/* Of a run that was killed right here. */
		r = ovl_write_remove(dir, new_name);
		if (r == 0)
			r = ovl_write_make_file(dir, new_name, &j->fd);
	}
	if (r == 0)
		r = ovl_record_put_header(&j->pending, header, &j->crc);
	if (r == 0)
		r = ovl_journal_sync(j);
	if (r == 0)
		r = ovl_write_rename(dir, new_name, dir, name);
	if (r == 0)
		r = ovl_write_sync(dir);
	return r;
}

int ovl_journal_create(int dir, const struct ovl_record_header *header, struct ovl_journal *ret)
{
	struct ovl_journal j = { .fd = -1, .seq = 1 };
	int r = write_header(dir, header, &j);

	if (r < 0) {
		if (j.fd >= 0)
			ovl_write_remove(dir, new_name);
		ovl_journal_close(&j);
		return r;
	}
	*ret = j;
	return 0;
}

int ovl_journal_reopen(int dir, struct ovl_log *ret_log, struct ovl_journal *ret,
		       struct ovl_error *e)
{
	_cleanup_(ovl_log_done) struct ovl_log log = { 0 };
	_cleanup_close_ int object = -EBADF, fd = -EBADF;
	struct ovl_stat st;
	int r = ovl_journal_read(dir, &log, e);

	if (r < 0)
		return r;
	r = ovl_write_hold(dir, name, &object, &st);
	if (r == 0)
		r = ovl_write_open(object, &fd);
	/* Nobody but us writes to it; if somebody did, then it is not what was read. */
	if (r == 0 && st.size != log.raw.len)
		r = -ESTALE;
	if (r == 0)
		r = ovl_write_truncate(fd, log.end);
	if (r == 0 && log.torn)
		r = ovl_write_sync(fd);
	if (r < 0)
		return ovl_fail(e, r, "cannot go on with a journal");
	*ret = (struct ovl_journal){
		.fd = TAKE_FD(fd), .seq = log.seq, .crc = log.crc, .saved = log.saved
	};
	*ret_log = log;
	log = (struct ovl_log){ 0 };
	return 0;
}

static int put(struct ovl_journal *j, enum ovl_record_type type, const struct ovl_buf *payload)
{
	int r = ovl_record_put(&j->pending, type, j->seq, ovl_buf_bytes(payload), &j->crc);

	if (r == 0)
		j->seq++;
	return r;
}

static int put_string(struct ovl_buf *out, const char *s)
{
	return ovl_field_put_bytes(out, (struct ovl_bytes){ (const unsigned char *)s, strlen(s) });
}

int ovl_journal_tree(struct ovl_journal *j, const struct ovl_logged_tree *tree)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = ovl_field_put_u32(&b, (uint32_t)tree->number);

	if (r == 0)
		r = put_string(&b, tree->path);
	if (r == 0)
		r = ovl_field_put_u64(&b, tree->ino);
	if (r == 0)
		r = ovl_field_put_bytes(&b, (struct ovl_bytes){ tree->uuid, sizeof(tree->uuid) });
	return r == 0 ? put(j, OVL_RECORD_TREE, &b) : r;
}

int ovl_journal_group(struct ovl_journal *j)
{
	return ovl_journal_mark(j, OVL_RECORD_GROUP);
}

int ovl_journal_step(struct ovl_journal *j, const char *slug, const char *place, const char *action)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = put_string(&b, slug);

	if (r == 0)
		r = put_string(&b, place);
	if (r == 0)
		r = put_string(&b, action);
	return r == 0 ? put(j, OVL_RECORD_STEP, &b) : r;
}

int ovl_journal_op(struct ovl_journal *j, const struct ovl_op *op)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = ovl_op_encode(&b, op);

	return r == 0 ? put(j, OVL_RECORD_OP, &b) : r;
}

int ovl_journal_abort(struct ovl_journal *j, uint32_t n)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = ovl_field_put_u32(&b, n);

	return r == 0 ? put(j, OVL_RECORD_ABORT, &b) : r;
}

int ovl_journal_copied(struct ovl_journal *j, const struct ovl_copied *copied)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = ovl_copied_encode(&b, copied);

	return r == 0 ? put(j, OVL_RECORD_COPIED, &b) : r;
}

int ovl_journal_mark(struct ovl_journal *j, enum ovl_record_type type)
{
	static const struct ovl_buf nothing;

	return put(j, type, &nothing);
}

int ovl_journal_sync(struct ovl_journal *j)
{
	if (j->failed == 0 && j->pending.len > 0)
		j->failed = ovl_write_append(j->fd, j->pending.data, j->pending.len);
	/* After a failed fsync the kernel may forget what it could not write: no second try. */
	if (j->failed == 0)
		j->failed = ovl_write_sync(j->fd);
	if (j->failed == 0)
		ovl_buf_clear(&j->pending);
	return j->failed;
}
