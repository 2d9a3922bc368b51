/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stamp, to bytes and back. See stamp.h.
 */
#include "format/stamp.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "format/record.h"

#include "base/banned.h"

static const unsigned char magic[8] = { 'O', 'V', 'L', 'S', 'T', 'M', 'P', '1' };

enum {
	FORMAT_VERSION = 1,
	KNOWN_INCOMPAT = 0,
	CRC_LEN = 4,
	HEAD_LEN = 8 + 4 + 4 + 4, /* magic, length, version, features */
};

static int put_work(struct ovl_buf *out, const struct ovl_stamp_work *work)
{
	int r = ovl_field_put_u64(out, work->ino);

	if (r == 0)
		r = ovl_field_put_u64(out, (uint64_t)work->sec);
	return r == 0 ? ovl_field_put_u32(out, work->nsec) : r;
}

static int get_work(struct ovl_bytes *in, struct ovl_stamp_work *ret)
{
	uint64_t sec;

	if (ovl_field_get_u64(in, &ret->ino) < 0 || ovl_field_get_u64(in, &sec) < 0)
		return -EINVAL;
	ret->sec = (int64_t)sec;
	return ovl_field_get_u32(in, &ret->nsec);
}

static int put_fields(struct ovl_buf *out, const struct ovl_stamp *stamp)
{
	int r = ovl_field_put_u32(out, FORMAT_VERSION);

	if (r == 0)
		r = ovl_field_put_u32(out, 0);
	if (r == 0)
		r = ovl_field_put_u64(out, stamp->time);
	if (r == 0)
		r = put_work(out, &stamp->work);
	if (r == 0)
		r = put_work(out, &stamp->ended);
	return r == 0 ? ovl_field_put_bytes(out, stamp->overlay) : r;
}

int ovl_stamp_put(struct ovl_buf *out, const struct ovl_stamp *stamp)
{
	_cleanup_(ovl_buf_done) struct ovl_buf fields = { 0 }, whole = { 0 };
	int r = put_fields(&fields, stamp);

	if (r == 0)
		r = ovl_buf_add(&whole, magic, sizeof(magic));
	if (r == 0 && fields.len > UINT32_MAX / 2)
		r = -ENOMEM;
	if (r == 0)
		r = ovl_field_put_u32(&whole, (uint32_t)(sizeof(magic) + 4 + fields.len + CRC_LEN));
	if (r == 0)
		r = ovl_buf_add(&whole, fields.data, fields.len);
	if (r == 0)
		r = ovl_field_put_u32(
			&whole, (uint32_t)crc32_z(0, (const unsigned char *)whole.data, whole.len));
	return r == 0 ? ovl_buf_add(out, whole.data, whole.len) : r;
}

/* What every version has: magic, length, version, features, and a sum over all. */
static int get_head(struct ovl_bytes *in)
{
	struct ovl_bytes all = *in, sum;
	uint32_t len, version, incompat, crc;

	if (in->len < HEAD_LEN + CRC_LEN || memcmp(in->data, magic, sizeof(magic)) != 0)
		return -EINVAL;
	sum = (struct ovl_bytes){ in->data + in->len - CRC_LEN, CRC_LEN };
	in->data += sizeof(magic);
	in->len -= sizeof(magic) + CRC_LEN;
	if (ovl_field_get_u32(in, &len) < 0 || len != all.len ||
	    ovl_field_get_u32(&sum, &crc) < 0 ||
	    crc != (uint32_t)crc32_z(0, all.data, all.len - CRC_LEN) ||
	    ovl_field_get_u32(in, &version) < 0 || ovl_field_get_u32(in, &incompat) < 0)
		return -EINVAL;
	return version == FORMAT_VERSION && (incompat & ~(uint32_t)KNOWN_INCOMPAT) == 0 ? 0 :
											  -EPROTO;
}

int ovl_stamp_get(struct ovl_bytes in, struct ovl_stamp *ret)
{
	struct ovl_stamp stamp = { 0 };
	int r = get_head(&in);

	if (r < 0)
		return r;
	if (ovl_field_get_u64(&in, &stamp.time) < 0 || get_work(&in, &stamp.work) < 0 ||
	    get_work(&in, &stamp.ended) < 0 || ovl_field_get_bytes(&in, &stamp.overlay) < 0 ||
	    in.len > 0)
		return -EINVAL;
	*ret = stamp;
	return 0;
}
