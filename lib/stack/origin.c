/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Following origin handles. Two handles can mean the same inode (XFS encodes it in two ways), so
 * besides decoding the inode is encoded again and the bytes are compared.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "stack/origin.h"

#include "base/banned.h"

static bool is_null_uuid(const uint8_t uuid[16])
{
	static const uint8_t none[16];

	return memcmp(uuid, none, sizeof(none)) == 0;
}

/*
 * A lower file system without uuid may be another one than last time, so its handles are followed
 * only with options that forbid such a change. Kernel: ovl_allow_offline_changes().
 */
static bool follows_null_uuid(const struct ovl_stack *s)
{
	return s->config.index == OVL_ON || s->given->metacopy == OVL_ON ||
	       s->given->redirect_dir == OVL_REDIRECT_ON || s->given->xino == OVL_XINO_ON;
}

static bool uuid_fits(const struct ovl_stack *s, const struct ovl_layer *layer,
		      const struct ovl_fh *fh)
{
	if (s->config.uuid == OVL_UUID_OFF)
		return is_null_uuid(fh->uuid);
	/* Nobody told how it is mounted: handles without uuid were written with uuid=off. */
	if (s->given->uuid == OVL_UUID_UNSET && s->one_fs && is_null_uuid(fh->uuid))
		return true;
	if (!layer->root.has_uuid || layer->bad_uuid)
		return false;
	if (is_null_uuid(fh->uuid) && !follows_null_uuid(s) &&
	    layer->root.stat.dev != s->layer[0].root.stat.dev)
		return false;
	return memcmp(layer->root.uuid, fh->uuid, sizeof(fh->uuid)) == 0;
}

/* Was this file system tried with a layer further up? */
static bool tried_before(const struct ovl_stack *s, int from, int layer)
{
	const struct ovl_root *root = &ovl_stack_layer(s, layer)->root;

	for (int n = from; n < layer; n++)
		if (ovl_stack_layer(s, n)->root.stat.dev == root->stat.dev)
			return true;
	return false;
}

static int decode_at(struct ovl_stack *s, int layer, bool compare, struct ovl_origin *o)
{
	struct ovl_reader *r = s->reader;
	struct ovl_fid fid = { .type = o->fh.type, .len = (unsigned)o->fh.fid.len }, again;
	int fd = -1, err;

	memcpy(fid.data, o->fh.fid.data, o->fh.fid.len);
	err = r->ops->decode(r, ovl_stack_layer(s, layer)->root.fd, &fid, &o->stat,
			     compare ? &fd : NULL);
	if (err < 0)
		return err;
	if (compare) {
		err = r->ops->encode(r, fd, "", &again);
		r->ops->close(r, fd);
		if (err < 0 && err != -EOPNOTSUPP)
			return err;
		o->same_bytes = err == 0 && (again.type & 0xff) == o->fh.type &&
				again.len == fid.len && memcmp(again.data, fid.data, fid.len) == 0;
	}
	o->state = OVL_ORIGIN_FOUND;
	o->layer = layer;
	o->kind = ovl_kind_of(&o->stat);
	return 0;
}

void ovl_origin_decode(struct ovl_stack *stack, struct ovl_bytes raw, int from, int to,
		       bool compare, struct ovl_origin *ret)
{
	int r;

	*ret = (struct ovl_origin){ .state = OVL_ORIGIN_EMPTY };
	if (raw.len == 0)
		return;
	r = ovl_fh_parse(raw, &ret->fh);
	if (r < 0) {
		ret->state = r == -ENODATA ? OVL_ORIGIN_FOREIGN : OVL_ORIGIN_MALFORMED;
		return;
	}
	ret->state = OVL_ORIGIN_NO_LAYER;
	for (int n = from; n <= to; n++) {
		const struct ovl_layer *layer = ovl_stack_layer(stack, n);

		if (layer->root.fd < 0 || !uuid_fits(stack, layer, &ret->fh) ||
		    tried_before(stack, from, n))
			continue;
		r = decode_at(stack, n, compare, ret);
		if (r == 0)
			return;
		if (r == -ESTALE || r == -EOPNOTSUPP || r == -EINVAL) {
			if (ret->state != OVL_ORIGIN_UNKNOWN)
				ret->state = OVL_ORIGIN_STALE;
			continue;
		}
		ret->state = OVL_ORIGIN_UNKNOWN;
		ret->err = r;
	}
}

int ovl_origin_of(struct ovl_stack *stack, int layer, int dir, const char *name, uint8_t flags,
		  unsigned char *ret_raw)
{
	static const uint8_t none[16];
	const struct ovl_layer *l = ovl_stack_layer(stack, layer);
	const uint8_t *uuid =
		l->root.has_uuid && stack->config.uuid != OVL_UUID_OFF ? l->root.uuid : none;
	struct ovl_fid fid;
	int r = stack->reader->ops->encode(stack->reader, dir, name, &fid);

	if (r < 0)
		return r;
	return ovl_fh_build(flags, (uint8_t)fid.type, uuid, (struct ovl_bytes){ fid.data, fid.len },
			    ret_raw);
}

int ovl_origin_of_root(struct ovl_stack *stack, int layer, uint8_t flags, unsigned char *ret_raw)
{
	return ovl_origin_of(stack, layer, ovl_stack_layer(stack, layer)->root.fd, "", flags,
			     ret_raw);
}
