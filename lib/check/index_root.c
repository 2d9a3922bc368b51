/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The handles on the roots, by which the kernel knows which upper and index belong together.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/index_root.h"

#include "base/banned.h"

bool ovl_index_root_in_force(const struct ovl_stack *stack)
{
	if (!stack->has_upper || stack->config.index != OVL_ON || !stack->layer[0].root.has_handles)
		return false;
	for (unsigned n = 1; n <= stack->n_lower; n++)
		if (!stack->layer[n].root.has_handles || stack->layer[n].bad_uuid)
			return false;
	return true;
}

static bool is_null_uuid(const uint8_t uuid[16])
{
	static const uint8_t none[16];

	return memcmp(uuid, none, sizeof(none)) == 0;
}

static bool is_same_uuid(const struct ovl_stack *stack, const struct ovl_fh *stored,
			 const struct ovl_fh *now)
{
	if (stack->given->uuid == OVL_UUID_UNSET && is_null_uuid(stored->uuid))
		return true;
	return memcmp(stored->uuid, now->uuid, sizeof(now->uuid)) == 0;
}

static bool is_same_inode(const struct ovl_stat *a, const struct ovl_stat *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

enum ovl_index_handle ovl_index_root_compare(struct ovl_stack *stack, struct ovl_bytes raw,
					     int layer)
{
	uint8_t flag = layer == OVL_LAYER_UPPER ? OVL_FH_FLAG_PATH_UPPER : 0;
	unsigned char blob[OVL_FH_MAX_LEN];
	struct ovl_origin origin;
	struct ovl_fh stored, now;
	int len;

	if (ovl_fh_parse(raw, &stored) < 0)
		return OVL_INDEX_HANDLE_NONE;
	len = ovl_origin_of_root(stack, layer, flag, blob);
	if (len >= 0 && ovl_fh_parse((struct ovl_bytes){ blob, (size_t)len }, &now) == 0 &&
	    stored.type == now.type && stored.fid.len == now.fid.len &&
	    memcmp(stored.fid.data, now.fid.data, now.fid.len) == 0 &&
	    is_same_uuid(stack, &stored, &now))
		return stored.flags == now.flags ? OVL_INDEX_HANDLE_SAME : OVL_INDEX_HANDLE_FLAG;
	ovl_origin_decode(stack, raw, layer, layer, false, &origin);
	if (origin.state == OVL_ORIGIN_FOUND &&
	    is_same_inode(&origin.stat, &ovl_stack_layer(stack, layer)->root.stat))
		return OVL_INDEX_HANDLE_ENCODED;
	return OVL_INDEX_HANDLE_OTHER;
}

/* The handle that an xattr of a root holds, compared with the root of @layer. */
static int compare_xattr(struct ovl_stack *stack, const struct ovl_layer *on, enum ovl_xattr_id id,
			 int layer, enum ovl_index_handle *ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	const char *name = ovl_xattr_name(id, stack->config.userxattr);
	int r = stack->reader->ops->get_xattr(stack->reader, on->root.fd, "", name, &value);

	if (r < 0 && r != -ENODATA && r != -EOPNOTSUPP)
		return r;
	*ret = r < 0 ? OVL_INDEX_HANDLE_NONE :
		       ovl_index_root_compare(stack, ovl_buf_bytes(&value), layer);
	return 0;
}

int ovl_index_root_origin(struct ovl_stack *stack, enum ovl_index_handle *ret)
{
	return compare_xattr(stack, ovl_stack_layer(stack, OVL_LAYER_UPPER), OVL_X_ORIGIN, 1, ret);
}

static bool fits(enum ovl_index_handle h)
{
	return h == OVL_INDEX_HANDLE_NONE || h == OVL_INDEX_HANDLE_SAME ||
	       h == OVL_INDEX_HANDLE_FLAG;
}

int ovl_index_root_judged(struct ovl_stack *stack, bool *ret)
{
	enum ovl_index_handle upper, origin;
	int r;

	*ret = false;
	if (!ovl_index_root_in_force(stack) || stack->index.root.fd < 0)
		return 0;
	r = compare_xattr(stack, &stack->index, OVL_X_UPPER, OVL_LAYER_UPPER, &upper);
	if (r == 0)
		r = ovl_index_root_origin(stack, &origin);
	if (r == 0)
		*ret = fits(upper) && fits(origin);
	return r;
}
