/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Following a metacopy file down: an ordinary lookup, listened to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check/chain.h"
#include "format/metacopy.h"

#include "base/banned.h"

struct follow {
	struct ovl_chain *chain;
	int layer; /* of the metacopy file itself */
	bool failed;
};

static void note_digest(struct ovl_link *link, const struct ovl_obs *obs)
{
	struct ovl_metacopy value;

	if (!(obs->xmask & OVL_XBIT(METACOPY)) ||
	    ovl_metacopy_parse(obs->x[OVL_X_METACOPY], &value) != OVL_METACOPY_GOOD ||
	    value.digest.len == 0)
		return;
	link->has_digest = true;
	link->digest_len = (unsigned)value.digest.len;
	memcpy(link->digest, value.digest.data, value.digest.len);
}

/* Told of every component that is looked at; the last one in a layer is what counts there. */
static void keep(void *ctx, const struct ovl_step *step)
{
	struct follow *f = ctx;
	struct ovl_chain *chain = f->chain;
	struct ovl_link link = { .loc = { step->layer, ovl_path_ref(step->path) },
				 .used = step->used };

	if (step->layer == f->layer) {
		ovl_path_unref((struct ovl_path *)link.loc.path);
		return;
	}
	if (chain->link.len > 0 && chain->link.data[chain->link.len - 1].loc.layer == step->layer) {
		chain->link.len--;
		ovl_path_unref((struct ovl_path *)chain->link.data[chain->link.len].loc.path);
	}
	if (step->obs) {
		link.stat = step->obs->stat;
		link.kind = step->obs->kind;
		link.metacopy = link.kind == OVL_KIND_REG && ovl_obs_has(step->obs, OVL_X_METACOPY);
		note_digest(&link, step->obs);
	}
	if (!step->obs || ovl_vec_push(&chain->link, link) < 0) {
		f->failed |= step->obs != NULL;
		ovl_path_unref((struct ovl_path *)link.loc.path);
	}
}

static int follow(const struct ovl_view *v, struct ovl_chain *chain)
{
	struct follow f = { .chain = chain, .layer = v->loc.layer };
	struct ovl_entry *parent;
	int r = v->dir ? ovl_scan_entry(v->dir, &parent) : -ENOENT;

	if (r < 0)
		return r;
	r = ovl_lookup_seen(v->stack, parent, v->name, v->has_stat ? v->obs : NULL, keep, &f,
			    &chain->hit);
	return f.failed ? -ENOMEM : r;
}

int ovl_chain_of(const struct ovl_view *v, const struct ovl_chain **ret)
{
	struct ovl_chain *chain = v->shared->chain;
	int r;

	if (!chain) {
		chain = calloc(1, sizeof(*chain));
		r = chain ? follow(v, chain) : -ENOMEM;
		if (r < 0) {
			ovl_chain_free(chain);
			return r;
		}
		v->shared->chain = chain;
	}
	*ret = chain;
	return 0;
}

void ovl_chain_free(struct ovl_chain *chain)
{
	if (!chain)
		return;
	for (size_t i = 0; i < chain->link.len; i++)
		ovl_path_unref((struct ovl_path *)chain->link.data[i].loc.path);
	ovl_vec_done(&chain->link);
	ovl_hit_done(&chain->hit);
	free(chain);
}

const struct ovl_link *ovl_chain_next(const struct ovl_chain *chain)
{
	for (size_t i = 0; i < chain->link.len; i++)
		if (chain->link.data[i].used && chain->link.data[i].kind == OVL_KIND_REG)
			return &chain->link.data[i];
	return NULL;
}

const struct ovl_link *ovl_chain_obstacle(const struct ovl_chain *chain)
{
	const struct ovl_link *last;

	if (chain->link.len == 0)
		return NULL;
	last = &chain->link.data[chain->link.len - 1];
	return last->used && last->kind == OVL_KIND_REG ? NULL : last;
}
