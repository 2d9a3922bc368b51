/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Redirects one by one: is the value one that the kernel can follow, and does it lead to something?
 *
 * In the last layer that lookup goes through, in an opaque directory and on a file that is not
 * metacopy the kernel does not read the redirect. What stands there does no harm.
 */
#include <errno.h>
#include <string.h>

#include "check/chain.h"
#include "check/target.h"
#include "format/redirect.h"
#include "format/value.h"

#include "base/banned.h"

/* What the kernel writes at most, unless somebody changed the parameter redirect_max. */
enum { REDIRECT_MAX = 256 };

static const struct ovl_loc nowhere = { OVL_LAYER_NONE, NULL };

static bool is_opaque(const struct ovl_view *v)
{
	return ovl_view_opaque(v) == OVL_OPAQUE_YES;
}

/* Is the layer of the object the last one that lookup goes through? Kernel: "last" in ovl_lookup(). */
static int is_last(const struct ovl_view *v)
{
	const struct ovl_stack *stack = v->stack;
	struct ovl_entry *parent;
	int r;

	if (ovl_stack_follow(stack) || stack->n_data > 0)
		return v->loc.layer == (int)stack->n_lower &&
		       (v->obs->kind == OVL_KIND_DIR || stack->n_data == 0);
	r = ovl_scan_entry(v->dir, &parent);
	if (r < 0)
		return r == -ENOENT ? 1 : r;
	return parent->n_lower == (v->role == OVL_ROLE_UPPER ? 0u : 1u);
}

/* Does the kernel read the redirect of this object? 1, 0, or -ENOMEM. */
static int is_heeded(const struct ovl_view *v)
{
	int last;

	if (!(v->obs->xmask & OVL_XBIT(REDIRECT)))
		return 0;
	if (v->obs->kind == OVL_KIND_DIR ? is_opaque(v) : !ovl_obs_has(v->obs, OVL_X_METACOPY))
		return 0;
	last = is_last(v);
	return last < 0 ? last : !last;
}

static const char *quoted(const struct ovl_view *v, struct ovl_sink *sink)
{
	return ovl_sink_text(sink, "redirect=%s", ovl_sink_quote(sink, v->obs->x[OVL_X_REDIRECT]));
}

int ovl_check_redirect_syntax(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_redirect red;
	int r = is_heeded(v);

	if (r <= 0 || ovl_redirect_parse(v->obs->x[OVL_X_REDIRECT], &red) == 0)
		return r < 0 ? r : 0;
	return ovl_sink_add(sink, OVL_P_REDIRECT_SYNTAX, v->loc, quoted(v, sink),
			    "one name, or a path such as /a/b");
}

int ovl_check_redirect_dotdot(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_redirect red;
	const struct ovl_hit *hit;
	int r = is_heeded(v);

	if (r <= 0 || ovl_redirect_parse(v->obs->x[OVL_X_REDIRECT], &red) < 0 ||
	    !(red.flaws & OVL_REDIRECT_DOTDOT))
		return r < 0 ? r : 0;
	if (v->obs->kind == OVL_KIND_REG) {
		/* Data-only layers take such a path; and without the file there is no data at all. */
		r = ovl_view_below(v, &hit);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
		if (hit->why != OVL_WHY_DOTDOT)
			return 0;
	}
	return ovl_sink_add(sink, OVL_P_REDIRECT_DOTDOT, v->loc, quoted(v, sink),
			    "names of objects only");
}

int ovl_check_redirect_nul(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_redirect red;
	int r = is_heeded(v);

	if (r <= 0 || ovl_redirect_parse(v->obs->x[OVL_X_REDIRECT], &red) < 0 ||
	    red.flaws != OVL_REDIRECT_NUL)
		return r < 0 ? r : 0;
	return ovl_sink_add(sink, OVL_P_REDIRECT_NUL, v->loc, quoted(v, sink),
			    ovl_sink_quote(sink, red.path));
}

/* How deep in a layer an absolute redirect leads; of a relative one nothing is known: 0. */
static size_t target_depth(const struct ovl_redirect *red)
{
	size_t n = 0;

	for (size_t i = 0; red->absolute && i < red->path.len; i++)
		n += red->path.data[i] == '/';
	return n;
}

/** Why a redirected directory stands alone. */
enum lack {
	LACK_NOTHING,   /* it does not, or something else is to blame */
	LACK_TARGET,    /* there is nothing, or a whiteout, where the redirect leads */
	LACK_DIRECTORY, /* something that is no directory */
};

/*
 * Looks again, for what was met.
 */
static int find_lack(const struct ovl_view *v, enum lack *ret, const struct ovl_link **ret_met)
{
	const struct ovl_chain *chain;
	const struct ovl_link *met;
	const struct ovl_hit *hit;
	struct ovl_redirect red;
	int r = is_heeded(v);

	*ret = LACK_NOTHING;
	*ret_met = NULL;
	if (r <= 0 || ovl_redirect_parse(v->obs->x[OVL_X_REDIRECT], &red) < 0 ||
	    (red.flaws & OVL_REDIRECT_DOTDOT))
		return r < 0 ? r : 0;
	r = ovl_view_below(v, &hit);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (hit->result < 0 || hit->n_lower > (v->role == OVL_ROLE_UPPER ? 0u : 1u))
		return 0;
	r = ovl_target_is_lost(v);
	if (r != 0)
		return r < 0 ? r : 0;
	r = ovl_chain_of(v, &chain);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	met = ovl_chain_obstacle(chain);
	/* A file in the middle of the path is not what the redirect leads to. */
	if (met && ovl_path_depth(met->loc.path) < target_depth(&red))
		met = NULL;
	*ret_met = met;
	*ret = met && met->kind != OVL_KIND_WHITEOUT && met->kind != OVL_KIND_XWHITEOUT ?
		       LACK_DIRECTORY :
		       LACK_TARGET;
	return 0;
}

static int report_lack(const struct ovl_view *v, struct ovl_sink *sink, enum lack wanted,
		       enum ovl_problem_id problem)
{
	const struct ovl_link *met;
	enum lack lack;
	int r = find_lack(v, &lack, &met);

	if (r < 0 || lack != wanted)
		return r;
	return ovl_sink_add_about(
		sink, problem, ovl_problem_get(problem)->severity, v->loc, met ? met->loc : nowhere,
		met ? ovl_sink_text(sink, "redirect=%s, and there is a %s",
				    ovl_sink_quote(sink, v->obs->x[OVL_X_REDIRECT]),
				    ovl_kind_name(met->kind)) :
		      ovl_sink_text(sink, "redirect=%s, and no layer below has that",
				    ovl_sink_quote(sink, v->obs->x[OVL_X_REDIRECT])),
		"a directory to be merged with");
}

int ovl_check_redirect_target_missing(const struct ovl_view *v, struct ovl_sink *sink)
{
	return report_lack(v, sink, LACK_TARGET, OVL_P_REDIRECT_TARGET_MISSING);
}

int ovl_check_redirect_target_type(const struct ovl_view *v, struct ovl_sink *sink)
{
	return report_lack(v, sink, LACK_DIRECTORY, OVL_P_REDIRECT_TARGET_TYPE);
}

int ovl_check_redirect_with_opaque(const struct ovl_view *v, struct ovl_sink *sink)
{
	int last;

	if (!is_opaque(v))
		return 0;
	last = is_last(v);
	if (last != 0)
		return last < 0 ? last : 0;
	return ovl_sink_add(sink, OVL_P_REDIRECT_WITH_OPAQUE, v->loc,
			    ovl_sink_text(sink, "opaque=\"y\" and redirect=%s",
					  ovl_sink_quote(sink, v->obs->x[OVL_X_REDIRECT])),
			    "one of the two");
}

int ovl_check_redirect_stale_file(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (v->obs->kind == OVL_KIND_REG && ovl_obs_has(v->obs, OVL_X_METACOPY))
		return 0;
	return ovl_sink_add(sink, OVL_P_REDIRECT_STALE_FILE, v->loc, quoted(v, sink), "");
}

int ovl_check_redirect_overlong(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_redirect red;
	int r = is_heeded(v);

	if (r <= 0 || ovl_redirect_parse(v->obs->x[OVL_X_REDIRECT], &red) < 0 ||
	    red.path.len <= REDIRECT_MAX)
		return r < 0 ? r : 0;
	return ovl_sink_add(sink, OVL_P_REDIRECT_OVERLONG, v->loc,
			    ovl_sink_text(sink, "%zu bytes; the kernel writes %d at most",
					  red.path.len, REDIRECT_MAX),
			    "");
}

/* Is the data of this file where its own redirect says, in a data-only layer? */
static bool leads_to_data(const struct ovl_view *v, const struct ovl_hit *hit)
{
	struct ovl_redirect red;

	return hit->result == 0 && hit->lazy_data && (v->obs->xmask & OVL_XBIT(REDIRECT)) &&
	       ovl_redirect_parse(v->obs->x[OVL_X_REDIRECT], &red) == 0 && red.absolute &&
	       strlen(hit->lazy_data) == red.path.len &&
	       memcmp(hit->lazy_data, red.path.data, red.path.len) == 0;
}

/* Answers of open(2) that say where a path leads; after any other nothing is known. */
static bool is_answer(int err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -ELOOP || err == -EXDEV ||
	       err == -ENAMETOOLONG;
}

int ovl_check_redirect_escape_data(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_found storage = { 0 };
	const struct ovl_found *data;
	const struct ovl_hit *hit;
	int r;

	if (v->stack->n_data == 0)
		return 0;
	r = ovl_view_below(v, &hit);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!leads_to_data(v, hit))
		return 0;
	r = ovl_lookup_data(v->stack, hit, &storage, &data);
	ovl_found_done(&storage);
	if (r == 0 || r == -ENOMEM)
		return r;
	if (!is_answer(r))
		return ovl_sink_unreadable(sink, v->loc, "follow its redirect", r);
	return ovl_sink_add(sink, OVL_P_REDIRECT_ESCAPE_DATA, v->loc,
			    ovl_sink_text(sink, "redirect=%s: %s",
					  ovl_sink_quote(sink, v->obs->x[OVL_X_REDIRECT]),
					  strerror(-r)),
			    "a regular file there in a data-only layer");
}
