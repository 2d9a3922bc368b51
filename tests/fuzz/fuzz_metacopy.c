/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metacopy values: the verdict fits the size, and the digest lies inside. */
#include "format/metacopy.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ovl_metacopy m = { .algo = 77 };
	enum ovl_metacopy_state state = ovl_metacopy_parse((struct ovl_bytes){ data, size }, &m);

	FUZZ_CHECK((state == OVL_METACOPY_TOO_SMALL) == (size > 0 && size < 4));
	if (state != OVL_METACOPY_GOOD) {
		FUZZ_CHECK(m.algo == 77);
		return 0;
	}
	FUZZ_CHECK(size == 0 || size == 4 || size == 36 || size == 68);
	FUZZ_CHECK(m.digest.len == (size > 4 ? size - 4 : 0));
	FUZZ_CHECK(m.algo == (size == 36 ? OVL_METACOPY_ALGO_SHA256 :
			      size == 68 ? OVL_METACOPY_ALGO_SHA512 :
					   OVL_METACOPY_ALGO_NONE));
	if (m.digest.len)
		FUZZ_CHECK(m.digest.data == data + 4);
	return 0;
}
