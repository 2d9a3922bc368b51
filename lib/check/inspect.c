/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why the overlay shows a path as it does.
 *
 *   walk_path()   looks the names up one by one; of the last one, or of the first that does not
 *                 lead on, every place that the lookup saw is kept
 *   explain()     what these have to do with the result
 *   then inspect_place.c looks where the lookup did not: hidden objects, data, index
 *   conclude()    the result in words
 *
 * Kernel: fs/overlayfs/namei.c, ovl_lookup(), by way of stack/lookup.h.
 */
#include "overlayfs/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/inspect_state.h"

#include "base/banned.h"

/* ---- Down to the last name ---- */

/* Of several steps in one layer, along a path with several names, the last one counts. */
static void keep_step(void *ctx, const struct ovl_step *step)
{
	struct ovl_inspect *in = ctx;
	struct ovl_inspect_memory *m = in->memory;
	struct ovl_inspect_item *item;

	if (m->item.len > 0 && m->item.data[m->item.len - 1].loc.layer == step->layer)
		ovl_inspect_item_drop_last(m);
	if (ovl_inspect_item_add(m, step->layer, step->path, step->obs, &item) < 0) {
		in->failed = true;
		return;
	}
	item->asked = true;
	item->used = step->used;
	item->stop = step->stop;
}

/* The layers that dropped out further up go on by name: nobody redirects there. */
static int extend_dropped(struct ovl_inspect *in)
{
	for (size_t i = 0; i < in->stack->n_layer; i++) {
		struct ovl_path *child;

		if (!in->drop[i].why)
			continue;
		child = ovl_path_new(in->drop[i].path, in->path->name, in->path->len);
		if (!child)
			return -ENOMEM;
		ovl_path_unref(in->drop[i].path);
		in->drop[i].path = child;
	}
	return 0;
}

/* Layers of the parent that were not asked drop out here, with all that is below the name. */
static int note_dropped(struct ovl_inspect *in)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->parent->n_lower; i++) {
		const struct ovl_dir *dir = in->parent->lower[i];
		struct ovl_inspect_drop *drop = &in->drop[dir->layer];

		if (ovl_inspect_place_asked(in, dir->layer))
			continue;
		r = ovl_inspect_place_stopper(in, dir->layer, &drop->why);
		if (r == 0 && drop->why)
			r = ovl_inspect_place_next(in, dir, &drop->path);
	}
	return r;
}

static void forget_dropped(struct ovl_inspect_drop *drop)
{
	free(drop->why);
	ovl_path_unref(drop->path);
	*drop = (struct ovl_inspect_drop){ 0 };
}

/* Goes on with the directory that was found. An absolute redirect may bring a layer back into play. */
static int enter(struct ovl_inspect *in)
{
	struct ovl_entry *next;
	int r = note_dropped(in);

	if (r == 0)
		r = ovl_lookup_entry(in->stack, in->parent, &in->hit, &next);
	if (r < 0)
		return r;
	ovl_entry_unref(in->parent);
	in->parent = next;
	for (size_t i = 0; i < next->n_lower; i++)
		forget_dropped(&in->drop[next->lower[i]->layer]);
	return 0;
}

static int walk_path(struct ovl_inspect *in, const struct ovl_path **names, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0; i++) {
		ovl_inspect_item_clear(in->memory);
		ovl_hit_done(&in->hit);
		in->path = names[i];
		r = ovl_lookup(in->stack, in->parent, in->path->name, keep_step, in, &in->hit);
		if (r == 0)
			r = in->failed ? -ENOMEM : extend_dropped(in);
		in->is_last = i == n - 1;
		if (r < 0 || in->is_last || in->hit.result < 0 || !in->hit.is_dir)
			break;
		r = enter(in);
	}
	return r;
}

/* ---- What was seen ---- */

static bool is_in_hit(const struct ovl_hit *hit, int layer)
{
	if (layer == OVL_LAYER_UPPER)
		return hit->has_upper;
	for (size_t i = 0; i < hit->n_lower; i++)
		if (hit->lower[i].layer == layer)
			return true;
	return false;
}

static int explain_place(const struct ovl_hit *hit, struct ovl_inspect_item *item)
{
	if (!item->present)
		return 0;
	if (item->obs.kind == OVL_KIND_WHITEOUT || item->obs.kind == OVL_KIND_XWHITEOUT)
		return ovl_inspect_item_say(item, "says that the name is deleted");
	if (!item->used) {
		item->part |= OVL_PART_HIDDEN;
		return ovl_inspect_item_say(
			item, hit->is_dir ? "cannot be merged with the directory above" :
					    "cannot have the data of the file above");
	}
	if (hit->result < 0)
		item->part |= OVL_PART_HIDDEN;
	else if (hit->is_dir)
		item->part |= OVL_PART_MERGED;
	return 0;
}

/* What gives neither metadata nor data, now that both are found, has led to the data. */
static int explain_chain(struct ovl_inspect *in)
{
	struct ovl_inspect_memory *m = in->memory;
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->item.len; i++)
		if (m->item.data[i].present && m->item.data[i].used && !m->item.data[i].part)
			r = ovl_inspect_item_say(&m->item.data[i],
						 "a metacopy file on the way to the data");
	return r;
}

static int explain(struct ovl_inspect *in)
{
	struct ovl_inspect_memory *m = in->memory;
	bool on_top = in->hit.result == 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->item.len; i++) {
		struct ovl_inspect_item *item = &m->item.data[i];

		r = explain_place(&in->hit, item);
		if (on_top && item->used && is_in_hit(&in->hit, item->loc.layer)) {
			item->part |= OVL_PART_METADATA;
			on_top = false;
		}
	}
	return r;
}

/* The object that made the lookup fail was not told as a step. */
static int add_culprit(struct ovl_inspect *in)
{
	const struct ovl_found *at = &in->hit.culprit;
	struct ovl_inspect_item *item;
	int r;

	if (in->hit.result == 0 || in->hit.result == -ENOENT || at->layer < 0 || !at->path ||
	    ovl_inspect_item_find(in->memory, at->layer, at->path))
		return 0;
	r = ovl_inspect_place_add(in, at->layer, at->path, &item);
	if (r > 0)
		item->part |= OVL_PART_HIDDEN;
	return r < 0 ? r : 0;
}

/* The root is not looked up: it is made of all roots. */
static int add_roots(struct ovl_inspect *in)
{
	struct ovl_inspect_item *item;
	int first = in->stack->has_upper ? OVL_LAYER_UPPER : 1, r = 0;

	for (int n = first; r >= 0 && n <= (int)in->stack->n_lower; n++) {
		r = ovl_inspect_place_add(in, n, NULL, &item);
		if (r > 0)
			item->part |= OVL_PART_MERGED | (n == first ? OVL_PART_METADATA : 0);
	}
	return r < 0 ? r : 0;
}

/* ---- The result in words ---- */

static int add_place(struct ovl_inspect *in, struct ovl_buf *text, const char *then)
{
	const struct ovl_found *at = &in->hit.culprit;
	_cleanup_free_ char *place =
		ovl_stack_place(in->stack, (struct ovl_loc){ at->layer, at->path });
	int r = place ? ovl_buf_adds(text, place) : -ENOMEM;

	return r < 0 ? r : ovl_buf_adds(text, then);
}

static int add_lacking(struct ovl_inspect *in, struct ovl_buf *text)
{
	int r = ovl_buf_adds(text, "it is a metacopy file, and no layer has its data");

	if (r == 0 && in->hit.redirect)
		r = ovl_buf_adds(text, " at ");
	if (r == 0 && in->hit.redirect)
		r = ovl_buf_add_escaped(text, in->hit.redirect, strlen(in->hit.redirect));
	return r;
}

static bool has_hidden(const struct ovl_inspect_memory *m)
{
	for (size_t i = 0; i < m->item.len; i++)
		if (m->item.data[i].part & OVL_PART_HIDDEN)
			return true;
	return false;
}

static int add_why(struct ovl_inspect *in, struct ovl_buf *text)
{
	switch (in->hit.why) {
	case OVL_WHY_ABSENT:
		return ovl_buf_adds(text, has_hidden(in->memory) ? "what is there is hidden" :
								   "no layer has it");
	case OVL_WHY_WHITEOUT:
		return add_place(in, text, " says that it is deleted");
	case OVL_WHY_NO_LOWERDATA:
		return add_lacking(in, text);
	case OVL_WHY_METACOPY_OFF:
		return ovl_buf_adds(text,
				    "it is a metacopy file, and the options say metacopy=off");
	case OVL_WHY_NOFOLLOW:
		return ovl_buf_adds(text, "it has a redirect, and the options say "
					  "redirect_dir=nofollow");
	case OVL_WHY_BAD_REDIRECT:
		return add_place(in, text, " has a malformed redirect");
	case OVL_WHY_DOTDOT:
		return ovl_buf_adds(text, "its redirect has \".\" or \"..\" in it");
	case OVL_WHY_BAD_METACOPY:
		return add_place(in, text, " has a malformed metacopy");
	case OVL_WHY_LAYER_ROOT:
		return add_place(in, text, " is the root of another layer");
	case OVL_WHY_UNREADABLE:
		return add_place(in, text, " cannot be read");
	case OVL_WHY_NONE:
	case OVL_WHY__MAX:
	default:
		return 0;
	}
}

/* If it ended before the last name, that place in the overlay comes first. */
static int conclude(struct ovl_inspect *in)
{
	_cleanup_(ovl_buf_done) struct ovl_buf text = { 0 };
	bool bad_index = in->hit.result < 0 && in->hit.why == OVL_WHY_NONE;
	int r = 0;

	if (!in->is_last) {
		r = ovl_path_add_escaped(&text, in->path);
		if (r == 0)
			r = ovl_buf_adds(&text, in->hit.result == 0 ? " is not a directory" : ": ");
		if (in->hit.result == 0)
			in->hit.result = -ENOTDIR;
	}
	if (r == 0 && in->hit.result < 0)
		r = bad_index ? ovl_buf_adds(&text, "its entry in the index does not fit") :
				add_why(in, &text);
	if (r == 0)
		in->memory->result_why = ovl_buf_take(&text);
	return r == 0 && in->memory->result_why ? 0 : -ENOMEM;
}

/* ---- All together ---- */

static int inspect_path(struct ovl_inspect *in, const struct ovl_path *path)
{
	_cleanup_free_ const struct ovl_path **names = NULL;
	long n = ovl_path_names(path, &names);
	int r;

	if (n < 0)
		return (int)n;
	in->is_last = true;
	if (n == 0) {
		r = add_roots(in);
		return r < 0 ? r : conclude(in);
	}
	r = walk_path(in, names, (size_t)n);
	if (r == 0)
		r = add_culprit(in);
	if (r == 0)
		r = explain(in);
	if (r == 0)
		r = ovl_inspect_place_hidden(in);
	if (r == 0)
		r = ovl_inspect_place_data(in);
	if (r == 0)
		r = ovl_inspect_place_index(in);
	if (r == 0)
		r = explain_chain(in);
	return r < 0 ? r : conclude(in);
}

/* Layers from the top, then what is no layer. */
static int compare_places(const void *pa, const void *pb)
{
	const struct ovl_inspect_layer *a = pa, *b = pb;
	int la = a->loc.layer < 0 ? OVL_MAX_LAYERS + 1 : a->loc.layer;
	int lb = b->loc.layer < 0 ? OVL_MAX_LAYERS + 1 : b->loc.layer;

	if (la != lb)
		return la < lb ? -1 : 1;
	return ovl_path_compare(a->loc.path, b->loc.path);
}

static int publish(struct ovl_inspect_memory *m, int result, struct ovl_inspection *ret)
{
	size_t n = m->item.len;

	m->layer = calloc(n ? n : 1, sizeof(*m->layer));
	if (!m->layer)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct ovl_inspect_item *item = &m->item.data[i];

		m->layer[i] = (struct ovl_inspect_layer){ .loc = item->loc,
							  .present = item->present,
							  .obs = item->obs,
							  .part = item->part,
							  .xattr = item->xattr.data,
							  .n_xattr = item->xattr.len,
							  .why = item->why ? item->why : "" };
	}
	qsort(m->layer, n, sizeof(*m->layer), compare_places);
	*ret = (struct ovl_inspection){
		.result = result, .result_why = m->result_why, .layer = m->layer, .n_layer = n
	};
	return 0;
}

static void inspect_done(struct ovl_inspect *in)
{
	for (size_t i = 0; in->drop && i < in->stack->n_layer; i++)
		forget_dropped(&in->drop[i]);
	free(in->drop);
	ovl_entry_unref(in->parent);
	ovl_hit_done(&in->hit);
	ovl_obs_scratch_done(&in->scratch);
}

static bool has_dots(const struct ovl_path *path)
{
	for (; path; path = path->parent)
		if (strcmp(path->name, ".") == 0 || strcmp(path->name, "..") == 0)
			return true;
	return false;
}

static int inspect(struct ovl_stack *stack, const struct ovl_path *path,
		   struct ovl_inspect_memory *m, struct ovl_inspection *ret)
{
	_cleanup_(inspect_done) struct ovl_inspect in = { .stack = stack, .memory = m };
	int r = 0;

	in.drop = calloc(stack->n_layer, sizeof(*in.drop));
	in.parent = ovl_lookup_root(stack, OVL_LAYER_UPPER);
	if (!in.drop || !in.parent)
		return -ENOMEM;
	r = inspect_path(&in, path);
	if (r == 0)
		r = ovl_inspect_xattr_decode(stack, m);
	if (r == 0)
		r = publish(m, in.hit.result, ret);
	return r;
}

int ovl_inspect(struct ovl_stack *stack, const char *path, struct ovl_inspection *ret,
		struct ovl_inspect_memory **ret_memory, struct ovl_error *e)
{
	struct ovl_inspect_memory *m;
	struct ovl_path *parsed;
	int r = ovl_path_parse(path, &parsed);

	if (r < 0)
		return ovl_fail(e, r, "inspect");
	if (has_dots(parsed)) {
		ovl_path_unref(parsed);
		return ovl_fail_plain(e, -EINVAL,
				      "a path in the overlay cannot have \".\" or \"..\" in it");
	}
	m = calloc(1, sizeof(*m));
	r = m ? inspect(stack, parsed, m, ret) : -ENOMEM;
	ovl_path_unref(parsed);
	if (r < 0) {
		ovl_inspect_free(m);
		return ovl_fail(e, r, "inspect");
	}
	*ret_memory = m;
	return 0;
}

void ovl_inspect_free(struct ovl_inspect_memory *memory)
{
	if (!memory)
		return;
	ovl_inspect_item_clear(memory);
	ovl_vec_done(&memory->item);
	free(memory->layer);
	free(memory->result_why);
	free(memory);
}
