/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metacopy files: is their data where the kernel will look for it, and is it the right one?
 *
 * Each metacopy file of each layer is judged by the next object of its chain only, so that one cause
 * gives one finding: what is wrong further down is found at the object there.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/chain.h"
#include "check/target.h"
#include "format/metacopy.h"
#include "format/redirect.h"

#include "base/banned.h"

static const struct ovl_loc nowhere = { OVL_LAYER_NONE, NULL };

static bool in_last_layer(const struct ovl_view *v)
{
	return v->role == OVL_ROLE_LOWER && v->loc.layer == (int)v->stack->n_lower;
}

/* The redirect in force here, if it is an absolute one. */
static bool has_absolute_redirect(const struct ovl_view *v)
{
	struct ovl_redirect red;

	return (v->obs->xmask & OVL_XBIT(REDIRECT)) &&
	       ovl_redirect_parse(v->obs->x[OVL_X_REDIRECT], &red) == 0 && red.absolute;
}

/*
 * Is the lack of data what something else leads to that is a finding? A redirect on the way that leads
 * nowhere; or a relative redirect that several names of the file share, which is judged when all are
 * known, see ovl_check_redirect_relative_hardlinked(). 1, 0 or -ENOMEM.
 */
static int is_consequence(const struct ovl_view *v)
{
	struct ovl_redirect red;

	if (v->role == OVL_ROLE_UPPER && v->obs->stat.nlink > 1 &&
	    (v->obs->xmask & OVL_XBIT(REDIRECT)) &&
	    ovl_redirect_parse(v->obs->x[OVL_X_REDIRECT], &red) == 0 && !red.absolute)
		return 1;
	return ovl_target_is_lost(v);
}

/* Why a metacopy file has no data. */
enum lack {
	LACK_NOTHING,   /* it has data, or another rule tells why not */
	LACK_LOWERDATA, /* nothing where the data should be */
	LACK_REGULAR,   /* something else is in its place */
	LACK_ORDINARY,  /* the data is in a data-only layer, but no ordinary layer leads to it */
	LACK_LAYER,     /* the last layer: there is no layer below at all */
};

/* Is there a file in a data-only layer, where a metacopy file of the upper may not lead directly? */
static int leads_to_data_layer(const struct ovl_view *v, const struct ovl_chain *chain)
{
	struct ovl_found storage = { 0 };
	const struct ovl_found *data;
	struct ovl_hit lazy = { .upper_metacopy = true,
				.has_upper = true,
				.lazy_data = chain->hit.redirect };
	int r;

	if (v->stack->n_data == 0 || v->role != OVL_ROLE_UPPER || !has_absolute_redirect(v))
		return 0;
	r = ovl_lookup_data(v->stack, &lazy, &storage, &data);
	ovl_found_done(&storage);
	return r == -ENOMEM ? r : r == 0;
}

static int find_lack(const struct ovl_view *v, const struct ovl_chain *chain, enum lack *ret)
{
	const struct ovl_link *obstacle = ovl_chain_obstacle(chain);
	int r;

	*ret = LACK_NOTHING;
	if (chain->hit.result != -EIO || chain->hit.why != OVL_WHY_NO_LOWERDATA)
		return 0;
	r = is_consequence(v);
	if (r != 0)
		return r < 0 ? r : 0;
	if (ovl_chain_next(chain))
		return 0; /* the chain breaks further down: that object has the finding */
	if (in_last_layer(v)) {
		*ret = LACK_LAYER;
		return 0;
	}
	r = leads_to_data_layer(v, chain);
	if (r < 0)
		return r;
	if (r > 0)
		*ret = LACK_ORDINARY;
	else if (obstacle && obstacle->kind != OVL_KIND_WHITEOUT &&
		 obstacle->kind != OVL_KIND_XWHITEOUT && obstacle->kind != OVL_KIND_REG)
		*ret = LACK_REGULAR;
	else
		*ret = LACK_LOWERDATA;
	return 0;
}

/* What lookup met instead of the data, in words. */
static const char *met(struct ovl_sink *sink, const struct ovl_chain *chain)
{
	const struct ovl_link *obstacle = ovl_chain_obstacle(chain);

	if (!obstacle)
		return chain->hit.redirect ?
			       ovl_sink_text(
				       sink, "nothing at %s in the layers below",
				       ovl_sink_quote(
					       sink,
					       (struct ovl_bytes){
						       (const unsigned char *)chain->hit.redirect,
						       strlen(chain->hit.redirect) })) :
			       "nothing of this name in the layers below";
	return ovl_sink_text(sink, "a %s at %s", ovl_kind_name(obstacle->kind),
			     ovl_sink_place(sink, obstacle->loc));
}

static int report_lack(const struct ovl_view *v, struct ovl_sink *sink, enum lack wanted,
		       enum ovl_problem_id problem, const char *expected)
{
	const struct ovl_chain *chain;
	enum lack lack;
	int r = ovl_chain_of(v, &chain);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = find_lack(v, chain, &lack);
	if (r == 0 && lack == wanted) {
		const char *found = wanted == LACK_LAYER    ? "no layer below this one" :
				    wanted == LACK_ORDINARY ? "a redirect into a data-only layer" :
							      met(sink, chain);

		r = ovl_sink_add(sink, problem, v->loc, found, expected);
	}
	return r;
}

int ovl_check_meta_no_lowerdata(const struct ovl_view *v, struct ovl_sink *sink)
{
	return report_lack(v, sink, LACK_LOWERDATA, OVL_P_META_NO_LOWERDATA,
			   "a regular file with the data in a layer below");
}

int ovl_check_meta_type_chain(const struct ovl_view *v, struct ovl_sink *sink)
{
	return report_lack(v, sink, LACK_REGULAR, OVL_P_META_TYPE_CHAIN,
			   "a regular file with the data there");
}

int ovl_check_meta_in_last_layer(const struct ovl_view *v, struct ovl_sink *sink)
{
	return report_lack(v, sink, LACK_LAYER, OVL_P_META_IN_LAST_LAYER,
			   "metacopy only above a layer that has the data");
}

int ovl_check_meta_upper_to_data_direct(const struct ovl_view *v, struct ovl_sink *sink)
{
	return report_lack(v, sink, LACK_ORDINARY, OVL_P_META_UPPER_TO_DATA_DIRECT,
			   "a metacopy file in an ordinary lower layer between");
}

int ovl_check_meta_not_mountable(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_hit *hit;
	int r = ovl_view_below(v, &hit);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (hit->result != -EPERM)
		return 0;
	return ovl_sink_add(sink, OVL_P_META_NOT_MOUNTABLE, v->loc,
			    hit->why == OVL_WHY_METACOPY_OFF ?
				    "the options say metacopy=off" :
				    "the options say redirect_dir=nofollow",
			    "metacopy=on");
}

int ovl_check_meta_nonregular(const struct ovl_view *v, struct ovl_sink *sink)
{
	return ovl_sink_add(sink, OVL_P_META_NONREGULAR, v->loc,
			    ovl_sink_text(sink, "metacopy on a %s", ovl_kind_name(v->obs->kind)),
			    "metacopy on regular files only");
}

int ovl_check_meta_value(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_metacopy value;
	enum ovl_metacopy_state state;

	if (!(v->obs->xmask & OVL_XBIT(METACOPY)))
		return 0;
	state = ovl_metacopy_parse(v->obs->x[OVL_X_METACOPY], &value);
	if (state == OVL_METACOPY_GOOD)
		return 0;
	/* Only 1 to 3 bytes are refused by every kernel; the rest matters with verity. */
	return ovl_sink_add_about(sink, OVL_P_META_VALUE,
				  state == OVL_METACOPY_TOO_SMALL ? OVL_SEV_ERROR : OVL_SEV_WARNING,
				  v->loc, nowhere, ovl_sink_hex(sink, v->obs->x[OVL_X_METACOPY]),
				  "no value, or version 0, its own length, no flags and a digest");
}

int ovl_check_meta_size_mismatch(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_chain *chain;
	const struct ovl_link *next;
	struct ovl_found storage = { 0 };
	const struct ovl_found *data = NULL;
	struct ovl_loc where = nowhere;
	uint64_t size = v->obs->stat.size;
	int r = ovl_chain_of(v, &chain);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	next = ovl_chain_next(chain);
	if (next) {
		size = next->stat.size;
		where = next->loc;
	} else if (chain->hit.result == 0 && chain->hit.lazy_data &&
		   ovl_lookup_data(v->stack, &chain->hit, &storage, &data) == 0) {
		size = data->stat.size;
		where = (struct ovl_loc){ data->layer, data->path };
	}
	if (size != v->obs->stat.size)
		r = ovl_sink_add_about(
			sink, OVL_P_META_SIZE_MISMATCH, OVL_SEV_WARNING, v->loc, where,
			ovl_sink_text(sink, "%llu bytes here, %llu where the data is",
				      (unsigned long long)v->obs->stat.size,
				      (unsigned long long)size),
			"the same size");
	ovl_found_done(&storage);
	return r;
}
