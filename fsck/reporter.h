/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A form of report: text for people, or JSON for programs.
 *
 * A reporter is a table of functions; what they need to know is in a struct ovl_reporting, which
 * they all get. A check or a repair calls begin(), finding() for each finding that is to be shown, and
 * end(); an undo and a list of journals have functions of their own behind begin(). A report is written
 * as it goes, never held in memory. The other functions each write a whole document. All return 0, or -ENOMEM; errors of the stream stay in the stream.
 */
#ifndef FSCK_REPORTER_H
#define FSCK_REPORTER_H

#include "overlayfs/check.h"
#include "overlayfs/inspect.h"
#include "overlayfs/repair.h"
#include "overlayfs/stack.h"
#include "options.h"
#include "tally.h"

struct ovl_reporter;

/** What every function of a reporter may look at. All borrowed. */
struct ovl_reporting {
	const struct ovl_reporter *form;
	FILE *out;
	bool color;
	const struct ovl_options *options;
	const char *label;             /* the overlay's name, raw bytes; NULL before it is known */
	const struct ovl_stack *stack; /* NULL before it is open */
	const struct ovl_profile *profile; /* what is converted for; NULL: nothing */
	const char *users;                 /* who uses the layers, one a line; NULL: nobody known */

	bool of_many; /* with -A: this is one of several overlays, or their frame */
	unsigned nth; /* and this many were before it */
	bool nofail;  /* and it is left out if its layers are not there */

	const char *extent; /* with --boot: "quick", "whole" or "no" check; else NULL */
	const char *why;    /* and the reason, one word */
	struct ovl_reporting
		*copy; /* another report of the same, NULL: none; see ovl_reporter_copy() */
	struct ovl_tally tally; /* the numbers of the last check or repair */

	/* Kept by the reporter between its functions. */
	bool some;                  /* an item of the list was written */
	bool explained[OVL_P__MAX]; /* the effect of this problem was written */
};

/** How a check or a repair went. */
struct ovl_summary {
	const struct ovl_results *results;
	const struct ovl_counts *counts;
	struct ovl_tally tally;
	double seconds;
	double pass_seconds[OVL_PASS__MAX]; /* by enum ovl_pass */
	bool cancelled;
	bool quick;          /* the trees were not walked */
	const char *journal; /* id of what can take the repairs back; NULL: nothing was written */
	const struct ovl_conversion *conversion; /* of a repair; NULL of a check */
	const struct ovl_conversion *preview;    /* of a check: what it would take */
	uint64_t recovered;   /* steps of an unfinished earlier run that were taken back */
	uint64_t unrecovered; /* and that were not */
	int exit_code;
};

/** How --undo went. */
struct ovl_undo_summary {
	uint64_t taken_back; /* steps; with -n, those that would be */
	uint64_t left;
	bool cancelled;
	int exit_code;
};

/** What the list of a document holds. */
enum ovl_list { OVL_LIST_PROBLEMS, OVL_LIST_STEPS, OVL_LIST_JOURNALS };

struct ovl_reporter {
	/** begin - something about the layers is going to be told */
	int (*begin)(struct ovl_reporting *r, enum ovl_list list);
	/** finding - one finding and its fate; @severity is what the user wishes it to be */
	int (*finding)(struct ovl_reporting *r, const struct ovl_result *result,
		       enum ovl_severity severity);
	/** end - the check, and the repair, have ended */
	int (*end)(struct ovl_reporting *r, const struct ovl_summary *s);
	/** step - one step that was taken back, or would be */
	int (*step)(struct ovl_reporting *r, const struct ovl_undo_step *step);
	/** steps_end - the undo has ended */
	int (*steps_end)(struct ovl_reporting *r, const struct ovl_undo_summary *s);
	/** journal - one journal that could be taken back */
	int (*journal)(struct ovl_reporting *r, const struct ovl_undo_entry *entry);
	/** journals_end - these were all journals */
	int (*journals_end)(struct ovl_reporting *r);
	/** explain - all about one problem */
	int (*explain)(struct ovl_reporting *r, enum ovl_problem_id id);
	/** list - all problems, briefly */
	int (*list)(struct ovl_reporting *r);
	/** inspection - why the overlay shows @path as it does */
	int (*inspection)(struct ovl_reporting *r, const char *path,
			  const struct ovl_inspection *inspection);
	/** all_begin - several overlays follow, with begin() to end() or failure() or skipped() each */
	void (*all_begin)(struct ovl_reporting *r);
	/** skipped - this one is left out, and that is no failure; @why: "mounted", "declined",
	 * "unwanted" or "clean" */
	int (*skipped)(struct ovl_reporting *r, const char *why);
	/** all_end - these were all */
	void (*all_end)(struct ovl_reporting *r, int exit_code);
	/** failure - nothing of the above was possible; stderr has been told already */
	int (*failure)(struct ovl_reporting *r, const char *text, int exit_code);
};

/**
 * ovl_reporter_fail - nothing (more) can be done: say why, on stderr and in the document
 * @error: negative errno; @e: what is known about it
 *
 * To be called before begin() only. Returns the exit code; of one of many overlays never that of a
 * command line that makes no sense.
 */
int ovl_reporter_fail(struct ovl_reporting *r, int error, const struct ovl_error *e);

/** ovl_reporter_skip - nothing is to be done, and that is no failure; @why: see skipped(). An exit code */
int ovl_reporter_skip(struct ovl_reporting *r, const char *why);

/** ovl_reporter_copy - the copy, about the same overlay as @r is about now; NULL: there is none */
struct ovl_reporting *ovl_reporter_copy(const struct ovl_reporting *r);

/** ovl_reporter_fail_journal - the same; a journal that makes no sense is no fault of the command line */
int ovl_reporter_fail_journal(struct ovl_reporting *r, int error, const struct ovl_error *e);

/** ovl_reporter_undo_why - why a step could not be taken back */
const char *ovl_reporter_undo_why(const struct ovl_undo_step *step);

extern const struct ovl_reporter ovl_report_text;
extern const struct ovl_reporter ovl_report_json;

#endif
