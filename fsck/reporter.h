/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A form of report: text for people, or JSON for programs.
 *
 * A reporter is a table of functions; what they need to know is in a struct ovl_reporting, which
 * they all get. A check calls begin(), finding() for each finding that is to be shown, and end(); a
 * report is written as it goes, never held in memory. The other functions each write a whole
 * document. All return 0, or -ENOMEM; errors of the stream stay in the stream.
 */
#ifndef FSCK_REPORTER_H
#define FSCK_REPORTER_H

#include "overlayfs/check.h"
#include "overlayfs/inspect.h"
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
	const char *users;             /* who uses the layers, one a line; NULL: nobody known */

	/* Kept by the reporter between its functions. */
	bool some;                  /* a finding was written */
	bool explained[OVL_P__MAX]; /* the effect of this problem was written */
};

/** How a check went. */
struct ovl_summary {
	const struct ovl_report *report;
	const struct ovl_counts *counts;
	struct ovl_tally tally;
	double seconds;
	double pass_seconds[OVL_PASS__MAX]; /* by enum ovl_pass */
	bool cancelled;
	int exit_code;
};

struct ovl_reporter {
	/** begin - the check begins */
	int (*begin)(struct ovl_reporting *r);
	/** finding - one finding; @severity is what the user wishes it to be */
	int (*finding)(struct ovl_reporting *r, const struct ovl_finding *f,
		       enum ovl_severity severity);
	/** end - the check has ended */
	int (*end)(struct ovl_reporting *r, const struct ovl_summary *s);
	/** explain - all about one problem */
	int (*explain)(struct ovl_reporting *r, enum ovl_problem_id id);
	/** list - all problems, briefly */
	int (*list)(struct ovl_reporting *r);
	/** inspection - why the overlay shows @path as it does */
	int (*inspection)(struct ovl_reporting *r, const char *path,
			  const struct ovl_inspection *inspection);
	/** failure - nothing of the above was possible; stderr has been told already */
	int (*failure)(struct ovl_reporting *r, const char *text, int exit_code);
};

extern const struct ovl_reporter ovl_report_text;
extern const struct ovl_reporter ovl_report_json;

#endif
