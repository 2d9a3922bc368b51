/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stamps: as they are, and with the length and the sum made right. What is read can be written, and is the
 * same.
 */
#include <errno.h>
#include <zlib.h>

#include "format/stamp.h"
#include "fuzz/fuzz.h"

static void check(const uint8_t *data, size_t size)
{
	struct ovl_buf again = { 0 };
	struct ovl_stamp stamp;
	int r = ovl_stamp_get((struct ovl_bytes){ data, size }, &stamp);

	FUZZ_CHECK(r == 0 || r == -EINVAL || r == -EPROTO);
	if (r < 0)
		return;
	FUZZ_CHECK(stamp.overlay.len < size);
	FUZZ_CHECK(ovl_stamp_put(&again, &stamp) == 0);
	FUZZ_CHECK(again.len == size && memcmp(again.data, data, size) == 0);
	ovl_buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *sealed;
	uint32_t crc;

	check(data, size);
	if (size < 16)
		return 0;
	sealed = malloc(size);
	FUZZ_CHECK(sealed);
	memcpy(sealed, data, size);
	for (size_t i = 0; i < 4; i++)
		sealed[8 + i] = (uint8_t)(size >> (8 * i));
	crc = (uint32_t)crc32_z(0, sealed, size - 4);
	for (size_t i = 0; i < 4; i++)
		sealed[size - 4 + i] = (uint8_t)(crc >> (8 * i));
	check(sealed, size);
	free(sealed);
	return 0;
}
