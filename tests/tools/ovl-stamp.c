/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-stamp - look at a stamp, or give it another time
 *
 *	ovl-stamp FILE                  prints its time: seconds since 1970
 *	ovl-stamp FILE SECONDS          writes it with this time
 *	ovl-stamp FILE SECONDS future   and as of a version that nobody knows yet, the sum being right
 *
 * Exit status: 0; 1 if it is no stamp; 99 trouble.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "format/stamp.h"
#include "tool.h"

enum { VERSION_AT = 12, CRC_LEN = 4, MAX_SIZE = 65536 };

static void make_future(struct ovl_buf *b)
{
	uint32_t crc;

	b->data[VERSION_AT] = 99;
	crc = (uint32_t)crc32_z(0, (const unsigned char *)b->data, b->len - CRC_LEN);
	for (size_t i = 0; i < CRC_LEN; i++)
		b->data[b->len - CRC_LEN + i] = (char)(crc >> (8 * i));
}

int main(int argc, char **argv)
{
	static unsigned char raw[MAX_SIZE];
	struct ovl_buf out = { 0 };
	struct ovl_stamp stamp;
	size_t len;
	FILE *f;

	if (argc < 2 || argc > 4)
		ovl_tool_die("usage: ovl-stamp FILE [SECONDS [future]]");
	f = fopen(argv[1], "r");
	if (!f)
		ovl_tool_die("%s", argv[1]);
	len = fread(raw, 1, sizeof(raw), f);
	fclose(f);
	if (ovl_stamp_get((struct ovl_bytes){ raw, len }, &stamp) < 0)
		return 1;
	if (argc == 2) {
		printf("%" PRIu64 "\n", stamp.time);
		return 0;
	}
	stamp.time = ovl_tool_number(argv[2], UINT64_MAX);
	if (ovl_stamp_put(&out, &stamp) < 0)
		ovl_tool_die("no memory");
	if (argc == 4)
		make_future(&out);
	f = fopen(argv[1], "w");
	if (!f || fwrite(out.data, 1, out.len, f) != out.len || fclose(f) != 0)
		ovl_tool_die("cannot write %s", argv[1]);
	ovl_buf_done(&out);
	return 0;
}
