/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where repairs keep their journals: <workdir>/.fsck.overlay/<uuid>/ with journal, saved/ and stage/,
 * or DIR/.fsck.overlay/<uuid>/ with -z DIR, which several overlays may share. And what keeps others out
 * while we write: a lock on .fsck.overlay, and the marker <workdir>/work/incompat/fsck.overlay/<uuid>
 * (<uuid>-elsewhere with -z), at which the kernel refuses the mount. .fsck.overlay itself is never removed.
 *
 * Everything in the work directory may have been put there by somebody else: nothing of it is followed,
 * and folders that are not root's own (mode 0700, owner us) are refused.
 */
#ifndef OVL_REPAIR_STORE_H
#define OVL_REPAIR_STORE_H

#include "overlayfs/error.h"
#include "repair/journal.h"
#include "stack/stack.h"

struct ovl_store {
	struct ovl_stack *stack; /* borrowed */
	int base;                /* work base, or the folder of -z; -1: no place to keep anything */
	bool apart;              /* @base is the folder of -z */
	bool marks;              /* there is a work directory to put the marker in */
	int lock;                /* the folder ".fsck.overlay", locked; -1 */
	int dir;                 /* the folder of the open journal; -1 */
	char id[37];             /* its uuid as text */
	struct ovl_journal journal;
	bool created;       /* the journal is of this run */
	uint64_t clean_seq; /* as long as this is the next record, nothing is to be taken back; or 0 */
};

/**
 * ovl_store_init - find the place, write nothing
 * @folder: of -z; NULL: the work base of the stack
 * @e: why not
 * 0 (also if there is no place: then base is -1), or why @folder could not be opened.
 */
int ovl_store_init(struct ovl_store *s, struct ovl_stack *stack, const char *folder,
		   struct ovl_error *e);
/**
 * ovl_store_done - close everything
 * If a journal was opened and nothing was done with it, the marker is taken away, and the journal as
 * well if it is new. Else an unfinished one stays as it is, for the next run.
 */
void ovl_store_done(struct ovl_store *s);

/** One journal that is kept. */
struct ovl_kept {
	char id[37];
	uint64_t time; /* seconds since 1970 */
	enum ovl_journal_state state;
	size_t n_steps; /* committed */
	bool has_saved; /* something is set aside in saved/ */
	int err;        /* negative errno if it could not be read; then only id is known */
};
typedef OVL_VEC(struct ovl_kept) ovl_kept_vec;

/**
 * ovl_store_list - all journals, oldest first; reads only; 0, -ENOMEM, or why the folder is unreadable
 * In the folder of -z those of other overlays are left out. -EPERM if the folder is not ours.
 */
int ovl_store_list(struct ovl_store *s, ovl_kept_vec *ret);

/**
 * ovl_store_lock - lock out other runs; makes the folder if it is not there
 * -EWOULDBLOCK if another run is at work; -EPERM if the folder belongs to somebody else.
 */
int ovl_store_lock(struct ovl_store *s, struct ovl_error *e);

/**
 * ovl_store_create - begin a new journal: marker first, then folders, header and trees, all durable
 * With -z the marker comes last, so that no marker is ever without a journal that explains it. Where
 * work/ or work/incompat is no directory, there can be no marker, and the journal begins without it.
 * -EBUSY if another repair is unfinished; on failure nothing is left behind.
 */
int ovl_store_create(struct ovl_store *s, const char *command, struct ovl_error *e);

/**
 * ovl_store_open - go on with an old one, and set the marker again if it is gone
 * -ESTALE as ovl_store_belongs(), before anything was changed.
 */
int ovl_store_open(struct ovl_store *s, const char *id, struct ovl_log *ret_log,
		   struct ovl_error *e);

/** ovl_store_peek - read a journal, change nothing; @ret_dir: its folder, owned by the caller; or NULL */
int ovl_store_peek(struct ovl_store *s, const char *id, struct ovl_log *ret_log, int *ret_dir,
		   struct ovl_error *e);

/**
 * ovl_store_belongs - do the trees of a journal have the same roots as ours?
 * 0; -ESTALE if not (the error names the tree).
 */
int ovl_store_belongs(struct ovl_store *s, const struct ovl_log *log, struct ovl_error *e);

/** ovl_store_finish - last mark durable, then the marker away; what is left in stage/ is removed */
int ovl_store_finish(struct ovl_store *s, enum ovl_record_type mark, struct ovl_error *e);

/**
 * ovl_store_marked - is there a marker of ours, or the beginning of one? Reads only. 1, 0 or an error.
 */
int ovl_store_marked(struct ovl_store *s, struct ovl_error *e);

/**
 * ovl_store_unmark - take away the markers of journals that are finished, or were never begun (a run was
 *                    killed just then); the folder is locked
 */
int ovl_store_unmark(struct ovl_store *s, struct ovl_error *e);

/**
 * ovl_store_discard - remove the folder of the open journal: everything in it was taken back
 * Should there be an object in saved/ all the same, the folder stays.
 */
int ovl_store_discard(struct ovl_store *s, struct ovl_error *e);

/** ovl_store_prune - of the finished journals keep the newest @keep, and all with something in saved/ */
int ovl_store_prune(struct ovl_store *s, size_t keep, struct ovl_error *e);

#endif
