/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The transaction: carries a plan out, so that it can be interrupted anywhere.
 *
 * Steps are done in groups. Of each group: what it will do is written to the journal and made durable;
 * then it is done; then the layers are made durable; then the journal says so. After a crash what no
 * COMMIT stands behind is taken back. A step of which an operation fails is taken back at once, and the
 * others go on.
 */
#ifndef OVL_REPAIR_TX_H
#define OVL_REPAIR_TX_H

#include "repair/plan.h"
#include "repair/store.h"
#include "repair/trees.h"
#include "repair/undo.h"

/** What a step of a conversion counts for in progress, beside the bytes that it copies. */
enum { OVL_TX_STEP_WORK = 4096 };

struct ovl_tx {
	struct ovl_stack *stack;
	const struct ovl_policy *policy;
	struct ovl_store store;
	struct ovl_trees trees;
	bool open;        /* there is a journal, and the marker */
	unsigned threads; /* that carry steps out at once */
	struct ovl_recovered recovered;
	const struct ovl_check_options *options; /* cancelled() and progress(); NULL: neither */
	uint64_t work,
		done; /* of a conversion, in bytes: what it takes, what was done; for progress() */
};

/**
 * ovl_tx_begin - nothing is written, unless an earlier run was not finished
 * What that run had not committed is taken back, and its journal goes on as ours; an unfinished undo
 * is finished.
 * -EBUSY: the layers are in use, or another run is at work; others: why it is not possible to write.
 */
int ovl_tx_begin(struct ovl_tx *tx, struct ovl_stack *stack, const struct ovl_policy *policy,
		 struct ovl_error *e);

/**
 * ovl_tx_apply - carry out the steps of a plan that have a way; their fates are written
 * @report: of the check that it was made from
 * @from: number of the first step
 * Opens a journal when the first step needs one. 0; -ECANCELED between groups; what made the journal or
 * the layers fail: then fates of the last group are LEFT, and the next run takes it back.
 */
int ovl_tx_apply(struct ovl_tx *tx, const struct ovl_report *report, ovl_plan *plan, size_t from,
		 struct ovl_error *e);

/** ovl_tx_end - finish the journal, take the marker away, forget old journals; 0 or why not */
int ovl_tx_end(struct ovl_tx *tx, struct ovl_error *e);

void ovl_tx_done(struct ovl_tx *tx);

#endif
