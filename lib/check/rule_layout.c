/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the layers lie to each other: what a mount refuses, or what makes it show less.
 *
 * Kernel: fs/overlayfs/super.c, ovl_get_workdir(), ovl_workdir_ok(), ovl_get_layers() and
 * ovl_check_overlapping_layers(). Where the kernel refuses for one reason, only that one is told.
 */
#include <string.h>

#include "check/view.h"
#include "io/mountid.h"

#include "base/banned.h"

static struct ovl_loc root_of(int layer)
{
	return (struct ovl_loc){ layer, NULL };
}

static const char *quote_dir(struct ovl_sink *sink, int layer)
{
	const char *dir = ovl_stack_layer_dir(sink->stack, layer);

	return ovl_sink_quote(sink, (struct ovl_bytes){ (const unsigned char *)dir, strlen(dir) });
}

/* "/x/upper" lies in "/x", as it was given */
static int report(struct ovl_sink *sink, enum ovl_problem_id problem,
		  const struct ovl_fact_inside *fact, const char *expected)
{
	const char *inner = quote_dir(sink, fact->inner), *outer = quote_dir(sink, fact->outer);

	return ovl_sink_add_about(
		sink, problem, ovl_problem_get(problem)->severity, root_of(fact->inner),
		root_of(fact->outer),
		ovl_sink_text(sink, fact->same ? "%s is the same directory as %s" : "%s lies in %s",
			      inner, outer),
		expected);
}

/* 1, 0 or negative errno. */
static int on_same_mount(const struct ovl_stack *stack)
{
	return ovl_mountid_same(stack->layer[OVL_LAYER_UPPER].root.plain, stack->work.root.plain);
}

int ovl_check_layout_upper_work_same_mount(const struct ovl_view *v, struct ovl_sink *sink)
{
	const char *upper, *work;
	int r;

	if (!v->stack->has_upper)
		return 0;
	r = on_same_mount(v->stack);
	if (r < 0)
		return ovl_sink_unreadable(sink, root_of(OVL_LAYER_WORK), "look at the mount", r);
	if (r > 0)
		return 0;
	upper = quote_dir(sink, OVL_LAYER_UPPER);
	work = quote_dir(sink, OVL_LAYER_WORK);
	return ovl_sink_add_about(
		sink, OVL_P_LAYOUT_UPPER_WORK_SAME_MOUNT,
		ovl_problem_get(OVL_P_LAYOUT_UPPER_WORK_SAME_MOUNT)->severity,
		root_of(OVL_LAYER_WORK), root_of(OVL_LAYER_UPPER),
		ovl_sink_text(sink, "%s is on mount %llu, %s on mount %llu", upper,
			      (unsigned long long)v->stack->layer[OVL_LAYER_UPPER].root.mnt_id,
			      work, (unsigned long long)v->stack->work.root.mnt_id),
		"both on one mount");
}

static bool is_writable_layer(int layer)
{
	return layer == OVL_LAYER_UPPER || layer == OVL_LAYER_WORK;
}

int ovl_check_layout_upper_work_separate(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_facts *facts = v->facts;
	const struct ovl_fact_inside *fact;
	int r = 0;

	for (size_t i = 0; r == 0 && i < facts->inside.len; i++) {
		fact = &facts->inside.data[i];
		/* Two mounts: then that is what the kernel refuses. */
		if (is_writable_layer(fact->inner) && is_writable_layer(fact->outer) &&
		    on_same_mount(v->stack) > 0)
			r = report(sink, OVL_P_LAYOUT_UPPER_WORK_SEPARATE, fact,
				   "two directories, neither in the other");
	}
	return r;
}

int ovl_check_layout_overlap_lower(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_facts *facts = v->facts;
	const struct ovl_fact_inside *fact;
	int r = 0;

	for (size_t i = 0; r == 0 && i < facts->inside.len; i++) {
		fact = &facts->inside.data[i];
		if (fact->inner > OVL_LAYER_UPPER)
			r = report(sink, OVL_P_LAYOUT_OVERLAP_LOWER, fact,
				   "a directory apart from all other layers");
	}
	return r;
}

/* Only an ordinary lower is looked up name by name; in a data-only one nobody comes there. */
static bool is_ordinary_lower(const struct ovl_view *v, int layer)
{
	return layer > OVL_LAYER_UPPER && layer <= (int)v->stack->n_lower;
}

int ovl_check_layout_upper_in_lower(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_facts *facts = v->facts;
	const struct ovl_fact_inside *fact;
	int told = OVL_LAYER_NONE, r = 0;

	for (size_t i = 0; r == 0 && i < facts->inside.len; i++) {
		fact = &facts->inside.data[i];
		if (!is_writable_layer(fact->inner) || fact->inner == told ||
		    !is_ordinary_lower(v, fact->outer))
			continue;
		told = fact->inner; /* the facts of one layer stand together, the nearest first */
		r = report(sink, OVL_P_LAYOUT_UPPER_IN_LOWER, fact,
			   "a directory that no lower layer shows");
	}
	return r;
}
