/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Redirects against each other: does more than one name lead to a lower directory, and do all names of
 * a metacopy file lead to the same data?
 *
 * A second name in a lower layer does no harm but that everything is shown twice: there the kernel
 * keeps an inode for each of the directories that redirect.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/target.h"
#include "overlayfs/stack.h"

#include "base/banned.h"

/* Of redirects in lower layers so many are asked whether a layer above hides them. */
enum { KEEPER_TRIES = 64 };

static bool is_same_target(const struct ovl_fact_redirect *a, const struct ovl_fact_redirect *b)
{
	return a->target.layer == b->target.layer &&
	       ovl_path_compare(a->target.path, b->target.path) == 0;
}

/* Of two layers that have it at one path, only the upper one is seen. */
static bool is_hidden_by(const struct ovl_fact_redirect *red,
			 const struct ovl_fact_redirect *keeper)
{
	return red->source.layer != keeper->source.layer &&
	       ovl_path_compare(red->source.path, keeper->source.path) == 0;
}

/* Is it seen at all? One that has no directory of a layer above at its path is. */
static bool is_seen(const struct ovl_fact_redirect *red, const struct ovl_fact_redirect *one)
{
	for (; red < one && red->source.layer != one->source.layer; red++)
		if (is_hidden_by(one, red))
			return false;
	return true;
}

/* A directory that somebody made by hand has no origin; what the index leads to is no copy. */
static int claim_of(const struct ovl_facts *facts, const struct ovl_fact_redirect *red)
{
	const struct ovl_key key = { red->source_stat.ino, 0 };

	if (red->source.layer == OVL_LAYER_UPPER && facts->index_judged &&
	    ovl_map_get(&facts->index_dir, key))
		return 2;
	return red->has_origin;
}

/*
 * The keeper is one of the lowest layer, which others may stand on; of one layer the first that has the
 * best claim.
 */
static const struct ovl_fact_redirect *find_keeper(const struct ovl_facts *facts,
						   const struct ovl_fact_redirect *red, size_t n)
{
	const struct ovl_fact_redirect *keeper = NULL;
	unsigned tries = 0;

	for (size_t i = n; i-- > 0 && tries < KEEPER_TRIES;) {
		const struct ovl_fact_redirect *one = &red[i];

		if (keeper && one->source.layer != keeper->source.layer)
			break;
		if (keeper && claim_of(facts, keeper) > claim_of(facts, one))
			continue;
		if (one->source.layer != red[0].source.layer) {
			tries++;
			if (!is_seen(red, one))
				continue;
		}
		keeper = one;
	}
	return keeper ? keeper : red;
}

/* Two of the upper are in each other's way; beside one of a lower everything is shown twice. */
static enum ovl_severity severity_of(const struct ovl_fact_redirect *red, size_t n, size_t i)
{
	if (red[i].source.layer != OVL_LAYER_UPPER)
		return OVL_SEV_INFO;
	return n > 1 && red[1].source.layer == OVL_LAYER_UPPER ? OVL_SEV_ERROR : OVL_SEV_WARNING;
}

/* Redirects to one target, those of the upper first. */
static int check_target(const struct ovl_facts *facts, const struct ovl_fact_redirect *red,
			size_t n, struct ovl_sink *sink)
{
	const struct ovl_fact_redirect *keeper = find_keeper(facts, red, n);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (&red[i] == keeper || is_hidden_by(&red[i], keeper))
			continue;
		r = ovl_sink_add_about(sink, OVL_P_REDIRECT_DUPLICATE, severity_of(red, n, i),
				       red[i].source, keeper->source,
				       ovl_sink_text(sink, "both lead to %s",
						     ovl_sink_place(sink, red[i].target)),
				       "a lower directory of its own");
	}
	return r;
}

int ovl_check_redirect_duplicate(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_fact_redirect *red = v->facts->redirect.data;
	size_t len = v->facts->redirect.len, n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < len; i += n) {
		for (n = 1; i + n < len && is_same_target(&red[i], &red[i + n]); n++)
			;
		r = check_target(v->facts, &red[i], n, sink);
	}
	return r;
}

static int report_uncovered(const struct ovl_fact_redirect *red, const struct ovl_path *path,
			    struct ovl_sink *sink)
{
	_cleanup_free_ char *name = ovl_stack_path((struct ovl_loc){ OVL_LAYER_NONE, path });

	if (!name)
		return -ENOMEM;
	return ovl_sink_add_about(
		sink, OVL_P_REDIRECT_UNCOVERED, OVL_SEV_ERROR, red->source, red->target,
		ovl_sink_text(sink, "the lower directory is shown as %s too",
			      ovl_sink_quote(sink, (struct ovl_bytes){ (const unsigned char *)name,
								       strlen(name) })),
		"a whiteout, or another object, at the old name");
}

static bool is_source(const struct ovl_view *v, const struct ovl_path *path, struct ovl_loc target)
{
	const struct ovl_fact_redirect *red;
	size_t n = ovl_facts_redirects_to(v->facts, target, &red);

	for (size_t i = 0; i < n; i++)
		if (red[i].source.layer == OVL_LAYER_UPPER &&
		    ovl_path_compare(red[i].source.path, path) == 0)
			return true;
	return false;
}

int ovl_check_redirect_uncovered(const struct ovl_view *v, struct ovl_sink *sink)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->facts->redirect.len; i++) {
		const struct ovl_fact_redirect *red = &v->facts->redirect.data[i];
		struct ovl_path *path;

		if (red->source.layer != OVL_LAYER_UPPER)
			continue;
		r = ovl_view_name_uncovered(v->stack, v->facts, red->target, &red->target_stat,
					    red->source.path, &path);
		if (r <= 0)
			continue;
		/* Another directory that redirects to it may stand at the old name. */
		r = is_source(v, path, red->target) ? 0 : report_uncovered(red, path, sink);
		ovl_path_unref(path);
	}
	return r;
}

/* Nothing under any name: then the redirect is not to blame. */
static int report_lost(const struct ovl_fact_link *link, struct ovl_sink *sink)
{
	return ovl_sink_add(sink, OVL_P_META_NO_LOWERDATA,
			    (struct ovl_loc){ OVL_LAYER_UPPER, link->lost },
			    link->names > 1 ?
				    "its relative redirect leads nowhere, from any of its names" :
				    "its relative redirect leads nowhere",
			    "a regular file with the data in a layer below");
}

int ovl_check_redirect_relative_hardlinked(const struct ovl_view *v, struct ovl_sink *sink)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->facts->link.len; i++) {
		const struct ovl_fact_link *link = &v->facts->link.data[i];
		struct ovl_loc loc = { OVL_LAYER_UPPER, link->lost ? link->lost : link->path };

		if (!link->metacopy || !link->relative_redirect ||
		    (link->n_lost == 0 && !link->heads_differ))
			continue;
		if (link->n_lost == link->names) {
			r = report_lost(link, sink);
			continue;
		}
		r = ovl_sink_add_about(
			sink, OVL_P_REDIRECT_RELATIVE_HARDLINKED, OVL_SEV_ERROR, loc,
			(struct ovl_loc){ link->lost ? OVL_LAYER_UPPER : OVL_LAYER_NONE,
					  link->path },
			link->lost ? "the data is found under another name of the file only" :
				     "one name leads to other data than another",
			"an absolute redirect");
	}
	return r;
}
