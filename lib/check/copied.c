/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copied layers, told from a wrong topmost lower by where the origins of the upper lead.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/claim.h"
#include "check/copied.h"
#include "check/index_root.h"

#include "base/banned.h"

/* One foreign origin may be an accident. */
enum { MANY = 2 };

static int read_xattr(struct ovl_stack *stack, const struct ovl_layer *layer, enum ovl_xattr_id id,
		      struct ovl_buf *value)
{
	const char *name = ovl_xattr_name(id, stack->config.userxattr);

	return stack->reader->ops->get_xattr(stack->reader, layer->root.fd, "", name, value);
}

/* The same inode of the same or another file system, by the bytes of the inner handle alone. */
static bool is_same_fid(struct ovl_stack *stack, const struct ovl_fh *stored, struct ovl_fh *now,
			unsigned char blob[OVL_FH_MAX_LEN])
{
	int len = ovl_origin_of_root(stack, 1, 0, blob);

	return len >= 0 && ovl_fh_parse((struct ovl_bytes){ blob, (size_t)len }, now) == 0 &&
	       stored->type == now->type && stored->fid.len == now->fid.len &&
	       memcmp(stored->fid.data, now->fid.data, now->fid.len) == 0;
}

static bool is_null_uuid(const uint8_t uuid[16])
{
	static const uint8_t none[16];

	return memcmp(uuid, none, sizeof(none)) == 0;
}

/* The lower layer whose root a handle leads to; 0: none. */
static int layer_of(struct ovl_stack *stack, struct ovl_bytes raw)
{
	struct ovl_origin origin;

	ovl_origin_decode(stack, raw, 1, (int)stack->n_lower, false, &origin);
	for (int n = 1; origin.state == OVL_ORIGIN_FOUND && n <= (int)stack->n_lower; n++) {
		const struct ovl_stat *root = &ovl_stack_layer(stack, n)->root.stat;

		if (root->dev == origin.stat.dev && root->ino == origin.stat.ino)
			return n;
	}
	return 0;
}

static enum ovl_copied judge_root(struct ovl_stack *stack, struct ovl_bytes raw, int *ret_layer)
{
	unsigned char blob[OVL_FH_MAX_LEN];
	struct ovl_fh stored, now;

	if (ovl_index_root_compare(stack, raw, 1) != OVL_INDEX_HANDLE_OTHER ||
	    ovl_fh_parse(raw, &stored) < 0 || (stored.flags & OVL_FH_FLAG_PATH_UPPER))
		return OVL_COPIED_NO;
	if (is_same_fid(stack, &stored, &now, blob) &&
	    is_null_uuid(stored.uuid) != is_null_uuid(now.uuid))
		return OVL_COPIED_BYTES;
	if (ret_layer)
		*ret_layer = layer_of(stack, raw);
	return OVL_COPIED_TOP;
}

int ovl_copied_root(const struct ovl_view *v, enum ovl_copied *ret, int *ret_layer)
{
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	const struct ovl_layer *upper = &v->stack->layer[0], *top = &v->stack->layer[1];
	int r;

	*ret = OVL_COPIED_NO;
	/* Without file handles, or with doubtful ones, the kernel does not compare. */
	if (!v->stack->has_upper || !top->root.has_handles || top->bad_uuid)
		return 0;
	r = read_xattr(v->stack, upper, OVL_X_ORIGIN, &value);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	*ret = judge_root(v->stack, ovl_buf_bytes(&value), ret_layer);
	return 0;
}

uint64_t ovl_copied_count(const struct ovl_view *v)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v->facts->origin.len; i++)
		n += ovl_claim_is_outside(v, &v->facts->origin.data[i]);
	return n;
}

/* An index that names another upper was copied along with this one. */
static int index_is_copied(struct ovl_stack *stack, bool *ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	int r;

	*ret = false;
	if (stack->index.root.fd < 0)
		return 0;
	r = read_xattr(stack, &stack->index, OVL_X_UPPER, &value);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	*ret = ovl_index_root_compare(stack, ovl_buf_bytes(&value), OVL_LAYER_UPPER) ==
	       OVL_INDEX_HANDLE_OTHER;
	return 0;
}

static bool has_root_origin(const struct ovl_stack *stack)
{
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };

	return read_xattr((struct ovl_stack *)stack, &stack->layer[0], OVL_X_ORIGIN, &value) !=
	       -ENODATA;
}

int ovl_copied_judge(const struct ovl_view *v, enum ovl_copied *ret)
{
	const struct ovl_facts *facts = v->facts;
	bool copied = false;
	int layer = 0, r = ovl_copied_root(v, ret, &layer);

	if (r < 0 || *ret == OVL_COPIED_BYTES)
		return r;
	if (*ret == OVL_COPIED_NO) {
		if (v->stack->has_upper && facts->n_home == 0 && !has_root_origin(v->stack) &&
		    ovl_copied_count(v) >= MANY)
			*ret = OVL_COPIED_OLD;
		return 0;
	}
	if (layer > 0)
		return 0; /* the layers are in another order */
	r = index_is_copied(v->stack, &copied);
	if (r == 0 && !copied)
		copied = facts->n_home == 0 && (facts->n_stale > 0 || ovl_copied_count(v) > 0);
	if (r == 0 && copied)
		*ret = OVL_COPIED_ALL;
	return r;
}
