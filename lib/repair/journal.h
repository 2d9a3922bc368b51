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
};

/** ovl_journal_create - a new file "journal" in @dir, with its header durable; -EEXIST */
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
	bool torn; /* bytes behind the last whole record: a write was cut short */
};

/**
 * ovl_journal_read - read a journal without changing anything
 * @dir: its folder
 * -ENOENT; -ENODATA if not even the header was written whole (then nothing was done); -EINVAL, -EPROTO
 * as ovl_record_get_header(); -ELOOP, -ESTALE if "journal" is no regular file; -ENOMEM.
 */
int ovl_journal_read(int dir, struct ovl_log *ret, struct ovl_error *e);
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
int ovl_journal_mark(struct ovl_journal *j,
		     enum ovl_record_type type); /* COMMIT, FINISHED, UNDO, UNDONE */

/** ovl_journal_sync - write what is pending and make it durable; 0 or why not */
int ovl_journal_sync(struct ovl_journal *j);

void ovl_journal_close(struct ovl_journal *j);

#endif
