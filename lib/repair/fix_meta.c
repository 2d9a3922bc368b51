/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planners for metacopy files that have lost their data: it is found again by the origin, an identity
 * that no rename changes.
 */
#include "repair/fix_meta.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "check/view.h"
#include "format/metacopy.h"
#include "repair/fixes.h"

#include "base/banned.h"

void ovl_fix_meta_done(struct ovl_fix_meta *m)
{
	ovl_buf_done(&m->origin);
}

int ovl_fix_meta_get(struct ovl_fixer *fx, struct ovl_fix_meta *ret)
{
	struct ovl_obs obs;
	int r;

	ret->loc = fx->finding->loc;
	if (ret->loc.layer != OVL_LAYER_UPPER)
		return ovl_way_refuse(fx, "only files of the upper are completed or led elsewhere");
	r = ovl_fixer_observe(fx, ret->loc, &obs);
	if (r < 0)
		return r;
	if (obs.kind != OVL_KIND_REG || !ovl_obs_has(&obs, OVL_X_METACOPY))
		return ovl_way_refuse(fx, "it is no metacopy file by now");
	ret->st = obs.stat;
	if (obs.xmask & OVL_XBIT(ORIGIN))
		r = ovl_buf_add(&ret->origin, obs.x[OVL_X_ORIGIN].data, obs.x[OVL_X_ORIGIN].len);
	return r < 0 ? r : ovl_fix_is_known(fx, ret->loc);
}

/** Where the origin of a metacopy file is, and what a redirect to it would find. */
struct home {
	struct ovl_buf path; /* what the redirect has to be */
	struct ovl_loc loc;  /* borrowed from the facts or from @beneath */
	struct ovl_stat st;
	struct ovl_hit hit; /* of a lookup with that redirect */
	struct ovl_hit beneath;
};

static void home_done(struct home *h)
{
	ovl_buf_done(&h->path);
	ovl_hit_done(&h->hit);
	ovl_hit_done(&h->beneath);
}

/* Would a redirect to this name of the origin find it? 1 and @ret, 0, <0. */
static int try_name(struct ovl_fixer *fx, const struct ovl_fix_meta *m,
		    const struct ovl_fact_name *name, struct home *ret)
{
	struct ovl_bytes redirect;
	struct ovl_hit hit;
	int r;

	ovl_buf_clear(&ret->path);
	r = ovl_path_add(&ret->path, name->loc.path);
	redirect = ovl_buf_bytes(&ret->path);
	if (r == 0)
		r = ovl_fixer_if(fx, m->loc, OVL_X_REDIRECT, &redirect, &hit);
	if (r < 0)
		return r;
	if (hit.result < 0 || hit.n_lower == 0 || hit.lower[0].stat.dev != ret->st.dev ||
	    hit.lower[0].stat.ino != ret->st.ino) {
		ovl_hit_done(&hit);
		return 0;
	}
	ret->loc = name->loc;
	ret->hit = hit;
	return 1;
}

/* At the name of the file itself, where names are not collected. As try_name(). */
static int try_beneath(struct ovl_fixer *fx, const struct ovl_fix_meta *m, struct home *ret)
{
	int r = ovl_fixer_beneath(fx, m->loc, &ret->beneath);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; r == 0 && i < ret->beneath.n_lower; i++) {
		const struct ovl_found *found = &ret->beneath.lower[i];
		const struct ovl_fact_name name = { .loc = { found->layer, found->path } };

		if (found->stat.dev == ret->st.dev && found->stat.ino == ret->st.ino)
			r = try_name(fx, m, &name, ret);
	}
	return r;
}

static int find_home(struct ovl_fixer *fx, const struct ovl_fix_meta *m, struct home *ret)
{
	const struct ovl_fact_name *names;
	struct ovl_origin origin;
	size_t n;
	int r = 0;

	ovl_origin_decode(fx->stack, ovl_buf_bytes(&m->origin), 1, (int)fx->stack->n_lower, false,
			  &origin);
	if (origin.state != OVL_ORIGIN_FOUND || !S_ISREG(origin.stat.mode))
		return ovl_way_refuse(fx, m->origin.len ? "its origin leads to no file any more" :
							  "it has no origin to find its data by");
	ret->st = origin.stat;
	n = ovl_facts_names(fx->facts, origin.stat.dev, origin.stat.ino, &names);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = try_name(fx, m, &names[i], ret);
	if (r == 0)
		r = try_beneath(fx, m, ret);
	return r != 0 ? r :
			ovl_way_refuse(fx, "its origin is in no lower layer, or cannot be "
					   "reached there");
}

/*
 * Is the lower file shown under its own name as well? Then a redirect would make one inode of the two.
 * 1, 0, <0.
 */
static int is_shown(struct ovl_fixer *fx, const struct home *home)
{
	struct ovl_path *path;
	struct ovl_hit hit;
	int r = ovl_view_name_shown(fx->stack, fx->facts, home->loc, &home->st, &hit, &path);

	if (r <= 0)
		return r;
	r = !hit.has_upper;
	ovl_hit_done(&hit);
	ovl_path_unref(path);
	return r;
}

static int lead_there(struct ovl_fixer *fx, const struct ovl_fix_meta *m, struct home *home)
{
	_cleanup_free_ char *place = ovl_fixer_place(fx, home->loc);
	struct ovl_found storage = { 0 };
	const struct ovl_found *data;
	int r = place ? is_shown(fx, home) : -ENOMEM;

	if (r < 0)
		return r;
	if (r == 0) {
		r = ovl_way_say(fx, "redirect to %s", place);
		if (r == 0)
			r = ovl_way_set_xattr(fx, m->loc, OVL_X_REDIRECT,
					      ovl_buf_bytes(&home->path));
		return r < 0 ? r : 1;
	}
	r = ovl_way_say(fx, "copy the data of %s into it", place);
	if (r == 0)
		r = ovl_lookup_data(fx->stack, &home->hit, &storage, &data);
	if (r == 0)
		r = ovl_fix_meta_fill(fx, m, data, true);
	ovl_found_done(&storage);
	return r;
}

/* What is sure is done; what is not is left to a person, who is not offered the same twice. */
static int may_choose(struct ovl_fixer *fx, bool sure, const char *doubt)
{
	bool choice = fx->way->row->trust == OVL_WAY_CHOICE;

	if (sure == choice)
		return choice ? 0 : ovl_way_refuse(fx, "%s", doubt);
	return 1;
}

/* The one file that its metadata was copied up from; of the same size still, so nobody wrote to it. */
int ovl_fix_meta_find(struct ovl_fixer *fx)
{
	_cleanup_(ovl_fix_meta_done) struct ovl_fix_meta m = { 0 };
	_cleanup_(home_done) struct home home = { 0 };
	int r = ovl_fix_meta_get(fx, &m);

	if (r > 0)
		r = find_home(fx, &m, &home);
	if (r > 0)
		r = may_choose(fx, home.st.size == m.st.size,
			       "its origin is of another size by now");
	return r > 0 ? lead_there(fx, &m, &home) : r;
}

static bool is_alike(const struct ovl_stat *a, const struct ovl_stat *b)
{
	return a->size == b->size && a->mtime_sec == b->mtime_sec && a->mtime_nsec == b->mtime_nsec;
}

/* Does the file that is found now look like the origin, too? 1, 0, <0. */
static int found_is_alike(struct ovl_fixer *fx, const struct ovl_fix_meta *m)
{
	struct ovl_hit hit;
	int r = ovl_lookup_path(fx->stack, OVL_LAYER_UPPER, m->loc.path, &hit, NULL);

	if (r < 0)
		return r;
	r = hit.n_lower > 0 && is_alike(&hit.lower[0].stat, &m->st);
	ovl_hit_done(&hit);
	return r;
}

/* The origin, where it is what was copied up by all that can be seen and the file found now is not. */
int ovl_fix_meta_prefer_origin(struct ovl_fixer *fx)
{
	_cleanup_(ovl_fix_meta_done) struct ovl_fix_meta m = { 0 };
	_cleanup_(home_done) struct home home = { 0 };
	int r = ovl_fix_meta_get(fx, &m), alike;

	if (r > 0)
		r = find_home(fx, &m, &home);
	if (r <= 0)
		return r;
	alike = found_is_alike(fx, &m);
	if (alike < 0)
		return alike;
	r = may_choose(fx, !alike && is_alike(&home.st, &m.st),
		       "size and time do not tell which of the two is meant");
	return r > 0 ? lead_there(fx, &m, &home) : r;
}

static int empty_value(struct ovl_fixer *fx, bool small)
{
	const struct ovl_loc loc = fx->finding->loc;
	struct ovl_metacopy value;
	struct ovl_obs obs;
	enum ovl_metacopy_state state;
	int r = ovl_fixer_observe(fx, loc, &obs);

	if (r < 0)
		return r;
	if (!(obs.xmask & OVL_XBIT(METACOPY)))
		return ovl_way_refuse(fx, "it is no metacopy file by now");
	state = ovl_metacopy_parse(obs.x[OVL_X_METACOPY], &value);
	if (small != (state == OVL_METACOPY_TOO_SMALL))
		return ovl_way_refuse(fx, "the value may hold a digest, which would be lost");
	if (loc.layer == OVL_LAYER_UPPER)
		r = ovl_fix_is_known(fx, loc);
	else
		r = obs.stat.nlink == 1 || ovl_way_refuse(fx, "it has several names");
	if (r > 0)
		r = ovl_way_set_xattr(fx, loc, OVL_X_METACOPY, (struct ovl_bytes){ NULL, 0 });
	return r < 0 ? r : fx->way->ops.len > 0;
}

int ovl_fix_meta_empty(struct ovl_fixer *fx)
{
	return empty_value(fx, true);
}

int ovl_fix_meta_drop_digest(struct ovl_fixer *fx)
{
	return empty_value(fx, false);
}

/* What nobody heeds may go from a file with names elsewhere, too: it is not heeded there either. */
int ovl_fix_meta_inert(struct ovl_fixer *fx)
{
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, fx->finding->loc, &obs);

	if (r < 0)
		return r;
	if (obs.kind == OVL_KIND_REG)
		return ovl_way_refuse(fx, "it is a regular file by now");
	r = ovl_way_remove_xattr(fx, fx->finding->loc, OVL_X_METACOPY);
	return r < 0 ? r : 1;
}
