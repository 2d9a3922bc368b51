/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts about the layers as a whole: who uses them, and which of them lie in others.
 *
 * Each layer is climbed once, from its root up to that of its file system, and whatever root of
 * another layer is met on the way is noted. Names play no part.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "check/engine.h"
#include "io/ancestors.h"

#include "base/banned.h"

struct climb {
	struct ovl_facts *facts;
	struct ovl_map roots; /* (device, inode) -> number of the layer + an offset */
	struct ovl_mounttable mounts;
	int inner; /* the layer that is climbed from */
};

/* Numbers of layers begin below zero. */
enum { OFFSET = -OVL_LAYER_NONE };

static void climb_done(struct climb *c)
{
	ovl_map_done(&c->roots);
	ovl_mounttable_done(&c->mounts);
}

static int note(struct climb *c, int outer, bool same)
{
	struct ovl_fact_inside fact = { .inner = c->inner, .outer = outer, .same = same };

	return ovl_vec_push(&c->facts->inside, fact);
}

static int add_root(struct climb *c, const struct ovl_layer *layer, int number)
{
	const struct ovl_stat *st = &layer->root.stat;
	uint64_t *value;
	int r;

	if (layer->root.fd < 0)
		return 0;
	r = ovl_map_put(&c->roots, (struct ovl_key){ st->dev, st->ino },
			(uint64_t)(number + OFFSET), &value);
	if (r != 0)
		return r < 0 ? r : 0;
	c->inner = number;
	return note(c, (int)*value - OFFSET, true);
}

/* Of a lower the nearest layer above it says enough: the kernel refuses at the first one it meets. */
static int met(void *ctx, uint64_t dev, uint64_t ino)
{
	struct climb *c = ctx;
	const uint64_t *value = ovl_map_get(&c->roots, (struct ovl_key){ dev, ino });
	int r;

	if (!value)
		return 0;
	r = note(c, (int)*value - OFFSET, false);
	return r < 0 ? r : c->inner > OVL_LAYER_UPPER;
}

static int climb(struct climb *c, const struct ovl_layer *layer, int number, struct ovl_sink *sink)
{
	const struct ovl_stat *st = &layer->root.stat;
	const uint64_t *value = ovl_map_get(&c->roots, (struct ovl_key){ st->dev, st->ino });
	int r;

	if (layer->root.fd < 0 || (value && *value != (uint64_t)(number + OFFSET)))
		return 0; /* the directory was given before, and is climbed from there */
	c->inner = number;
	r = ovl_ancestors_each(&c->mounts, &layer->root, met, c);
	if (r < 0 && r != -ENOMEM)
		return ovl_sink_unreadable(sink, (struct ovl_loc){ number, NULL },
					   "look at the directories above", r);
	return r < 0 ? r : 0;
}

static int collect_inside(struct ovl_run *run, struct ovl_sink *sink)
{
	_cleanup_(climb_done) struct climb c = { .facts = &run->facts };
	const struct ovl_stack *stack = run->stack;
	int r = ovl_mounttable_read(&c.mounts);

	if (r == -ENOMEM)
		return r;
	r = 0;
	/* In the order in which the kernel claims them: a lower that is the upper is the one too many. */
	for (size_t i = 0; r == 0 && i < stack->n_layer; i++) {
		r = add_root(&c, &stack->layer[i], (int)i);
		if (r == 0 && i == OVL_LAYER_UPPER && stack->has_upper)
			r = add_root(&c, &stack->work, OVL_LAYER_WORK);
	}
	for (size_t i = 0; r == 0 && i < stack->n_layer; i++)
		r = climb(&c, &stack->layer[i], (int)i, sink);
	if (r == 0 && stack->has_upper)
		r = climb(&c, &stack->work, OVL_LAYER_WORK, sink);
	return r;
}

int ovl_collect_layout(struct ovl_run *run, struct ovl_sink *sink)
{
	int r = ovl_users_find(run->stack, &run->facts.users);

	return r == -ENOMEM ? r : collect_inside(run, sink);
}
