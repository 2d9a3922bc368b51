/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the plans of one run have in common.
 */
#include "repair/plan.h"
#include "repair/tree.h"

#include "base/banned.h"

void ovl_plan_forget(struct ovl_plan_memory *memory)
{
	struct ovl_key key;
	uint64_t value;
	size_t pos = 0;

	while (ovl_map_next(&memory->copied, &pos, &key, &value))
		ovl_path_unref((struct ovl_path *)(uintptr_t)value);
	pos = 0;
	while (ovl_map_next(&memory->trees, &pos, &key, &value))
		ovl_tree_links_unref((struct ovl_tree_links *)(uintptr_t)value);
	ovl_map_done(&memory->trees);
	ovl_map_done(&memory->twins.copy);
	ovl_vec_done(&memory->twins.of);
	ovl_map_done(&memory->copied);
	ovl_map_done(&memory->declined);
	ovl_map_done(&memory->agreed);
}

void ovl_plan_forget_facts(struct ovl_plan_memory *memory)
{
	struct ovl_key key;
	uint64_t value;
	size_t pos = 0;

	while (ovl_map_next(&memory->trees, &pos, &key, &value))
		(void)ovl_tree_links_see((struct ovl_tree_links *)(uintptr_t)value, NULL);
}
