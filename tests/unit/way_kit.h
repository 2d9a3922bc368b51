/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of planners share: a fixer on a small stack, and its way there and back.
 */
#ifndef TESTS_UNIT_WAY_KIT_H
#define TESTS_UNIT_WAY_KIT_H

#include "repair/plan.h"
#include "unit/repair_kit.h"

static struct ovl_facts way_facts;
static struct ovl_way way_way;
static uint64_t way_number;
static struct ovl_fixer way_fx;

/* To be called when the layers are made, of which there are @n lower ones. */
static inline void way_open(unsigned n)
{
	ck_assert_int_eq(tree_open(&kit_stack, n, "index=on", NULL), 0);
	ovl_trees_init(&kit_trees, kit_stack.stack);
	kit_trees.store = open(REPAIR_STORE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(kit_trees.store, 0);
	ck_assert_int_eq(ovl_facts_init(&way_facts), 0);
	way_number = 0;
	way_fx = (struct ovl_fixer){ .stack = kit_stack.stack,
				     .facts = &way_facts,
				     .number = &way_number,
				     .way = &way_way };
}

static inline void way_setup(void)
{
	tree_clear();
	tree_layers(3);
	tree_dir(REPAIR_STORE "/saved");
	tree_dir(REPAIR_STORE "/stage");
	ck_assert_int_eq(chmod(REPAIR_STORE "/stage", 0700), 0);
}

static inline void way_teardown(void)
{
	ovl_way_done(&way_way);
	ovl_fixer_done(&way_fx);
	way_fx = (struct ovl_fixer){ 0 };
	ovl_facts_done(&way_facts);
	kit_teardown();
}

static inline struct ovl_path *way_path(const char *text)
{
	struct ovl_path *path;

	ck_assert_int_eq(ovl_path_parse(text, &path), 0);
	return path;
}

/* As the transaction does it. */
static inline int way_prepare(void)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < way_way.ops.len; i++)
		if (way_way.ops.data[i].make != OVL_MAKE_NONE)
			r = ovl_stage_make(&kit_trees, &way_way.ops.data[i]);
	for (size_t i = 0; r == 0 && i < way_way.ops.len; i++)
		r = kit_prepare(&way_way.ops.data[i]);
	return r;
}

static inline void way_do(void)
{
	ck_assert_int_eq(way_prepare(), 0);
	for (size_t i = 0; i < way_way.ops.len; i++)
		ck_assert_int_eq(kit_do(&way_way.ops.data[i]), 0);
}

/* All of it; the first error. */
static inline int way_undo(bool recorded)
{
	int first = 0;

	for (size_t i = way_way.ops.len; i-- > 0;) {
		int r = kit_undo(&way_way.ops.data[i], recorded);

		if (first == 0)
			first = r;
	}
	return first;
}

#endif
