/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mark "impure" of an upper directory: something in it has the inode number of a lower object, so
 * listings must look each name up.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "check/claim.h"
#include "check/target.h"

#include "base/banned.h"

static const struct ovl_loc nowhere = { OVL_LAYER_NONE, NULL };

/*
 * Has a file that came from elsewhere the inode number of its origin, and a right to it? One that was
 * moved or copied in the upper itself has a finding of its own, and the mark is needed no more once that
 * is mended.
 */
static int is_rightful(const struct ovl_view *v, const struct ovl_fact_origin *claim)
{
	const struct ovl_fact_name *name;
	int r;

	if (!claim->numbered || ovl_facts_find_link(v->facts, claim->ino) ||
	    ovl_facts_is_shared(v->facts, claim->key) || ovl_claim_is_outside(v, claim))
		return 0; /* (a file with several names was counted at once) */
	r = ovl_claim_is_uncovered(v, claim, &name);
	if (r != 0)
		return r < 0 ? r : 0;
	return ovl_claim_is_used(v, claim, NULL);
}

/* Adds the files that came from elsewhere to what each directory holds. */
static int count_files(const struct ovl_view *v, unsigned *more)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < v->facts->origin.len; i++) {
		const struct ovl_fact_origin *claim = &v->facts->origin.data[i];
		size_t at;

		if (claim->is_dir)
			continue;
		at = ovl_facts_find_unmarked(v->facts, claim->path->parent);
		if (at == v->facts->unmarked.len)
			continue;
		r = is_rightful(v, claim);
		more[at] += r > 0;
	}
	return r < 0 ? r : 0;
}

/* And the redirected directories, but for those whose target another name has as well. */
static int count_dirs(const struct ovl_view *v, unsigned *more)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < v->facts->redirect.len; i++) {
		const struct ovl_fact_redirect *red = &v->facts->redirect.data[i];
		size_t at;

		if (red->source.layer != OVL_LAYER_UPPER)
			continue;
		at = ovl_facts_find_unmarked(v->facts, red->source.path->parent);
		if (at == v->facts->unmarked.len)
			continue;
		r = ovl_target_is_claimed(v, red->source.path, red->target, &red->target_stat);
		more[at] += r == 0;
	}
	return r < 0 ? r : 0;
}

static int report_unmarked(const struct ovl_fact_unmarked *dir, unsigned n, struct ovl_sink *sink)
{
	const struct ovl_loc loc = { OVL_LAYER_UPPER, dir->path };

	if (n > 0)
		return ovl_sink_add(sink, OVL_P_IMPURE_MISSING, loc,
				    ovl_sink_text(sink, "%u of its entries have an origin", n),
				    "impure=\"y\"");
	if (dir->n_merged == 0)
		return 0;
	/* With merged directories only, nobody has looked yet: the kernel sets the mark at lookup. */
	return ovl_sink_add_about(sink, OVL_P_IMPURE_MISSING, OVL_SEV_INFO, loc, nowhere,
				  ovl_sink_text(sink, "%u merged directories in it", dir->n_merged),
				  "impure=\"y\"");
}

int ovl_check_impure_missing(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_fact_unmarked *dirs = v->facts->unmarked.data;
	size_t n = v->facts->unmarked.len;
	_cleanup_free_ unsigned *more = NULL;
	bool nfs = v->stack->config.nfs_export == OVL_ON || v->stack->index.root.fd >= 0;
	int r;

	if (n == 0)
		return 0;
	more = calloc(n, sizeof(*more));
	if (!more)
		return -ENOMEM;
	r = count_files(v, more);
	/* Directories of an overlay that may have been exported are not sure to need it. */
	if (r == 0 && !nfs)
		r = count_dirs(v, more);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = report_unmarked(&dirs[i], dirs[i].n_origin + more[i], sink);
	return r;
}

int ovl_check_impure_superfluous(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_scan_dir *d = v->dir;

	if (!d->impure || d->n_origin + d->n_moved + d->n_merged + d->n_unsure > 0)
		return 0;
	return ovl_sink_add(sink, OVL_P_IMPURE_SUPERFLUOUS, v->loc, "no entry has an origin", "");
}

int ovl_check_impure_value(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_bytes value = v->obs->x[OVL_X_IMPURE];

	if (!(v->obs->xmask & OVL_XBIT(IMPURE)) || (value.len == 1 && value.data[0] == 'y'))
		return 0;
	return ovl_sink_add(sink, OVL_P_IMPURE_VALUE, v->loc,
			    ovl_sink_text(sink, "impure=%s", ovl_sink_quote(sink, value)), "\"y\"");
}
