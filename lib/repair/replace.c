/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion of metacopy files: in place, or where that would change a file outside of the layer, by
 * another inode that takes its place.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "repair/plan.h"
#include "repair/trees.h"

#include "base/banned.h"

/* The new inode, and under which number it is in stage/. */
static int add_twin(struct ovl_fixer *fx, struct ovl_loc file, uint64_t ino, struct ovl_loc data,
		    uint64_t number, struct ovl_loc to)
{
	struct ovl_op op = { .type = OVL_OP_MOVE, .make = OVL_MAKE_TWIN, .source_ino = ino };
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, data, &obs);

	op.data_ino = r == 0 ? obs.stat.ino : 0;
	op.cost = r == 0 ? obs.stat.blocks * 512 : 0;
	if (r == 0)
		r = ovl_place_store(&op.at, "stage", number);
	if (r == 0)
		r = ovl_place_set(&op.source, file);
	if (r == 0)
		r = ovl_place_set(&op.data, data);
	if (r == 0)
		r = ovl_place_set(&op.to, to);
	return ovl_way_add(fx, &op, r);
}

static int add_name(struct ovl_fixer *fx, uint64_t twin, struct ovl_loc to)
{
	struct ovl_op op = { .type = OVL_OP_MOVE, .make = OVL_MAKE_LINK };
	int r = ovl_place_store(&op.at, "stage", ovl_fixer_number(fx));

	if (r == 0)
		r = ovl_place_store(&op.source, "stage", twin);
	if (r == 0)
		r = ovl_place_set(&op.to, to);
	return ovl_way_add(fx, &op, r);
}

int ovl_way_replace(struct ovl_fixer *fx, struct ovl_loc file, struct ovl_loc data)
{
	const int layer = file.layer == OVL_LAYER_INDEX ? OVL_LAYER_UPPER : file.layer;
	const uint64_t number = ovl_fixer_number(fx);
	const struct ovl_linked_name *name;
	struct ovl_obs obs;
	uint64_t ino;
	long n;
	int r = ovl_fixer_observe(fx, file, &obs);

	if (r < 0)
		return r;
	ino = obs.stat.ino;
	n = ovl_linked_names(&fx->linked, fx->stack, layer, ino, &name);
	if (n < 0)
		return (int)n;
	if (n == 0)
		return ovl_way_refuse(fx, "it has changed since it was checked");
	for (long i = 0; r == 0 && i < n; i++) {
		r = ovl_way_set_aside(fx, name[i].loc);
		if (r == 0)
			r = i == 0 ? add_twin(fx, file, ino, data, number, name[i].loc) :
				     add_name(fx, number, name[i].loc);
	}
	return r < 0 ? r : 1;
}

/* By its inode the index knows what a lower file was copied up to. 1, 0 or negative errno. */
static int is_indexed(struct ovl_fixer *fx, struct ovl_loc file)
{
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, file, &obs);

	if (r < 0)
		return r;
	if (!fx->facts->index_judged) /* then what is in it is not known */
		return fx->stack->index.root.fd >= 0;
	return ovl_map_get(&fx->facts->index_lower,
			   (struct ovl_key){ obs.stat.dev, obs.stat.ino }) != NULL;
}

int ovl_way_complete(struct ovl_fixer *fx, struct ovl_loc file, struct ovl_loc data)
{
	int r = ovl_fixer_names(fx, file);

	if (r == 0 && file.layer > OVL_LAYER_UPPER) {
		r = is_indexed(fx, file);
		if (r != 0)
			return r < 0 ? r :
				       ovl_way_refuse(fx,
						      "it has names outside of the layer, and the "
						      "index knows its inode: -E layers=upper "
						      "copies it up instead");
	}
	if (r == 0)
		return ovl_way_replace(fx, file, data);
	if (r > 0)
		r = ovl_way_fill(fx, file, data);
	if (r == 0)
		r = ovl_way_remove_xattr(fx, file, OVL_X_METACOPY);
	if (r == 0)
		r = ovl_way_remove_xattr(fx, file, OVL_X_REDIRECT);
	return r < 0 ? r : 1;
}
