/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overlay file handles as xattr values: what is read can be written, and is the same again. */
#include <errno.h>

#include "fuzz/fuzz.h"
#include "overlayfs/fh.h"

static void check_parsed(struct ovl_bytes raw, const struct ovl_fh *fh)
{
	unsigned char built[OVL_FH_MAX_LEN];
	struct ovl_fh again;
	int len;

	FUZZ_CHECK(fh->len <= raw.len);
	FUZZ_CHECK(fh->len == OVL_FH_HEADER_LEN + fh->fid.len);
	FUZZ_CHECK(fh->fid.data == raw.data + OVL_FH_HEADER_LEN);
	FUZZ_CHECK(fh->fid.len >= 4 && fh->fid.len <= OVL_FH_MAX_FID);

	len = ovl_fh_build(fh->flags, fh->type, fh->uuid, fh->fid, built);
	FUZZ_CHECK(len == fh->len);
	if (!(fh->flags & OVL_FH_FLAG_ANY_ENDIAN))
		FUZZ_CHECK(memcmp(built, raw.data, (size_t)len) == 0);
	FUZZ_CHECK(ovl_fh_parse((struct ovl_bytes){ built, (size_t)len }, &again) == 0);
	FUZZ_CHECK(again.type == fh->type && memcmp(again.uuid, fh->uuid, sizeof(fh->uuid)) == 0);
	FUZZ_CHECK(again.fid.len == fh->fid.len);
	FUZZ_CHECK(memcmp(again.fid.data, fh->fid.data, fh->fid.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ovl_bytes raw = { data, size };
	struct ovl_fh fh;
	int r = ovl_fh_parse(raw, &fh);

	FUZZ_CHECK(r == 0 || r == -EINVAL || r == -ENODATA);
	if (r == 0)
		check_parsed(raw, &fh);
	return 0;
}
