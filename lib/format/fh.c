/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Overlay file handles, as xattr values and as names of index entries. See overlayfs/fh.h.
 */
#include "overlayfs/fh.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

enum {
	FH_MAGIC = 0xfb,
	FH_VERSION = 0,
	/* where the fields stand */
	FH_AT_VERSION = 0,
	FH_AT_MAGIC = 1,
	FH_AT_LEN = 2,
	FH_AT_FLAGS = 3,
	FH_AT_TYPE = 4,
	FH_AT_UUID = 5,
	/* a handle is a row of 32-bit words */
	FID_UNIT = 4,
	NAME_MAX_LEN = 255,

	FH_KNOWN_FLAGS = OVL_FH_FLAG_BIG_ENDIAN | OVL_FH_FLAG_ANY_ENDIAN | OVL_FH_FLAG_PATH_UPPER,
	FH_CPU_ENDIAN = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? OVL_FH_FLAG_BIG_ENDIAN : 0,
};

/* What the kernel checks, in its order: what it calls unknown comes after what is broken. */
static int check_header(struct ovl_bytes raw)
{
	const unsigned char *p = raw.data;

	if (raw.len == 0)
		return -ENODATA;
	if (raw.len < OVL_FH_HEADER_LEN || raw.len < p[FH_AT_LEN])
		return -EINVAL;
	if (p[FH_AT_MAGIC] != FH_MAGIC)
		return -EINVAL;
	if (p[FH_AT_VERSION] > FH_VERSION || (p[FH_AT_FLAGS] & ~FH_KNOWN_FLAGS))
		return -ENODATA;
	if (!(p[FH_AT_FLAGS] & OVL_FH_FLAG_ANY_ENDIAN) &&
	    (p[FH_AT_FLAGS] & OVL_FH_FLAG_BIG_ENDIAN) != FH_CPU_ENDIAN)
		return -ENODATA;
	return 0;
}

static bool is_fid_len(size_t len)
{
	return len >= FID_UNIT && len <= OVL_FH_MAX_FID && len % FID_UNIT == 0;
}

int ovl_fh_parse(struct ovl_bytes raw, struct ovl_fh *ret_fh)
{
	const unsigned char *p = raw.data;
	int r;

	r = check_header(raw);
	if (r < 0)
		return r;
	if (p[FH_AT_LEN] < OVL_FH_HEADER_LEN || !is_fid_len(p[FH_AT_LEN] - OVL_FH_HEADER_LEN))
		return -EINVAL;

	ret_fh->flags = p[FH_AT_FLAGS];
	ret_fh->type = p[FH_AT_TYPE];
	memcpy(ret_fh->uuid, p + FH_AT_UUID, sizeof(ret_fh->uuid));
	ret_fh->len = p[FH_AT_LEN];
	ret_fh->fid.data = p + OVL_FH_HEADER_LEN;
	ret_fh->fid.len = p[FH_AT_LEN] - OVL_FH_HEADER_LEN;
	return 0;
}

int ovl_fh_build(uint8_t flags, uint8_t type, const uint8_t uuid[16], struct ovl_bytes fid,
		 unsigned char *ret_raw)
{
	size_t len;

	if (!is_fid_len(fid.len))
		return -EINVAL;
	len = OVL_FH_HEADER_LEN + fid.len;
	ret_raw[FH_AT_VERSION] = FH_VERSION;
	ret_raw[FH_AT_MAGIC] = FH_MAGIC;
	ret_raw[FH_AT_LEN] = (unsigned char)len;
	ret_raw[FH_AT_FLAGS] = (unsigned char)(flags | FH_CPU_ENDIAN);
	ret_raw[FH_AT_TYPE] = type;
	memcpy(ret_raw + FH_AT_UUID, uuid, 16);
	memcpy(ret_raw + OVL_FH_HEADER_LEN, fid.data, fid.len);
	return (int)len;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int ovl_fh_parse_name(const char *name, unsigned char *ret_raw)
{
	unsigned char raw[NAME_MAX_LEN / 2];
	size_t len = strnlen(name, NAME_MAX_LEN + 1), i;
	int high, low;

	if (len < 2 * OVL_FH_HEADER_LEN || len > NAME_MAX_LEN || len % 2 != 0)
		return -EINVAL;
	for (i = 0; i < len / 2; i++) {
		high = hex_digit(name[2 * i]);
		low = hex_digit(name[2 * i + 1]);
		if (high < 0 || low < 0)
			return -EINVAL;
		raw[i] = (unsigned char)(high << 4 | low);
	}
	memcpy(ret_raw, raw, len / 2);
	return (int)(len / 2);
}
