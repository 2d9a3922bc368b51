/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claims to lower inodes, judged when all layers were walked.
 */
#include "check/claim.h"

#include "base/banned.h"

#define FS_FUSE 0x65735546u

struct ovl_loc ovl_claim_loc(const struct ovl_fact_origin *claim)
{
	return (struct ovl_loc){ OVL_LAYER_UPPER, claim->path };
}

bool ovl_claim_is_outside(const struct ovl_view *v, const struct ovl_fact_origin *claim)
{
	const struct ovl_stack *stack = v->stack;
	const struct ovl_fact_name *names;
	const struct ovl_root *root = &ovl_stack_layer(stack, claim->layer)->root;

	if (v->facts->missed_names || root->fs_type == OVL_FS_OVERLAY || root->fs_type == FS_FUSE)
		return false;
	if (ovl_map_get(&stack->traps, claim->key)) /* the root of a layer is no entry of it */
		return false;
	return ovl_facts_names(v->facts, claim->key.a, claim->key.b, &names) == 0;
}

int ovl_claim_is_used(const struct ovl_view *v, const struct ovl_fact_origin *claim,
		      uint64_t *ret_ino)
{
	struct ovl_hit hit;
	int r = ovl_lookup_path(v->stack, OVL_LAYER_UPPER, claim->path, &hit, NULL);
	bool used;

	if (r < 0)
		return r;
	used = hit.result == 0 && hit.has_upper;
	if (used && hit.upper_metacopy)
		used = hit.n_lower > 0 && ovl_claim_is_inode(claim, &hit.lower[0]);
	if (used && ret_ino)
		*ret_ino = hit.upper.stat.ino;
	ovl_hit_done(&hit);
	return used;
}

/*
 * Is a directory above a lower object shown under its own name although a redirect leads to it? Then
 * that is the finding, and all that is in it is shown twice.
 * @path: where the overlay shows the object
 */
static bool is_in_uncovered(const struct ovl_view *v, struct ovl_loc lower,
			    const struct ovl_path *path)
{
	const struct ovl_fact_redirect *red;

	for (const struct ovl_path *p = lower.path ? lower.path->parent : NULL; p; p = p->parent) {
		size_t n = ovl_facts_redirects_above(v->facts, (struct ovl_loc){ lower.layer, p },
						     &red);

		for (size_t i = 0; i < n; i++)
			if (red[i].source.layer == OVL_LAYER_UPPER &&
			    !ovl_path_is_below(path, red[i].source.path))
				return true;
	}
	return false;
}

static int is_shown_bare(const struct ovl_view *v, const struct ovl_fact_origin *claim,
			 const struct ovl_fact_name *name)
{
	struct ovl_path *path = NULL;
	struct ovl_hit hit;
	int r = ovl_view_name_shown(v->stack, v->facts, name->loc, &name->stat, &hit, &path);

	if (r > 0) {
		r = !hit.has_upper && ovl_claim_is_inode(claim, &hit.lower[0]) &&
		    !is_in_uncovered(v, name->loc, path);
		ovl_hit_done(&hit);
		ovl_path_unref(path);
	}
	return r;
}

int ovl_claim_is_uncovered(const struct ovl_view *v, const struct ovl_fact_origin *claim,
			   const struct ovl_fact_name **ret_name)
{
	const struct ovl_fact_name *names;
	size_t n = ovl_facts_names(v->facts, claim->key.a, claim->key.b, &names);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = is_shown_bare(v, claim, &names[i]);
		if (r > 0)
			*ret_name = &names[i];
	}
	return r;
}
