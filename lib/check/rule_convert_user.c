/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From user.overlay.* to trusted.overlay.*, for targets that do not know userxattr.
 *
 * All is copied first but for the root of the upper, which changes from the one to the other in one step:
 * from then on the new names count (see ovl_resolve_options()). At last the old ones go. At any time one of
 * the two mounts is right.
 */
#include <errno.h>
#include <string.h>

#include "check/view.h"

#include "base/banned.h"

/** How the two sets of names on an object compare. */
struct pair {
	unsigned missing;  /* names that only the old set has */
	unsigned conflict; /* names that only the new one has, or with another value */
};

static bool is_same(struct ovl_bytes a, struct ovl_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static int compare(const struct ovl_view *v, struct pair *ret)
{
	struct ovl_obs_scratch scratch = { 0 };
	struct ovl_obs obs;
	int r = ovl_reader_observe(v->stack->reader, v->dirfd, v->name, false, &scratch, &obs);

	*ret = (struct pair){ 0 };
	for (unsigned i = 0; r == 0 && i < OVL_X__MAX; i++) {
		bool old = v->obs->xmask & (1u << i), new = obs.xmask &(1u << i);

		if (old && !new)
			ret->missing |= 1u << i;
		else if (new && (!old || !is_same(v->obs->x[i], obs.x[i])))
			ret->conflict |= 1u << i;
	}
	ovl_obs_scratch_done(&scratch);
	return r;
}

/* "opaque, origin" */
static const char *list_names(struct ovl_sink *sink, unsigned mask)
{
	const char *text = "";

	for (unsigned i = 0; i < OVL_X__MAX; i++)
		if (mask & (1u << i))
			text = ovl_sink_text(sink, "%s%s%s", text, *text ? ", " : "",
					     ovl_xattr_short((enum ovl_xattr_id)i));
	return text;
}

static int add(const struct ovl_view *v, struct ovl_sink *sink, enum ovl_problem_id problem,
	       enum ovl_severity severity, const char *found)
{
	return ovl_sink_add_about(sink, problem, severity, v->loc,
				  (struct ovl_loc){ OVL_LAYER_NONE, NULL }, found, "");
}

/*
 * A lower file of several names, of which some may be outside of the layer: then it is left as it is. None
 * of these means anything there.
 */
static enum ovl_severity severity_of(const struct ovl_view *v, unsigned mask)
{
	const unsigned inert = OVL_XBIT(ORIGIN) | OVL_XBIT(NLINK) | OVL_XBIT(IMPURE) |
			       OVL_XBIT(UUID);

	if (v->role == OVL_ROLE_LOWER && v->obs->kind != OVL_KIND_DIR && !(mask & ~inert) &&
	    v->obs->stat.nlink > 1)
		return OVL_SEV_INFO;
	return OVL_SEV_WARNING;
}

int ovl_check_convert_userxattr(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct pair pair;
	int r;

	if (!v->stack->config.userxattr || !ovl_view_is_converted(v) || v->obs->xbad ||
	    (!v->obs->xmask && !v->obs->has_inactive))
		return 0;
	r = compare(v, &pair);
	if (r < 0)
		return r == -ENOMEM ? r : ovl_sink_unreadable(sink, v->loc, "list xattrs", r);
	if (pair.conflict)
		return add(
			v, sink, OVL_P_CONVERT_USERXATTR,
			v->profile->accept_loss ? OVL_SEV_WARNING : OVL_SEV_ERROR,
			ovl_sink_text(sink,
				      "these have another value there, or a value only there: %s",
				      list_names(sink, pair.conflict)));
	/* (the root of the upper goes by itself) */
	if (!pair.missing || (!v->dir && v->role == OVL_ROLE_UPPER))
		return 0;
	return add(v, sink, OVL_P_CONVERT_USERXATTR, severity_of(v, pair.missing),
		   list_names(sink, pair.missing));
}

int ovl_check_convert_userxattr_root(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (!v->stack->config.userxattr || v->role != OVL_ROLE_UPPER || v->dir || !v->obs->xmask)
		return 0;
	return add(v, sink, OVL_P_CONVERT_USERXATTR_ROOT, OVL_SEV_WARNING,
		   list_names(sink, v->obs->xmask));
}

int ovl_check_convert_userxattr_old(const struct ovl_view *v, struct ovl_sink *sink)
{
	bool old = v->stack->config.userxattr ? v->obs->xmask != 0 : v->obs->has_inactive;

	/* The root of the upper went before. */
	if (!v->stack->was_userxattr || !ovl_view_is_converted(v) || !old ||
	    (!v->dir && v->role == OVL_ROLE_UPPER))
		return 0;
	return add(v, sink, OVL_P_CONVERT_USERXATTR_OLD, severity_of(v, v->obs->xmask), "");
}

/* Would the target merge something in that this lower directory hides? Then the upper gets what it shows. */
int ovl_check_convert_userxattr_below(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_path *path = NULL;
	const struct ovl_hit *hit;
	struct ovl_hit shown;
	int r;

	if (!v->stack->config.userxattr || !v->stack->has_upper || ovl_view_is_converted(v) ||
	    ovl_view_opaque(v) != OVL_OPAQUE_YES)
		return 0;
	r = ovl_view_beneath(v, &hit);
	if (r < 0 || hit->result < 0 || !hit->is_dir)
		return r == -ENOENT || r >= 0 ? 0 : r;
	r = ovl_view_name_shown(v->stack, v->facts, v->loc, &v->obs->stat, &shown, &path);
	if (r <= 0)
		return r;
	r = ovl_sink_add_about(sink, OVL_P_CONVERT_USERXATTR_BELOW, OVL_SEV_WARNING,
			       (struct ovl_loc){ OVL_LAYER_UPPER, path }, v->loc,
			       "user.overlay.opaque=\"y\"", "");
	ovl_hit_done(&shown);
	ovl_path_unref(path);
	return r;
}
