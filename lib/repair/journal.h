/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal file of one repair: appended to while it runs, read when it has to be taken back.
 *
 * What was appended counts after ovl_journal_sync() only.
 */
#ifndef OVL_REPAIR_JOURNAL_H
#define OVL_REPAIR_JOURNAL_H

#include "overlayfs/error.h"
#include "repair/op_record.h"

/** How far a run had come. */
enum ovl_journal_state {
	OVL_JOURNAL_OPEN,     /* not finished: the run was killed, or is at work */
	OVL_JOURNAL_FINISHED, /* and not taken back */
	OVL_JOURNAL_UNDOING,  /* --undo was begun and has not ended */
	OVL_JOURNAL_UNDONE,
};

struct ovl_journal {
	int fd;
	uint64_t seq;           /* of the next record */
	uint32_t crc;           /* of the last one */
	struct ovl_buf pending; /* records that are not written yet */
	uint64_t saved;         /* highest number given out for saved/ and stage/ */
	int failed; /* why a write failed: nothing can be added any more, since what lies behind a torn
		     * record is not read */
};

/** The biggest journal that is read, in bytes: it is held in memory as a whole. */
#define OVL_JOURNAL_MAX (UINT64_C(1) << 30)

/**
 * ovl_journal_create - a new file "journal" in @dir, with its header durable; -EEXIST
 * The file gets its name when the header is durable: a folder without "journal" has changed nothing.
 */
int ovl_journal_create(int dir, const struct ovl_record_header *header, struct ovl_journal *ret);

/** One step as it was recorded. */
struct ovl_logged_step {
	char *slug;   /* of the problem */
	char *place;  /* printable */
	char *action; /* printable: "remove it" */
	ovl_op_vec ops;
	bool committed; /* the COMMIT of its group was found */
	bool aborted;   /* it was taken back at once */
};

/** One tree as it was recorded, to find out whether the journal belongs to these layers. */
struct ovl_logged_tree {
	int number;
	char *path;
	uint64_t ino;
	uint8_t uuid[16]; /* of the file system; zeros: none */
};

/** Everything that a journal says. ovl_log_done() it. */
struct ovl_log {
	struct ovl_record_header header; /* its bytes are in @raw */
	struct ovl_buf raw;
	enum ovl_journal_state state;
	OVL_VEC(struct ovl_logged_tree) tree;
	OVL_VEC(struct ovl_logged_step) step; /* in order */
	ovl_copied_vec copied;                /* of groups that were committed */
	bool torn;      /* bytes behind the last whole record: a write was cut short */
	size_t end;     /* bytes of @raw until there */
	uint64_t seq;   /* of the record that would come next */
	uint32_t crc;   /* of the last one */
	uint64_t saved; /* highest number of an object in saved/ or stage/ */
};

/**
 * ovl_journal_read - read a journal without changing anything
 * @dir: its folder
 * @ret: written on 0 only; ovl_log_done() it
 * -ENOENT: nothing was done; -ENODATA if the header is cut short; -EINVAL, -EPROTO as
 * ovl_record_get_header(), -EINVAL also for records that make no sense; -ELOOP, -ESTALE if "journal" is
 * no regular file; -EPERM if it belongs to somebody else, or has more than one name; -EFBIG beyond
 * OVL_JOURNAL_MAX; -ENOMEM.
 */
int ovl_journal_read(int dir, struct ovl_log *ret, struct ovl_error *e);
/** ovl_journal_skim - the same, but for the operations: who wants to know what a journal is about */
int ovl_journal_skim(int dir, struct ovl_log *ret, struct ovl_error *e);
/** ovl_log_parse - the same from bytes; @raw is taken over, also on failure. Without ESTALE and the like. */
int ovl_log_parse(struct ovl_buf *raw, struct ovl_log *ret, struct ovl_error *e);
/**
 * ovl_log_count_links - allow files as many more names (op.names) as the journal itself has given them
 * Part of reading it. 0 or -ENOMEM.
 */
int ovl_log_count_links(struct ovl_log *log);
void ovl_log_done(struct ovl_log *log);

/** ovl_journal_reopen - go on with a journal: what is torn is cut off. Errors as above. */
int ovl_journal_reopen(int dir, struct ovl_log *ret_log, struct ovl_journal *ret,
		       struct ovl_error *e);

int ovl_journal_tree(struct ovl_journal *j, const struct ovl_logged_tree *tree);
int ovl_journal_group(struct ovl_journal *j);
int ovl_journal_step(struct ovl_journal *j, const char *slug, const char *place,
		     const char *action);
int ovl_journal_op(struct ovl_journal *j, const struct ovl_op *op);
/** ovl_journal_abort - the @n-th step since the group began (0, 1 ...) was taken back */
int ovl_journal_abort(struct ovl_journal *j, uint32_t n);
/** ovl_journal_copied - of this group; who goes on after a crash looks for the copy and may not find it */
int ovl_journal_copied(struct ovl_journal *j, const struct ovl_copied *copied);
int ovl_journal_mark(struct ovl_journal *j,
		     enum ovl_record_type type); /* COMMIT, FINISHED, UNDO, UNDONE */

/** ovl_journal_sync - write what is pending and make it durable; 0 or why not, then and ever after */
int ovl_journal_sync(struct ovl_journal *j);

void ovl_journal_close(struct ovl_journal *j);

#endif
