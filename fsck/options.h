/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: argv to wishes.
 */
#ifndef FSCK_OPTIONS_H
#define FSCK_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "overlayfs/error.h"
#include "overlayfs/problem.h"
#include "overlayfs/repair.h"

/** What is to be done about problems; a mask, since a user may ask for several. */
enum {
	OVL_MODE_CHECK = 1 << 0, /* -n */
	OVL_MODE_PREEN = 1 << 1, /* -p, -a */
	OVL_MODE_YES = 1 << 2,   /* -y */
};

/** What is to be done at all. */
enum ovl_task {
	OVL_TASK_CHECK,     /* -n */
	OVL_TASK_REPAIR,    /* -p, -y, or ask */
	OVL_TASK_UNDO,      /* --undo[=ID] */
	OVL_TASK_LIST_UNDO, /* --list-undo */
	OVL_TASK_INSPECT,   /* --inspect=PATH */
	OVL_TASK_EXPLAIN,   /* --explain=PROBLEM */
	OVL_TASK_LIST,      /* --list-problems */
	OVL_TASK_VERSION,
	OVL_TASK_HELP,
};

enum ovl_color { OVL_COLOR_AUTO, OVL_COLOR_ALWAYS, OVL_COLOR_NEVER };

/** How severe the user wants a problem to be: problem.<slug>=... */
enum ovl_grade {
	OVL_GRADE_ROW, /* as its row says */
	OVL_GRADE_IGNORE,
	OVL_GRADE_INFO,
	OVL_GRADE_WARNING,
	OVL_GRADE_ERROR,
};

/**
 * All wishes of the command line. Zeroed = nothing was asked for. const strings are borrowed from
 * argv.
 */
struct ovl_options {
	enum ovl_task task;
	unsigned modes; /* OVL_MODE_*; OVL_TASK_REPAIR with none of them: ask */
	int argc;
	char *const *argv; /* all of it, borrowed */
	bool json;
	enum ovl_color color;
	unsigned verbosity; /* how many -v */
	unsigned timing;    /* how many -t */
	bool debug;
	bool progress;         /* -C was given, with: */
	int progress_fd;       /* as given: 0 a bar, negative: silent until SIGUSR1 */
	bool progress_console; /* a percentage on @progress_fd, as systemd shows it */
	unsigned threads;      /* 0: let the library choose */
	bool skip_clean_lowers;
	enum ovl_grade grade[OVL_P__MAX];
	enum ovl_lower_policy lower;
	unsigned keep_journals;       /* 0: let the library choose */
	const char *journal_dir;      /* NULL: the work directory */
	const char *to;               /* --to: a kernel; NULL: not given */
	struct ovl_kernel kernel;     /* the same */
	ovl_features dropped;         /* -O */
	bool all_layers, accept_loss; /* -E layers=all, -E accept-loss */
	bool all;                     /* -A */
	bool boot;                    /* --boot */
	bool boot_end;                /* --boot=end */
	bool has_interval;            /* -E check-interval was given, with: */
	unsigned interval;            /* days; 0: never */
	bool undo, list_undo;
	const char *undo_id; /* NULL: the newest */
	char *fstab;         /* NULL: the usual one */
	const char *inspect; /* a path in the overlay */
	const char *explain; /* a slug */
	const char **word;   /* the operands of -o, in order */
	size_t n_word;
	const char **operand;
	size_t n_operand;
};

/**
 * ovl_options_parse - read the command line
 * @o: zeroed; ovl_options_done() it, also after a failure
 * @e: which option is wrong, and why
 *
 * Options may stand before and after operands, whatever POSIXLY_CORRECT says: xfstests and mount
 * put -o anywhere. Returns 0, -EINVAL for a command line that makes no sense, or -ENOMEM.
 */
int ovl_options_parse(struct ovl_options *o, int argc, char **argv, struct ovl_error *e);

/** ovl_options_done - free and empty; NULL is fine */
void ovl_options_done(struct ovl_options *o);

/** ovl_options_usage - the text of --help */
void ovl_options_usage(FILE *out);

#endif
