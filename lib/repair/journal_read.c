/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal file, as it is read: whatever is in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "io/reader.h"
#include "repair/journal.h"

#include "base/banned.h"

static const char name[] = "journal";

/** What is known while the records go by. */
struct parser {
	struct ovl_log *log;
	size_t group; /* first step of the group, as long as it is open */
	bool in_group;
	bool skims;      /* operations are looked at, and not kept */
	size_t n_copied; /* of those in the log, that were committed */
};

static void step_done(struct ovl_logged_step *step)
{
	free(step->slug);
	free(step->place);
	free(step->action);
	for (size_t i = 0; i < step->ops.len; i++)
		ovl_op_done(&step->ops.data[i]);
	ovl_vec_done(&step->ops);
}

void ovl_log_done(struct ovl_log *log)
{
	for (size_t i = 0; i < log->tree.len; i++)
		free(log->tree.data[i].path);
	ovl_vec_done(&log->tree);
	for (size_t i = 0; i < log->step.len; i++)
		step_done(&log->step.data[i]);
	ovl_vec_done(&log->step);
	for (size_t i = 0; i < log->copied.len; i++)
		ovl_copied_done(&log->copied.data[i]);
	ovl_vec_done(&log->copied);
	ovl_buf_done(&log->raw);
	*log = (struct ovl_log){ 0 };
}

/* A string from the front of @in. -EINVAL also if it has a NUL in it. */
static int get_string(struct ovl_bytes *in, char **ret)
{
	struct ovl_bytes s;

	if (ovl_field_get_bytes(in, &s) < 0 || (s.len > 0 && memchr(s.data, '\0', s.len)))
		return -EINVAL;
	*ret = s.len > 0 ? strndup((const char *)s.data, s.len) : strdup("");
	return *ret ? 0 : -ENOMEM;
}

/* The same for what will be shown: a journal that somebody has made gives no orders to a terminal. */
static int get_text(struct ovl_bytes *in, char **ret)
{
	int r = get_string(in, ret);

	for (char *p = *ret; r == 0 && *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return r;
}

static int get_tree(struct parser *p, struct ovl_bytes in)
{
	struct ovl_logged_tree tree = { 0 };
	struct ovl_bytes uuid = { 0 };
	uint32_t number;
	int r = ovl_field_get_u32(&in, &number);

	if (r == 0)
		r = get_string(&in, &tree.path);
	if (r == 0)
		r = ovl_field_get_u64(&in, &tree.ino);
	if (r == 0)
		r = ovl_field_get_bytes(&in, &uuid);
	if (r == 0 && uuid.len != sizeof(tree.uuid))
		r = -EINVAL;
	if (r == 0) {
		tree.number = (int)number;
		memcpy(tree.uuid, uuid.data, sizeof(tree.uuid));
		r = ovl_vec_push(&p->log->tree, tree);
	}
	if (r < 0)
		free(tree.path);
	return r;
}

/* What no COMMIT came after. */
static void drop_copied(struct parser *p)
{
	while (p->log->copied.len > p->n_copied)
		ovl_copied_done(&p->log->copied.data[--p->log->copied.len]);
}

static int get_group(struct parser *p)
{
	/* A group that was not committed is taken back, and closed by that. */
	if (p->in_group && p->group < p->log->step.len)
		return -EINVAL;
	drop_copied(p);
	p->in_group = true;
	p->group = p->log->step.len;
	p->log->state = OVL_JOURNAL_OPEN;
	return 0;
}

static int get_step(struct parser *p, struct ovl_bytes in)
{
	struct ovl_logged_step step = { 0 };
	int r = p->in_group ? get_text(&in, &step.slug) : -EINVAL;

	if (r == 0)
		r = get_text(&in, &step.place);
	if (r == 0)
		r = get_text(&in, &step.action);
	if (r == 0)
		r = ovl_vec_push(&p->log->step, step);
	if (r < 0)
		step_done(&step);
	return r;
}

static void note_saved(struct ovl_log *log, const struct ovl_place *place)
{
	const char *number;
	uint64_t n;

	if (place->tree != OVL_TREE_STORE || !place->path)
		return;
	number = strrchr(place->path, '/') + 1;
	n = strtoull(number, NULL, 10);
	if (n > log->saved && n < UINT64_MAX)
		log->saved = n;
}

static int get_op(struct parser *p, struct ovl_bytes in)
{
	struct ovl_log *log = p->log;
	struct ovl_op op;
	int r;

	if (!p->in_group || log->step.len == p->group)
		return -EINVAL;
	r = ovl_op_decode(in, &op);
	if (r < 0)
		return r;
	note_saved(log, &op.at);
	note_saved(log, &op.to);
	if (op.saved > log->saved && op.saved < UINT64_MAX)
		log->saved = op.saved;
	if (p->skims) {
		ovl_op_done(&op);
		return 0;
	}
	r = ovl_vec_push(&log->step.data[log->step.len - 1].ops, op);
	if (r < 0)
		ovl_op_done(&op);
	return r;
}

static int get_copied(struct parser *p, struct ovl_bytes in)
{
	struct ovl_copied copied;
	int r = p->in_group ? ovl_copied_decode(in, &copied) : -EINVAL;

	if (r < 0)
		return r;
	r = p->skims ? 1 : ovl_vec_push(&p->log->copied, copied);
	if (r != 0)
		ovl_copied_done(&copied);
	return r < 0 ? r : 0;
}

static int get_abort(struct parser *p, struct ovl_bytes in)
{
	uint32_t n;

	if (ovl_field_get_u32(&in, &n) < 0 || !p->in_group || n >= p->log->step.len - p->group)
		return -EINVAL;
	p->log->step.data[p->group + n].aborted = true;
	return 0;
}

static int get_commit(struct parser *p)
{
	if (!p->in_group)
		return -EINVAL;
	for (size_t i = p->group; i < p->log->step.len; i++)
		p->log->step.data[i].committed = true;
	p->n_copied = p->log->copied.len;
	p->in_group = false;
	return 0;
}

static int get_record(struct parser *p, const struct ovl_record *record)
{
	switch (record->type) {
	case OVL_RECORD_TREE:
		return get_tree(p, record->payload);
	case OVL_RECORD_GROUP:
		return get_group(p);
	case OVL_RECORD_STEP:
		return get_step(p, record->payload);
	case OVL_RECORD_OP:
		return get_op(p, record->payload);
	case OVL_RECORD_ABORT:
		return get_abort(p, record->payload);
	case OVL_RECORD_COMMIT:
		return get_commit(p);
	case OVL_RECORD_FINISHED:
		p->log->state = OVL_JOURNAL_FINISHED;
		return 0;
	case OVL_RECORD_UNDO:
		p->log->state = OVL_JOURNAL_UNDOING;
		return 0;
	case OVL_RECORD_UNDONE:
		p->log->state = OVL_JOURNAL_UNDONE;
		return 0;
	case OVL_RECORD_COPIED:
		return get_copied(p, record->payload);
	case OVL_RECORD__MAX:
	default:
		return 0; /* what a later version found good to note, and did not think vital */
	}
}

static int parse_records(struct parser *p, struct ovl_bytes in)
{
	struct ovl_log *log = p->log;
	struct ovl_record record;
	size_t used;
	int r = 0;

	log->seq = 1;
	while (r == 0 && ovl_record_get(in, log->seq, &log->crc, &record, &used) > 0) {
		r = get_record(p, &record);
		in.data += used;
		in.len -= used;
		log->end += used;
		log->seq++;
	}
	log->torn = in.len > 0;
	drop_copied(p);
	return r;
}

static int fail_header(struct ovl_error *e, int r)
{
	switch (r) {
	case -ENODATA:
		return ovl_fail_plain(e, r, "the journal is cut short within its header");
	case -EPROTO:
		return ovl_fail_plain(e, r, "the journal is of a later version of this program");
	default:
		return ovl_fail_plain(e, r, "the file 'journal' is no journal, or is damaged");
	}
}

/* @raw is taken over */
static int parse(struct ovl_buf *raw, bool skims, struct ovl_log *ret, struct ovl_error *e)
{
	_cleanup_(ovl_log_done) struct ovl_log log = { .raw = *raw };
	struct parser p = { .log = &log, .skims = skims };
	struct ovl_bytes in = ovl_buf_bytes(&log.raw);
	int r;

	*raw = (struct ovl_buf){ 0 };
	r = ovl_record_get_header(in, &log.header, &log.end, &log.crc);
	if (r < 0)
		return fail_header(e, r);
	r = parse_records(&p, (struct ovl_bytes){ in.data + log.end, in.len - log.end });
	if (r == -EINVAL)
		return ovl_fail_plain(e, r, "record %llu of the journal makes no sense",
				      (unsigned long long)log.seq - 1);
	if (r == 0 && !skims)
		r = ovl_log_count_links(&log);
	if (r < 0)
		return ovl_fail(e, r, "cannot read the journal");
	*ret = log;
	log = (struct ovl_log){ 0 };
	return 0;
}

int ovl_log_parse(struct ovl_buf *raw, struct ovl_log *ret, struct ovl_error *e)
{
	return parse(raw, false, ret, e);
}

/* The file, if it is ours alone. */
static int open_journal(int dir, int *ret_fd, uint64_t *ret_size, struct ovl_error *e)
{
	struct ovl_reader *reader = ovl_reader_linux();
	struct ovl_stat st;
	int r = reader->ops->stat(reader, dir, name, &st);

	if (r < 0)
		return ovl_fail(e, r, "cannot look at the journal");
	if (!S_ISREG(st.mode))
		return ovl_fail_plain(e, S_ISLNK(st.mode) ? -ELOOP : -ESTALE,
				      "'journal' is no regular file");
	if (st.uid != geteuid() || st.nlink != 1)
		return ovl_fail_plain(e, -EPERM,
				      "the journal belongs to somebody else, or has several names");
	if (st.size > OVL_JOURNAL_MAX)
		return ovl_fail_plain(e, -EFBIG, "the journal is bigger than 1 GiB");
	r = reader->ops->open_file(reader, dir, name, st.dev, st.ino, ret_fd);
	if (r < 0)
		return ovl_fail(e, r, "cannot open the journal");
	*ret_size = st.size;
	return 0;
}

static int read_all(int fd, uint64_t size, struct ovl_buf *out)
{
	struct ovl_reader *reader = ovl_reader_linux();
	int r = ovl_buf_reserve(out, (size_t)size);

	while (r == 0 && out->len < size) {
		int64_t n = reader->ops->pread(reader, fd, out->data + out->len,
					       (size_t)size - out->len, out->len);

		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
	return r;
}

static int read_journal(int dir, bool skims, struct ovl_log *ret, struct ovl_error *e)
{
	_cleanup_(ovl_buf_done) struct ovl_buf raw = { 0 };
	_cleanup_close_ int fd = -EBADF;
	uint64_t size = 0;
	int r = open_journal(dir, &fd, &size, e);

	if (r < 0)
		return r;
	r = read_all(fd, size, &raw);
	if (r < 0)
		return ovl_fail(e, r, "cannot read the journal");
	return parse(&raw, skims, ret, e);
}

int ovl_journal_read(int dir, struct ovl_log *ret, struct ovl_error *e)
{
	return read_journal(dir, false, ret, e);
}

int ovl_journal_skim(int dir, struct ovl_log *ret, struct ovl_error *e)
{
	return read_journal(dir, true, ret, e);
}
