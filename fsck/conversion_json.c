/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The member of a JSON document that is about a conversion.
 */
#include <errno.h>

#include "cleanup.h"
#include "conversion.h"
#include "json.h"

static const char *obstacle_name(enum ovl_obstacle obstacle)
{
	switch (obstacle) {
	case OVL_OBSTACLE_ERRORS:
		return "errors";
	case OVL_OBSTACLE_LOSS:
		return "loss";
	case OVL_OBSTACLE_NONE:
	default:
		return NULL;
	}
}

static void add_kinds(struct ovl_json *o, const struct ovl_conversion_sum *sum)
{
	struct json_object *list = json_object_new_array();
	int id;

	for (id = 0; list && id < OVL_P__MAX; id++) {
		struct ovl_json kind;

		if (!sum->kind[id].done && !sum->kind[id].left)
			continue;
		kind = ovl_json_object();
		ovl_json_add_id(&kind, ovl_problem_get((enum ovl_problem_id)id));
		ovl_json_add_number(&kind, "converted", sum->kind[id].done);
		ovl_json_add_number(&kind, "left", sum->kind[id].left);
		if (kind.failed || json_object_array_add(list, kind.json) < 0) {
			ovl_json_drop(&kind);
			o->failed = true;
		}
	}
	ovl_json_add(o, "kinds", list);
}

static void add_estimate(struct ovl_json *o, const struct ovl_conversion *c)
{
	const struct ovl_estimate *x = &c->estimate;
	struct ovl_json space = ovl_json_object();

	ovl_json_add_number(&space, "bytes", x->bytes);
	ovl_json_add_number(&space, "shared_bytes", x->shared);
	ovl_json_add_number(&space, "inodes", x->inodes);
	ovl_json_add_number(&space, "free_bytes", x->free_bytes);
	if (x->free_inodes == UINT64_MAX)
		ovl_json_add_null(&space, "free_inodes");
	else
		ovl_json_add_number(&space, "free_inodes", x->free_inodes);
	ovl_json_add_bool(&space, "enough", !c->lacks_space);
	if (space.failed)
		ovl_json_drop(&space);
	ovl_json_add(o, "space", space.json);
}

int ovl_conversion_json(struct ovl_reporting *r, const struct ovl_summary *s)
{
	_cleanup_(ovl_conversion_sum_done) struct ovl_conversion_sum sum = { 0 };
	_cleanup_(ovl_json_drop) struct ovl_json o = ovl_json_object();
	int e;

	if (!r->profile || s->cancelled)
		return 0;
	e = ovl_conversion_sum(r, s, &sum);
	if (e < 0)
		return e;
	ovl_json_add_text(&o, "target", sum.target);
	ovl_json_add_text(&o, "obstacle", obstacle_name(sum.obstacle));
	add_kinds(&o, &sum);
	if (s->conversion || s->preview)
		add_estimate(&o, s->conversion ? s->conversion : s->preview);
	else
		ovl_json_add_null(&o, "space");
	ovl_json_add_bool(&o, "compared", s->conversion && s->conversion->compared);
	ovl_json_add_number(&o, "differing", s->conversion ? s->conversion->n_differ : 0);
	if (s->conversion && s->conversion->differs)
		ovl_json_add_name(&o, "differs", "differs_hex", s->conversion->differs);
	else
		ovl_json_add_null(&o, "differs");
	if (sum.options)
		ovl_json_add_name(&o, "mount_options", "mount_options_hex", sum.options);
	else
		ovl_json_add_null(&o, "mount_options");
	return ovl_json_print_member(r->out, ",\n", "conversion", &o);
}
