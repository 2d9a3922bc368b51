/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where check functions put what they found.
 *
 * Each thread has a sink of its own, so adding takes no lock; the sinks are joined and sorted by
 * place before anybody reads them, so the report is the same for any number of threads.
 */
#ifndef OVL_CHECK_FINDING_H
#define OVL_CHECK_FINDING_H

#include "base/buf.h"
#include "base/path.h"
#include "base/vec.h"
#include "overlayfs/check.h"

/** A finding as it is kept: the report hands it out as struct ovl_finding. */
struct ovl_finding_item {
	uint16_t problem;
	uint8_t severity;
	struct ovl_loc loc, other; /* paths are counted */
	char *found;               /* owned */
	char *expected;            /* owned; NULL for "" */
};

typedef OVL_VEC(struct ovl_finding_item) ovl_finding_vec;

struct ovl_sink {
	const struct ovl_stack *stack;
	ovl_finding_vec items;
	struct ovl_buf text;     /* for ovl_sink_text() */
	struct ovl_buf place[2]; /* for ovl_sink_place(), in turn */
	unsigned turn;
	struct ovl_counts counts; /* of this thread */
	int error;                /* -ENOMEM once it happened */
};

/**
 * ovl_sink_add - report a problem
 * @loc: the object that is wrong
 * @found: evidence, printable; copied
 * @expected: what should be there, printable, "" where it goes without saying; copied
 *
 * Returns 0 or -ENOMEM.
 */
int ovl_sink_add(struct ovl_sink *s, enum ovl_problem_id problem, struct ovl_loc loc,
		 const char *found, const char *expected);

/**
 * ovl_sink_add_about - the same, about a second place too, or milder than the row says
 * @severity: at most that of the row
 * @other: layer OVL_LAYER_NONE for none
 */
int ovl_sink_add_about(struct ovl_sink *s, enum ovl_problem_id problem, enum ovl_severity severity,
		       struct ovl_loc loc, struct ovl_loc other, const char *found,
		       const char *expected);

/**
 * ovl_sink_unreadable - the finding "unreadable": @what failed with @err at @loc
 * What is not there although it was a moment before (-ENOENT) has "changed" instead. 0 or -ENOMEM.
 */
int ovl_sink_unreadable(struct ovl_sink *s, struct ovl_loc loc, const char *what, int err);

/**
 * ovl_sink_text - format evidence; valid until the next call on this sink; never NULL
 *
 * Bytes from a layer must come through ovl_sink_place() or ovl_sink_quote(), which escape them.
 */
const char *ovl_sink_text(struct ovl_sink *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** ovl_sink_place - "upper:/a/b", escaped; valid until the next but one call of place or quote */
const char *ovl_sink_place(struct ovl_sink *s, struct ovl_loc loc);

/** ovl_sink_quote - bytes of a layer, escaped, cut after 200 bytes; valid like ovl_sink_place() */
const char *ovl_sink_quote(struct ovl_sink *s, struct ovl_bytes bytes);

/** ovl_sink_hex - bytes as hex, cut after 80 bytes; valid like ovl_sink_place() */
const char *ovl_sink_hex(struct ovl_sink *s, struct ovl_bytes bytes);

void ovl_sink_done(struct ovl_sink *s);

/** What one layer holds, once its walk is over. */
struct ovl_layer_counts {
	bool walked;
	struct ovl_counts counts;
};

/** ovl_counts_add - add what a thread or a layer counted; by_severity is of findings, and is not */
void ovl_counts_add(struct ovl_counts *sum, const struct ovl_counts *c);

/**
 * ovl_report_new - join sinks into a report
 * @sinks: their findings are moved out; the counts are added up
 * Sorts by layer, path, problem; a finding that was made twice is kept once, as the more serious one
 * if they differ in that. NULL: out of memory.
 */
struct ovl_report *ovl_report_new(struct ovl_sink *sinks, size_t n);

/** ovl_report_set_layers - tell what each layer holds; @layers: @n of them by number, taken */
void ovl_report_set_layers(struct ovl_report *report, struct ovl_layer_counts *layers, size_t n);

#endif
