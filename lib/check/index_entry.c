/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An entry of the index, as the kernel sees it at mount and at lookup.
 */
#include <errno.h>
#include <string.h>

#include "check/index_entry.h"

#include "base/banned.h"

/* Lookup looks for lower-case hex of the handle, and nothing behind it. */
static bool is_looked_for(const char *name, const struct ovl_fh *fh)
{
	for (const char *c = name; *c; c++)
		if (*c >= 'A' && *c <= 'F')
			return false;
	return strlen(name) == 2 * (size_t)fh->len;
}

void ovl_index_entry_decode(struct ovl_stack *stack, const char *name, struct ovl_fact_index *ret)
{
	unsigned char raw[128];
	struct ovl_origin origin;
	int len = ovl_fh_parse_name(name, raw);

	ret->state = OVL_ORIGIN_MALFORMED;
	if (len < 0)
		return;
	ovl_origin_decode(stack, (struct ovl_bytes){ raw, (size_t)len }, 1, (int)stack->n_lower,
			  true, &origin);
	if (origin.state >= OVL_ORIGIN_NO_LAYER && !is_looked_for(name, &origin.fh))
		return;
	ret->state = origin.state;
	ret->err = origin.err;
	if (origin.state == OVL_ORIGIN_FOUND) {
		ret->same_bytes = origin.same_bytes;
		ret->lower = (struct ovl_key){ origin.stat.dev, origin.stat.ino };
		ret->lower_nlink = origin.stat.nlink;
		ret->lower_kind = origin.kind;
		ret->lower_layer = origin.layer;
	}
}

static bool is_handle(enum ovl_origin_state state)
{
	return state >= OVL_ORIGIN_NO_LAYER;
}

bool ovl_index_entry_is_file(const struct ovl_view *v)
{
	return v->entry && is_handle(v->entry->state) && v->obs->kind != OVL_KIND_DIR &&
	       v->obs->kind != OVL_KIND_WHITEOUT;
}

/* Without the flag; the uuid and the type are part of the handle. */
static bool is_same_but_flags(const struct ovl_fh *a, const struct ovl_fh *b)
{
	return a->type == b->type && a->fid.len == b->fid.len &&
	       memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0 &&
	       memcmp(a->fid.data, b->fid.data, a->fid.len) == 0;
}

enum ovl_index_origin ovl_index_entry_origin(const struct ovl_view *v)
{
	const struct ovl_bytes value = v->obs->x[OVL_X_ORIGIN];
	unsigned char raw[128];
	struct ovl_fh name, origin;
	int len;

	if (v->obs->xbad & OVL_XBIT(ORIGIN))
		return OVL_INDEX_ORIGIN_UNREADABLE;
	if (!(v->obs->xmask & OVL_XBIT(ORIGIN)) || value.len == 0)
		return OVL_INDEX_ORIGIN_NONE;
	if (ovl_fh_parse(value, &origin) < 0)
		return OVL_INDEX_ORIGIN_BAD;
	len = ovl_fh_parse_name(v->entry->name, raw);
	if (len < 0 || ovl_fh_parse((struct ovl_bytes){ raw, (size_t)len }, &name) < 0 ||
	    !is_same_but_flags(&name, &origin))
		return OVL_INDEX_ORIGIN_OTHER;
	return name.flags == origin.flags ? OVL_INDEX_ORIGIN_SAME : OVL_INDEX_ORIGIN_FLAG;
}

/* A file that looks like a whiteout is still a file to the index. */
static enum ovl_kind plain_kind(enum ovl_kind kind)
{
	if (kind == OVL_KIND_XWHITEOUT)
		return OVL_KIND_REG;
	return kind == OVL_KIND_WHITEOUT ? OVL_KIND_CHR : kind;
}

bool ovl_index_entry_is_typed(const struct ovl_view *v)
{
	return v->entry->state == OVL_ORIGIN_FOUND &&
	       plain_kind(v->obs->kind) == plain_kind(v->entry->lower_kind);
}

bool ovl_index_entry_is_sound(const struct ovl_view *v)
{
	return ovl_index_entry_is_file(v) && ovl_index_entry_is_typed(v) && v->entry->same_bytes &&
	       ovl_index_entry_origin(v) == OVL_INDEX_ORIGIN_SAME;
}

const struct ovl_fact_link *ovl_index_entry_link(const struct ovl_view *v)
{
	return ovl_facts_find_link(v->facts, v->obs->stat.ino);
}

struct ovl_loc ovl_index_entry_upper_name(const struct ovl_view *v)
{
	const struct ovl_fact_link *link = ovl_index_entry_link(v);

	if (!link || !link->path)
		return (struct ovl_loc){ OVL_LAYER_NONE, NULL };
	return (struct ovl_loc){ OVL_LAYER_UPPER, link->path };
}

bool ovl_index_entry_is_astray(const struct ovl_view *v, struct ovl_loc lower,
			       const struct ovl_path *at)
{
	bool at_own_path = ovl_path_compare(at, lower.path) == 0;
	const struct ovl_fact_redirect *red;

	for (const struct ovl_path *p = lower.path; p; p = p->parent) {
		size_t n = ovl_facts_redirects_above(v->facts, (struct ovl_loc){ lower.layer, p },
						     &red);

		for (size_t i = 0; i < n; i++) {
			if (i > 0 && red[i].target.layer == red[i - 1].target.layer)
				return true;
			/* One that came back to where it was keeps its redirect. */
			if (at_own_path && ovl_path_compare(red[i].source.path, p) != 0)
				return true;
		}
	}
	return false;
}

static bool is_bare(const struct ovl_hit *hit, struct ovl_key lower)
{
	return !hit->has_upper && hit->n_lower > 0 && hit->lower[0].stat.dev == lower.a &&
	       hit->lower[0].stat.ino == lower.b;
}

int ovl_index_entry_shown(const struct ovl_view *v, struct ovl_index_shown *ret)
{
	const struct ovl_key lower = v->entry->lower;
	struct ovl_index_shown shown = { .first = { OVL_LAYER_NONE, NULL } };
	const struct ovl_fact_name *name;
	size_t n = ovl_facts_names(v->facts, lower.a, lower.b, &name);

	for (size_t i = 0; i < n; i++) {
		struct ovl_path *path = NULL;
		struct ovl_hit hit;
		int r = ovl_view_name_shown(v->stack, v->facts, name[i].loc, &name[i].stat, &hit,
					    &path);

		if (r > 0 && is_bare(&hit, lower)) {
			if (ovl_index_entry_is_astray(v, name[i].loc, path))
				shown.astray++;
			else if (shown.n++ == 0)
				shown.first = name[i].loc;
			shown.moved += ovl_path_compare(path, name[i].loc.path) != 0;
		}
		if (r > 0)
			ovl_hit_done(&hit);
		ovl_path_unref(path);
		if (r < 0)
			return r;
	}
	*ret = shown;
	return 0;
}

void ovl_index_home_done(struct ovl_index_home *h)
{
	ovl_path_unref(h->upper_path);
}

int ovl_index_entry_home(const struct ovl_view *v, struct ovl_index_home *ret)
{
	const struct ovl_key lower = v->entry->lower;
	const struct ovl_fact_name *name;
	struct ovl_path *path = NULL;
	struct ovl_hit hit;
	int r;

	*ret = (struct ovl_index_home){ 0 };
	if (v->entry->state != OVL_ORIGIN_FOUND || v->entry->lower_kind != OVL_KIND_DIR ||
	    ovl_facts_names(v->facts, lower.a, lower.b, &name) == 0)
		return 0;
	r = ovl_view_name_shown(v->stack, v->facts, name->loc, &name->stat, &hit, &path);
	if (r <= 0)
		return r;
	if (hit.lower[0].stat.dev == lower.a && hit.lower[0].stat.ino == lower.b) {
		ret->shown = true;
		ret->at = name->loc;
		ret->bare = !hit.has_upper;
		ret->astray = ovl_index_entry_is_astray(v, name->loc, path);
		if (hit.has_upper) {
			ret->upper_ino = hit.upper.stat.ino;
			ret->upper_path = ovl_path_ref(hit.upper.path);
		}
	}
	ovl_hit_done(&hit);
	ovl_path_unref(path);
	return 0;
}
