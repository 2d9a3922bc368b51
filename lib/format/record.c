/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header and the records of a journal, to bytes and back. See record.h.
 */
#include "format/record.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "base/banned.h"

static const unsigned char magic[8] = { 'O', 'V', 'L', 'U', 'N', 'D', 'O', '1' };

enum {
	FORMAT_VERSION = 1,
	KNOWN_INCOMPAT = 0,
	CRC_LEN = 4,
	/* magic, length, version, features, uuid, time, boot id, two empty strings, crc */
	HEADER_MIN = 8 + 4 + 4 + 4 + 16 + 8 + 16 + 4 + 4 + CRC_LEN,
	RECORD_HEAD = 4 + 2 + 2 + 8,
};

static void store_le(unsigned char *to, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (unsigned char)(v >> (8 * i));
}

static uint64_t load_le(const unsigned char *from, size_t n)
{
	uint64_t v = 0;

	for (size_t i = n; i-- > 0;)
		v = v << 8 | from[i];
	return v;
}

/* zlib counts in 32 bits; a payload may not, on a machine that has memory for it. */
static uint32_t crc_of(uint32_t crc, const unsigned char *data, size_t len)
{
	return len > 0 ? (uint32_t)crc32_z(crc, data, len) : crc;
}

int ovl_field_put_u32(struct ovl_buf *out, uint32_t v)
{
	unsigned char raw[4];

	store_le(raw, v, sizeof(raw));
	return ovl_buf_add(out, raw, sizeof(raw));
}

int ovl_field_put_u64(struct ovl_buf *out, uint64_t v)
{
	unsigned char raw[8];

	store_le(raw, v, sizeof(raw));
	return ovl_buf_add(out, raw, sizeof(raw));
}

int ovl_field_put_bytes(struct ovl_buf *out, struct ovl_bytes v)
{
	int r;

	if (v.len > UINT32_MAX)
		return -ENOMEM;
	r = ovl_field_put_u32(out, (uint32_t)v.len);
	return r == 0 ? ovl_buf_add(out, v.data, v.len) : r;
}

/* The first @len bytes of @in, which is shortened by them; NULL if there are not so many. */
static const unsigned char *take(struct ovl_bytes *in, size_t len)
{
	const unsigned char *data = in->data;

	if (in->len < len)
		return NULL;
	in->data += len;
	in->len -= len;
	return data;
}

int ovl_field_get_u32(struct ovl_bytes *in, uint32_t *ret)
{
	const unsigned char *raw = take(in, 4);

	if (!raw)
		return -EINVAL;
	*ret = (uint32_t)load_le(raw, 4);
	return 0;
}

int ovl_field_get_u64(struct ovl_bytes *in, uint64_t *ret)
{
	const unsigned char *raw = take(in, 8);

	if (!raw)
		return -EINVAL;
	*ret = load_le(raw, 8);
	return 0;
}

int ovl_field_get_bytes(struct ovl_bytes *in, struct ovl_bytes *ret)
{
	struct ovl_bytes rest = *in;
	uint32_t len;

	if (ovl_field_get_u32(&rest, &len) < 0 || rest.len < len)
		return -EINVAL;
	*ret = (struct ovl_bytes){ rest.data, len };
	*in = (struct ovl_bytes){ rest.data + len, rest.len - len };
	return 0;
}

static int put_header(struct ovl_buf *out, const struct ovl_record_header *h, uint32_t len)
{
	int r = ovl_buf_add(out, magic, sizeof(magic));

	if (r == 0)
		r = ovl_field_put_u32(out, len);
	if (r == 0)
		r = ovl_field_put_u32(out, FORMAT_VERSION);
	if (r == 0)
		r = ovl_field_put_u32(out, h->incompat);
	if (r == 0)
		r = ovl_buf_add(out, h->uuid, sizeof(h->uuid));
	if (r == 0)
		r = ovl_field_put_u64(out, h->time);
	if (r == 0)
		r = ovl_buf_add(out, h->boot_id, sizeof(h->boot_id));
	if (r == 0)
		r = ovl_field_put_bytes(out, h->tool);
	if (r == 0)
		r = ovl_field_put_bytes(out, h->command);
	return r;
}

/* What was put since @start becomes whole by its crc; or is taken away again if @r says so. */
static int seal(struct ovl_buf *out, size_t start, uint32_t *crc, int r)
{
	uint32_t sum = 0;

	if (r == 0) {
		sum = crc_of(*crc, (const unsigned char *)out->data + start, out->len - start);
		r = ovl_field_put_u32(out, sum);
	}
	if (r == 0) {
		*crc = sum;
	} else if (out->data) {
		out->len = start;
		out->data[start] = '\0';
	}
	return r;
}

int ovl_record_put_header(struct ovl_buf *out, const struct ovl_record_header *h, uint32_t *crc)
{
	size_t start = out->len, len;

	if (h->tool.len > UINT32_MAX / 4 || h->command.len > UINT32_MAX / 4)
		return -ENOMEM;
	len = HEADER_MIN + h->tool.len + h->command.len;
	*crc = 0;
	return seal(out, start, crc, put_header(out, h, (uint32_t)len));
}

static bool is_magic(struct ovl_bytes in)
{
	return memcmp(in.data, magic, in.len < sizeof(magic) ? in.len : sizeof(magic)) == 0;
}

/* The fields of the first version. @in: what is behind the number of the version. */
static int get_fields(struct ovl_bytes in, struct ovl_record_header *h)
{
	const unsigned char *uuid, *boot_id = NULL;
	int r = ovl_field_get_u32(&in, &h->incompat);

	if (r < 0)
		return r;
	if (h->incompat & ~(uint32_t)KNOWN_INCOMPAT)
		return -EPROTO;
	uuid = take(&in, sizeof(h->uuid));
	if (uuid && ovl_field_get_u64(&in, &h->time) == 0)
		boot_id = take(&in, sizeof(h->boot_id));
	if (!boot_id)
		return -EINVAL;
	memcpy(h->uuid, uuid, sizeof(h->uuid));
	memcpy(h->boot_id, boot_id, sizeof(h->boot_id));
	r = ovl_field_get_bytes(&in, &h->tool);
	if (r == 0)
		r = ovl_field_get_bytes(&in, &h->command);
	return r == 0 && in.len > 0 ? -EINVAL : r;
}

int ovl_record_get_header(struct ovl_bytes in, struct ovl_record_header *ret, size_t *ret_used,
			  uint32_t *ret_crc)
{
	struct ovl_record_header h = { 0 };
	uint32_t crc;
	size_t len;
	int r;

	if (in.len == 0)
		return -ENODATA;
	if (!is_magic(in))
		return -EINVAL;
	if (in.len < sizeof(magic) + 4)
		return -ENODATA;
	len = (size_t)load_le(in.data + sizeof(magic), 4);
	if (len < sizeof(magic) + 4 + 4 + CRC_LEN)
		return -EINVAL;
	if (in.len < len)
		return -ENODATA;
	crc = crc_of(0, in.data, len - CRC_LEN);
	if (crc != load_le(in.data + len - CRC_LEN, CRC_LEN))
		/* Nothing is written behind a header that is not whole: it was spoilt later. */
		return in.len > len ? -EINVAL : -ENODATA;
	if (load_le(in.data + sizeof(magic) + 4, 4) != FORMAT_VERSION)
		return -EPROTO;
	r = get_fields((struct ovl_bytes){ in.data + sizeof(magic) + 8,
					   len - sizeof(magic) - 8 - CRC_LEN },
		       &h);
	if (r < 0)
		return r;
	*ret = h;
	*ret_used = len;
	*ret_crc = crc;
	return 0;
}

int ovl_record_put(struct ovl_buf *out, enum ovl_record_type type, uint64_t seq,
		   struct ovl_bytes payload, uint32_t *crc)
{
	unsigned char head[RECORD_HEAD] = { 0 };
	size_t start = out->len;
	int r;

	if (payload.len > UINT32_MAX)
		return -ENOMEM;
	store_le(head, payload.len, 4);
	store_le(head + 4, (uint64_t)type, 2);
	store_le(head + 8, seq, 8);
	r = ovl_buf_add(out, head, sizeof(head));
	if (r == 0)
		r = ovl_buf_add(out, payload.data, payload.len);
	return seal(out, start, crc, r);
}

int ovl_record_get(struct ovl_bytes in, uint64_t seq, uint32_t *crc, struct ovl_record *ret,
		   size_t *ret_used)
{
	uint64_t len, type;
	uint32_t sum;

	if (in.len < RECORD_HEAD + CRC_LEN)
		return 0;
	len = load_le(in.data, 4);
	type = load_le(in.data + 4, 2);
	if (len > in.len - RECORD_HEAD - CRC_LEN || type == 0 || load_le(in.data + 6, 2) != 0 ||
	    load_le(in.data + 8, 8) != seq)
		return 0;
	sum = crc_of(*crc, in.data, RECORD_HEAD + (size_t)len);
	if (sum != load_le(in.data + RECORD_HEAD + len, CRC_LEN))
		return 0;
	*crc = sum;
	*ret = (struct ovl_record){ .type = (enum ovl_record_type)type,
				    .seq = seq,
				    .payload = { in.data + RECORD_HEAD, (size_t)len } };
	*ret_used = RECORD_HEAD + (size_t)len + CRC_LEN;
	return 1;
}
