/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rounds: check, plan, apply, and look again where that brings things to light.
 */
#ifndef OVL_REPAIR_ROUNDS_H
#define OVL_REPAIR_ROUNDS_H

#include "check/engine.h"
#include "repair/tx.h"

/** One look at the layers and what was done then. */
struct ovl_round {
	struct ovl_report *report;
	struct ovl_facts *facts; /* until the plan is carried out */
	ovl_plan plan;
};
typedef OVL_VEC(struct ovl_round) ovl_round_vec;

void ovl_round_done(struct ovl_round *round);

/** Why findings were left in earlier rounds. Zeroed: empty. */
struct ovl_reasons {
	struct ovl_map text; /* hash of a finding -> char *, owned */
};

void ovl_reasons_done(struct ovl_reasons *reasons);

/** What all rounds share. */
struct ovl_work {
	struct ovl_tx tx;
	const struct ovl_check_options *options;
	struct ovl_reasons reasons;
	struct ovl_plan_memory memory;
	bool quit;
};

/**
 * ovl_rounds - rounds of one phase, until nothing is left to do in it; added to @rounds
 * At least one look is taken. 0; -ECANCELED; what failed: see ovl_tx_apply().
 */
int ovl_rounds(struct ovl_work *w, enum ovl_phase phase, ovl_round_vec *rounds,
	       struct ovl_error *e);

#endif
