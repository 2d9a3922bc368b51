/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planners for link counts of indexed files, and for files whose last name in the upper is gone.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "repair/fix_entry.h"
#include "repair/fixes.h"

#include "base/banned.h"

static const struct ovl_bytes mark_y = { (const unsigned char *)"y", 1 };

/* Of the names in the overlay as many as @n; the upper inode will have @links. */
static int set_nlink(struct ovl_fixer *fx, uint64_t n, uint64_t links)
{
	char value[24];
	int len = snprintf(value, sizeof(value), "U%+lld", (long long)n - (long long)links);

	return ovl_way_set_xattr(fx, fx->finding->loc, OVL_X_NLINK,
				 (struct ovl_bytes){ (const unsigned char *)value, (size_t)len });
}

/*
 * The names that are there: those in the upper, and the lower ones that the entry stands in for. A name
 * too many is harmless, one too few loses data, so those count that a wrong redirect shows.
 */
static int count_names(const struct ovl_fix_entry *e, uint64_t *ret)
{
	const struct ovl_fact_link *link = ovl_index_entry_link(&e->v);
	uint64_t names = link ? link->names : 0, most = names + e->entry.lower_nlink;
	struct ovl_index_shown shown;
	int r = ovl_index_entry_shown(&e->v, &shown);

	if (r < 0)
		return r;
	*ret = names + shown.n + shown.astray;
	if (*ret > most)
		*ret = most;
	return 0;
}

static int plan_count(struct ovl_fixer *fx, const struct ovl_fix_entry *e)
{
	uint64_t n;
	int r;

	if (!ovl_index_entry_is_sound(&e->v))
		return ovl_way_refuse(fx, "it has changed since it was checked");
	if (fx->finding->problem == OVL_P_NLINK_LOW && e->entry.lower_nlink < 2)
		return ovl_way_refuse(fx, "no count helps where the kernel looks at none");
	if (fx->facts->missed_upper || fx->facts->missed_names)
		return ovl_way_refuse(fx, "a part of the layers could not be read, and may have "
					  "more names of it");
	r = ovl_fixer_names(fx, fx->finding->loc);
	if (r <= 0)
		return r < 0 ? r :
			       ovl_way_refuse(fx,
					      "it has names outside of the upper and the index");
	r = count_names(e, &n);
	if (r < 0)
		return r;
	if (n == 0) /* and with no name the next mount would remove it */
		return ovl_way_refuse(fx, "no name leads to it");
	r = ovl_way_say(fx, "write the number of names that it has: %llu", (unsigned long long)n);
	if (r == 0)
		r = set_nlink(fx, n, e->obs.stat.nlink);
	return r < 0 ? r : 1;
}

int ovl_fix_nlink_count(struct ovl_fixer *fx)
{
	struct ovl_fix_entry e = { 0 };
	int r = ovl_fix_entry_load(fx, &e);

	if (r > 0)
		r = plan_count(fx, &e);
	ovl_fix_entry_done(&e);
	return r;
}

/*
 * The last resort for an entry that is the only name of its inode: the next mount would remove it, since
 * no other name is left, or since the kernel believes that.
 */
static int plan_aside(struct ovl_fixer *fx, const struct ovl_fix_entry *e)
{
	bool single = fx->finding->problem == OVL_P_NLINK_LOW && e->entry.lower_nlink < 2;
	uint64_t n;
	int r = ovl_index_entry_is_sound(&e->v) ? count_names(e, &n) : -ESTALE;

	if (r < 0)
		return r;
	if (fx->facts->missed_upper || fx->facts->missed_names || e->obs.stat.nlink != 1 ||
	    (n > 0 && !single))
		return ovl_way_refuse(fx, "there may be names that lead to it");
	r = ovl_way_set_aside(fx, fx->finding->loc);
	return r < 0 ? r : 1;
}

int ovl_fix_nlink_aside(struct ovl_fixer *fx)
{
	struct ovl_fix_entry e = { 0 };
	int r = ovl_fix_entry_load(fx, &e);

	if (r > 0)
		r = plan_aside(fx, &e);
	ovl_fix_entry_done(&e);
	return r;
}

/* The upper directory that shows a path of the overlay: 1; 0 if there is none; or an error. */
static int upper_dir(struct ovl_fixer *fx, const struct ovl_path *path, struct ovl_loc *ret)
{
	struct ovl_hit hit;
	int r;

	*ret = (struct ovl_loc){ OVL_LAYER_UPPER, NULL };
	if (!path)
		return 1;
	r = ovl_lookup_path(fx->stack, OVL_LAYER_UPPER, path, &hit, NULL);
	if (r < 0)
		return r;
	r = hit.result == 0 && hit.has_upper && hit.is_dir;
	if (r > 0)
		ret->path = ovl_path_ref(hit.upper.path);
	ovl_hit_done(&hit);
	return r;
}

/** Where the lower name is shown that the entry should stand in for. */
struct gap {
	struct ovl_loc dir; /* in the upper; path counted */
	struct ovl_loc at;  /* where the file should have its name; path counted */
};

static void gap_done(struct gap *gap)
{
	ovl_path_unref((struct ovl_path *)gap->dir.path);
	ovl_path_unref((struct ovl_path *)gap->at.path);
}

static int find_gap(struct ovl_fixer *fx, const struct ovl_fix_entry *e, struct gap *ret)
{
	const struct ovl_fact_name *name;
	struct ovl_index_shown shown;
	struct ovl_path *path = NULL;
	struct ovl_hit hit;
	int r = ovl_index_entry_shown(&e->v, &shown);

	if (r < 0)
		return r;
	if (e->entry.lower_nlink > 1 || shown.n != 1 || e->obs.stat.nlink != 1 ||
	    ovl_facts_names(fx->facts, e->entry.lower.a, e->entry.lower.b, &name) == 0)
		return ovl_way_refuse(fx, "it has other names as well");
	r = ovl_view_name_shown(fx->stack, fx->facts, shown.first, &name->stat, &hit, &path);
	if (r <= 0)
		return r < 0 ? r : ovl_way_refuse(fx, "the lower file is not visible any more");
	ovl_hit_done(&hit);
	r = path ? upper_dir(fx, path->parent, &ret->dir) : 0;
	if (r > 0) {
		ret->at = (struct ovl_loc){ OVL_LAYER_UPPER,
					    ovl_path_new((struct ovl_path *)ret->dir.path,
							 path->name, path->len) };
		r = ret->at.path ? 1 : -ENOMEM;
	} else if (r == 0) {
		r = ovl_way_refuse(fx, "the directory of its name is not in the upper");
	}
	ovl_path_unref(path);
	return r;
}

/* Give it its name back: then it is shown again, and the kernel keeps the entry. */
static int plan_link(struct ovl_fixer *fx, const struct gap *gap)
{
	_cleanup_free_ char *place = ovl_fixer_place(fx, gap->at);
	int r = place ? ovl_way_say(fx, "give it the name %s again", place) : -ENOMEM;

	if (r == 0)
		r = set_nlink(fx, 1, 2);
	if (r == 0)
		r = ovl_way_set_xattr(fx, gap->dir, OVL_X_IMPURE, mark_y);
	if (r == 0)
		r = ovl_way_link(fx, fx->finding->loc, gap->at);
	return r < 0 ? r : 1;
}

/* Or hide the lower file, as if it had been removed through the mount. */
static int plan_hide(struct ovl_fixer *fx, const struct gap *gap)
{
	_cleanup_free_ char *place = ovl_fixer_place(fx, gap->at);
	int r = place ? ovl_way_say(fx, "hide the lower file with a whiteout at %s", place) :
			-ENOMEM;

	if (r == 0)
		r = ovl_way_set_aside(fx, fx->finding->loc);
	if (r == 0)
		r = ovl_way_whiteout(fx, gap->at);
	return r < 0 ? r : 1;
}

static int fill_gap(struct ovl_fixer *fx, int (*plan)(struct ovl_fixer *, const struct gap *))
{
	struct ovl_fix_entry e = { 0 };
	struct gap gap = { 0 };
	int r = ovl_fix_entry_load(fx, &e);

	if (r > 0)
		r = find_gap(fx, &e, &gap);
	if (r > 0)
		r = plan(fx, &gap);
	gap_done(&gap);
	ovl_fix_entry_done(&e);
	return r;
}

int ovl_fix_nlink_link(struct ovl_fixer *fx)
{
	return fill_gap(fx, plan_link);
}

int ovl_fix_nlink_hide(struct ovl_fixer *fx)
{
	return fill_gap(fx, plan_hide);
}
