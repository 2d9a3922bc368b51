/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of index entries: a name that is read is the hex of what was read. */
#include <ctype.h>
#include <errno.h>

#include "base/buf.h"
#include "fuzz/fuzz.h"
#include "overlayfs/fh.h"

static void check_parsed(const char *name, const unsigned char *raw, size_t len)
{
	struct ovl_buf hex = { 0 };
	struct ovl_fh fh;
	size_t i;

	FUZZ_CHECK(len >= OVL_FH_HEADER_LEN && len <= 127);
	FUZZ_CHECK(ovl_buf_add_hex(&hex, raw, len) == 0);
	FUZZ_CHECK(hex.len == strlen(name));
	for (i = 0; i < hex.len; i++)
		FUZZ_CHECK(hex.data[i] == tolower((unsigned char)name[i]));
	ovl_buf_done(&hex);
	(void)ovl_fh_parse((struct ovl_bytes){ raw, len }, &fh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = fuzz_string(data, size);
	unsigned char raw[128];
	int r = ovl_fh_parse_name(name, raw);

	FUZZ_CHECK(r > 0 || r == -EINVAL);
	if (r > 0)
		check_parsed(name, raw, (size_t)r);
	free(name);
	return 0;
}
