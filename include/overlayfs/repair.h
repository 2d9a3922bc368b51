/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Put right what a check found, and take it back again.
 *
 * A run checks, decides which findings are to be repaired, plans the steps for them, and applies the
 * plan through a journal; where repairs may bring to light what they had hidden, it does so again. The
 * scan cannot write, the planners only describe; nothing but the transaction touches a layer.
 */
#ifndef OVERLAYFS_REPAIR_H
#define OVERLAYFS_REPAIR_H

#include "overlayfs/check.h"

enum ovl_repair_mode {
	OVL_REPAIR_PREEN, /* what nobody could regret: rows of OVL_TRUST_PREEN */
	OVL_REPAIR_ASK,   /* whatever the caller agrees to */
	OVL_REPAIR_YES,   /* all that the table offers, the way that loses nothing */
};

/** May lower layers be written to? */
enum ovl_lower_policy {
	OVL_LOWER_AUTO, /* repairs of preen grade, where the layer is writable and nobody else's */
	OVL_LOWER_RW,   /* like the upper */
	OVL_LOWER_RO,   /* never */
};

/** What became of a finding. */
enum ovl_fate {
	OVL_FATE_LEFT,     /* no repair for it in this mode, or at all */
	OVL_FATE_DECLINED, /* the caller said no */
	OVL_FATE_FIXED,
	OVL_FATE_FAILED, /* tried; nothing of it was changed */
};

/** One question: a finding, and the ways to put it right, the one that loses nothing first. */
struct ovl_question {
	struct ovl_finding finding;
	const char *const *way; /* "remove it", "redirect to lower1:/b" */
	size_t n_ways;
};

enum { OVL_ANSWER_NO = -1, OVL_ANSWER_QUIT = -2 };

struct ovl_policy {
	enum ovl_repair_mode mode;
	enum ovl_lower_policy lower;
	const char *journal_dir; /* -z; NULL: in the work directory */
	unsigned keep;           /* finished journals kept; 0: 10 */
	const char *command;     /* the command line, for the journal */
	/** Is this finding to be repaired at all? NULL: all are. */
	bool (*wanted)(void *ctx, const struct ovl_finding *f);
	/** Mode ASK: the number of a way, or OVL_ANSWER_NO or _QUIT (then no more is asked). */
	int (*ask)(void *ctx, const struct ovl_question *q);
	void *ctx; /* of both */
};

/** A finding and its fate. Strings live as long as the struct ovl_repairs. */
struct ovl_result {
	struct ovl_finding finding;
	enum ovl_fate fate;
	const char *way; /* what was done, tried, offered or declined; NULL: there is no way */
	const char *why; /* LEFT, FAILED: the reason; NULL where it goes without saying */
};

/** Why nothing was converted. */
enum ovl_obstacle {
	OVL_OBSTACLE_NONE,
	OVL_OBSTACLE_ERRORS, /* the overlay has errors, which must be repaired first */
	OVL_OBSTACLE_LOSS,   /* something has no equivalent on the target */
};

/** What a conversion takes, found out before anything is written. */
struct ovl_estimate {
	uint64_t bytes;  /* to be written */
	uint64_t shared; /* bytes that take no space, since the file system shares blocks */
	uint64_t inodes; /* to be made */
	uint64_t by_problem[OVL_P__MAX]; /* bytes of each kind, written or shared */
	uint64_t free_bytes;             /* of the file system with the least to spare */
	uint64_t free_inodes;            /* UINT64_MAX: it makes them as they are needed */
};

/** How a conversion went, or would go. Zeroed: there was none. */
struct ovl_conversion {
	bool active;
	struct ovl_estimate estimate;
	bool lacks_space; /* so nothing was written */
	enum ovl_obstacle obstacle;
	bool compared;     /* what the target shows was compared with what was shown before */
	uint64_t n_differ; /* directories of which something differs */
	char *differs;     /* the first of them, raw bytes; owned; NULL: none */
};

struct ovl_repairs;

/**
 * ovl_repair - check and repair
 * @options: of the checks
 * @ret: also written when -ECANCELED is returned, or the journal failed half way: what was done until
 *       then; else on 0 only. ovl_repairs_free() it.
 * @e: why nothing could be done: layers in use (who), another run, no place for the journal
 *
 * An unfinished earlier run is finished first: what it had not committed is taken back. Nothing at all is
 * written if there is nothing to repair.
 *
 * With a profile in @options it converts, once no error is left: see struct ovl_conversion.
 *
 * Returns 0; -EBUSY if the layers are in use or another run is at work; -ECANCELED; -EROFS, -ENOSPC ...
 * if the journal cannot be written; -ENOMEM.
 */
int ovl_repair(struct ovl_stack *stack, const struct ovl_check_options *options,
	       const struct ovl_policy *policy, struct ovl_repairs **ret, struct ovl_error *e);

/**
 * ovl_convert_preview - check, and say what a conversion would take; writes nothing
 * @options: with a profile
 * @ret: as ovl_check()
 * @ret_conversion: ovl_conversion_done() it
 * Returns as ovl_check(), or why the space could not be found out.
 */
int ovl_convert_preview(struct ovl_stack *stack, const struct ovl_check_options *options,
			struct ovl_report **ret, struct ovl_conversion *ret_conversion,
			struct ovl_error *e);

void ovl_conversion_done(struct ovl_conversion *c);

struct ovl_repairs *ovl_repairs_free(struct ovl_repairs *repairs);
/** ovl_repairs_len, ovl_repairs_get - the results, in the order of the report */
size_t ovl_repairs_len(const struct ovl_repairs *repairs);
struct ovl_result ovl_repairs_get(const struct ovl_repairs *repairs, size_t i);
/** ovl_repairs_counts - of the last check */
const struct ovl_counts *ovl_repairs_counts(const struct ovl_repairs *repairs);
/** ovl_repairs_layer_counts - of one layer in the last check, see ovl_report_layer_counts() */
const struct ovl_counts *ovl_repairs_layer_counts(const struct ovl_repairs *repairs, int layer);
/** ovl_repairs_journal - id of the journal that can take it back; NULL: nothing was written */
const char *ovl_repairs_journal(const struct ovl_repairs *repairs);
/** ovl_repairs_conversion - how the conversion went, if the options have a profile */
const struct ovl_conversion *ovl_repairs_conversion(const struct ovl_repairs *repairs);
/** ovl_repairs_recovered - steps of an unfinished run that were taken back before the check */
size_t ovl_repairs_recovered(const struct ovl_repairs *repairs);
/** ovl_repairs_unrecovered - and that were not, since somebody else has changed their objects since */
size_t ovl_repairs_unrecovered(const struct ovl_repairs *repairs);

/** One step that was or would be taken back, for the caller to print. */
struct ovl_undo_step {
	const char *slug, *place, *action; /* as they were recorded, printable */
	int err; /* 0, or why it could not be: -ESTALE if the object has changed since, -EMLINK if it got
		  * more names, which may be outside of the layers */
	const char *why; /* the same, if it is known better: printable; NULL */
};

struct ovl_undo_options {
	const char *id;          /* of the journal, or its first characters; NULL: the newest */
	bool dry;                /* only tell what would be done */
	const char *journal_dir; /* -z */
	void (*step)(void *ctx,
		     const struct ovl_undo_step *step); /* told of each step; may be NULL */
	bool (*cancelled)(void *ctx);
	void *ctx;
};

/**
 * ovl_undo - take a repair back: the layers as they were, but for ctimes
 * @ret_left: steps that could not be taken back
 * Returns 0; -ENOENT if there is no such journal; -ENOTUNIQ if @id fits several; -EBUSY; -ESTALE if the
 * journal belongs to other layers; -ECANCELED ...
 */
int ovl_undo(struct ovl_stack *stack, const struct ovl_undo_options *options, size_t *ret_left,
	     struct ovl_error *e);

/** A journal that could be taken back, for --list-undo. */
struct ovl_undo_entry {
	const char *id;
	uint64_t time;     /* seconds since 1970 */
	const char *state; /* "finished", "unfinished", "half taken back", "unreadable" */
	size_t n_steps;
	bool has_saved; /* objects are set aside in it */
};

/** ovl_undo_list - tell of each journal, oldest first; reads only */
int ovl_undo_list(struct ovl_stack *stack, const char *journal_dir,
		  void (*entry)(void *ctx, const struct ovl_undo_entry *entry), void *ctx,
		  struct ovl_error *e);

#endif
