/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the target of a conversion would show in another way: traces of features that it lacks.
 *
 * Only upper and index are changed as a rule, so what a lower layer has matters where it is visible: then
 * the place of the finding is where the upper gets it. With all_layers each writable layer is judged as the upper
 * of those below it.
 */
#include <errno.h>
#include <string.h>

#include "check/view.h"

#include "base/banned.h"

static bool lacks(const struct ovl_view *v, ovl_features feature)
{
	return (feature & ~v->profile->on) != 0;
}

static int add(const struct ovl_view *v, struct ovl_sink *sink, enum ovl_problem_id problem,
	       const char *found)
{
	return ovl_sink_add(sink, problem, v->loc, found, "");
}

/* Where the whole overlay shows this lower object; 1, the hit and the path, 0 or -ENOMEM. */
static int find_shown(const struct ovl_view *v, struct ovl_hit *ret_hit, struct ovl_path **ret_path)
{
	return ovl_view_name_shown(v->stack, v->facts, v->loc, &v->obs->stat, ret_hit, ret_path);
}

/* Finding about the place in the upper that shows what is in a lower layer. */
static int add_below(const struct ovl_view *v, struct ovl_sink *sink, enum ovl_problem_id problem,
		     const struct ovl_path *shown, const char *found)
{
	const struct ovl_loc upper = { OVL_LAYER_UPPER, shown };

	return ovl_sink_add_about(sink, problem, ovl_problem_get(problem)->severity, upper, v->loc,
				  found, "");
}

/* ---- Metacopy ---- */

/*
 * Does the target not find the data of a metacopy file? Data-only layers are heeded without metacopy=on
 * since 6.16, but only from a file of a lower layer that leads there itself.
 */
static bool is_out_of_reach(const struct ovl_view *v, const struct ovl_hit *hit)
{
	if (hit->lazy_data && lacks(v, OVL_FBIT(DATA_ONLY)))
		return true;
	if (!lacks(v, OVL_FBIT(METACOPY)))
		return false;
	return !hit->lazy_data || hit->has_upper || hit->n_lower != 1;
}

static const char *missing_bytes(const struct ovl_view *v, struct ovl_sink *sink)
{
	return ovl_sink_text(sink, "%llu bytes are in a layer below",
			     (unsigned long long)v->obs->stat.size);
}

int ovl_check_convert_metacopy(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_hit *hit;
	int r;

	if (!ovl_view_is_converted(v))
		return 0;
	r = ovl_view_below(v, &hit);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (hit->result < 0 || !is_out_of_reach(v, hit))
		return 0; /* (what has no data has a finding of its own) */
	return add(v, sink, OVL_P_CONVERT_METACOPY, missing_bytes(v, sink));
}

/*
 * With an index in force, a lower file under one of whose names something was changed is not shown: the
 * one in the index is. It gets all its names when the index goes; but if that stays, a kernel that knows
 * metacopy and is not to heed it stumbles over the lower file before it looks at the index.
 */
static bool gets_names(const struct ovl_view *v)
{
	const struct ovl_key key = { v->obs->stat.dev, v->obs->stat.ino };

	return lacks(v, OVL_FBIT(INDEX)) && v->facts->index_judged &&
	       ovl_map_get(&v->facts->index_lower, key);
}

int ovl_check_convert_metacopy_below(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_path *path = NULL;
	struct ovl_hit hit;
	int r;

	if (ovl_view_is_converted(v) || !v->stack->has_upper || gets_names(v))
		return 0;
	r = find_shown(v, &hit, &path);
	if (r <= 0)
		return r;
	r = 0;
	/* Below a metacopy file of a higher layer it is that one that is completed. */
	if (!hit.has_upper && hit.lower[0].layer == v->loc.layer &&
	    hit.lower[0].stat.ino == v->obs->stat.ino && is_out_of_reach(v, &hit))
		r = add_below(v, sink, OVL_P_CONVERT_METACOPY_BELOW, path, missing_bytes(v, sink));
	ovl_hit_done(&hit);
	ovl_path_unref(path);
	return r;
}

/* ---- Redirects ---- */

int ovl_check_convert_redirect(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_hit *hit;
	int r;

	if (!ovl_view_is_converted(v) || ovl_view_opaque(v) == OVL_OPAQUE_YES)
		return 0;
	r = ovl_view_below(v, &hit);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (hit->result < 0)
		return 0;
	return add(v, sink, OVL_P_CONVERT_REDIRECT,
		   ovl_sink_quote(sink, v->obs->x[OVL_X_REDIRECT]));
}

/* Does the redirect of this lower directory merge anything in, where the whole overlay shows it? */
static bool leads_on(const struct ovl_view *v, const struct ovl_hit *hit)
{
	size_t last = hit->n_lower - 1;

	return hit->lower[last].layer != v->loc.layer ||
	       hit->lower[last].stat.ino != v->obs->stat.ino;
}

int ovl_check_convert_redirect_below(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_path *path = NULL;
	struct ovl_hit hit;
	int r;

	if (ovl_view_is_converted(v) || !v->stack->has_upper)
		return 0;
	r = find_shown(v, &hit, &path);
	if (r <= 0)
		return r;
	r = 0;
	if (hit.is_dir && hit.n_lower > 0 && leads_on(v, &hit))
		r = add_below(v, sink, OVL_P_CONVERT_REDIRECT_BELOW, path,
			      ovl_sink_quote(sink, v->obs->x[OVL_X_REDIRECT]));
	ovl_hit_done(&hit);
	ovl_path_unref(path);
	return r;
}

/* ---- Whiteouts ---- */

int ovl_check_convert_xwhiteout(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (!ovl_view_is_converted(v))
		return 0;
	return add(v, sink, OVL_P_CONVERT_XWHITEOUT, "");
}

/* Where the overlay shows the directory that holds a lower object; as find_shown(). */
static int find_dir_shown(const struct ovl_view *v, struct ovl_path **ret_path)
{
	struct ovl_reader *reader = v->stack->reader;
	const struct ovl_loc dir = { v->loc.layer, v->loc.path->parent };
	struct ovl_hit hit;
	struct ovl_stat st;
	int r;

	*ret_path = NULL;
	if (!dir.path)
		return 1;
	r = reader->ops->stat(reader, v->dirfd, "", &st);
	if (r < 0)
		return 0; /* (told by who reads it) */
	r = ovl_view_name_shown(v->stack, v->facts, dir, &st, &hit, ret_path);
	if (r > 0)
		ovl_hit_done(&hit);
	return r;
}

/* Is it this whiteout by which nothing is shown at a path of the overlay? 1, 0 or -ENOMEM. */
static int is_hiding(const struct ovl_view *v, const struct ovl_path *path)
{
	struct ovl_hit hit;
	int r = ovl_lookup_path(v->stack, OVL_LAYER_UPPER, path, &hit, NULL);

	if (r < 0)
		return r;
	r = hit.why == OVL_WHY_WHITEOUT && hit.culprit.path && hit.culprit.layer == v->loc.layer &&
	    hit.culprit.stat.ino == v->obs->stat.ino;
	ovl_hit_done(&hit);
	return r;
}

int ovl_check_convert_xwhiteout_below(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_path *dir, *path;
	int r;

	if (ovl_view_is_converted(v) || !v->stack->has_upper)
		return 0;
	r = find_dir_shown(v, &dir);
	if (r <= 0)
		return r;
	path = ovl_path_new(dir, v->loc.path->name, v->loc.path->len);
	ovl_path_unref(dir);
	if (!path)
		return -ENOMEM;
	r = is_hiding(v, path);
	if (r > 0)
		r = add_below(v, sink, OVL_P_CONVERT_XWHITEOUT_BELOW, path, "");
	ovl_path_unref(path);
	return r;
}

/* ---- What is of no use there ---- */

int ovl_check_convert_nlink(const struct ovl_view *v, struct ovl_sink *sink)
{
	return add(v, sink, OVL_P_CONVERT_NLINK, ovl_sink_quote(sink, v->obs->x[OVL_X_NLINK]));
}

/* Older kernels do without these: they go only if somebody asks for it. */
int ovl_check_convert_strip(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (!ovl_view_is_converted(v) || !(v->profile->dropped & OVL_FBIT(ORIGIN)))
		return 0;
	return add(v, sink, OVL_P_CONVERT_STRIP, "");
}

int ovl_check_convert_protattr(const struct ovl_view *v, struct ovl_sink *sink)
{
	return add(v, sink, OVL_P_CONVERT_PROTATTR,
		   ovl_sink_quote(sink, v->obs->x[OVL_X_PROTATTR]));
}

/* ---- What has no equivalent ---- */

/* An error, unless the user has said that it may be lost. */
static int add_loss(const struct ovl_view *v, struct ovl_sink *sink, enum ovl_problem_id problem,
		    const char *found)
{
	return ovl_sink_add_about(sink, problem,
				  v->profile->accept_loss ? OVL_SEV_INFO :
							    ovl_problem_get(problem)->severity,
				  v->loc, (struct ovl_loc){ OVL_LAYER_NONE, NULL }, found, "");
}

int ovl_check_convert_nesting(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_bytes names = v->obs->names;
	const char *name = (const char *)names.data;

	for (size_t i = 0; i < names.len; i += strlen(name + i) + 1)
		if (ovl_xattr_classify(name + i, v->stack->config.userxattr, NULL) ==
		    OVL_XC_ESCAPED)
			return add_loss(v, sink, OVL_P_CONVERT_NESTING,
					ovl_sink_quote(sink,
						       (struct ovl_bytes){ names.data + i,
									   strlen(name + i) }));
	return 0;
}

/* The root tells for the whole: kernels that know it want all of a layer to be alike. */
int ovl_check_convert_casefold(const struct ovl_view *v, struct ovl_sink *sink)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->stack->n_layer; i++) {
		const struct ovl_loc root = { (int)i, NULL };

		if (v->stack->layer[i].root.fd >= 0 && v->stack->layer[i].root.folds_case)
			r = ovl_sink_add_about(
				sink, OVL_P_CONVERT_CASEFOLD,
				v->profile->accept_loss ?
					OVL_SEV_INFO :
					ovl_problem_get(OVL_P_CONVERT_CASEFOLD)->severity,
				root, (struct ovl_loc){ OVL_LAYER_NONE, NULL }, "", "");
	}
	return r;
}

int ovl_check_convert_layers(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (v->stack->has_upper && v->stack->n_lower == 1)
		return 0;
	return add_loss(v, sink, OVL_P_CONVERT_LAYERS,
			v->stack->has_upper ?
				ovl_sink_text(sink, "%u lower layers", v->stack->n_lower) :
				"no upper layer");
}
