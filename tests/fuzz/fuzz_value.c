/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small values: opaque, nlink, protattr. */
#include <errno.h>

#include "format/value.h"
#include "fuzz/fuzz.h"

static void check_nlink(struct ovl_bytes v)
{
	enum ovl_nlink_base base = OVL_NLINK_UPPER, base_again = OVL_NLINK_UPPER;
	int diff = 0, diff_again = 0, r, len;
	char text[20];

	r = ovl_value_nlink(v, &base, &diff);
	FUZZ_CHECK(r == 0 || r == -EINVAL);
	if (r < 0)
		return;
	FUZZ_CHECK(v.len >= 3 && v.len <= 12);
	len = snprintf(text, sizeof(text), "%c%+i", base == OVL_NLINK_LOWER ? 'L' : 'U', diff);
	v = (struct ovl_bytes){ (const unsigned char *)text, (size_t)len };
	FUZZ_CHECK(ovl_value_nlink(v, &base_again, &diff_again) == 0);
	FUZZ_CHECK(base == base_again && diff == diff_again);
}

static void check_protattr(struct ovl_bytes v)
{
	unsigned flags = 77, want = 0;
	size_t i;
	int r;

	r = ovl_value_protattr(v, &flags);
	FUZZ_CHECK(r == 0 || (r == -EINVAL && flags == 77));
	if (r < 0)
		return;
	for (i = 0; i < v.len; i++)
		want |= v.data[i] == 'i' ? 1u : 2u;
	FUZZ_CHECK(v.len > 0 && v.len <= 32 && flags == want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ovl_bytes v = { data, size };
	enum ovl_opaque opaque = OVL_OPAQUE_YES;
	int r = ovl_value_opaque(v, &opaque);

	FUZZ_CHECK((r == 0) == (opaque != OVL_OPAQUE_NO));
	FUZZ_CHECK(ovl_value_is_y(v) == (opaque == OVL_OPAQUE_YES));
	check_nlink(v);
	check_protattr(v);
	return 0;
}
