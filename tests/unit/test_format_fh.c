/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "overlayfs/fh.h"
#include "tools/tool.h"
#include "unit/unit.h"

#define UUID "\xed\x06\x86\xae\xe3\xe4\x43\x7b\x82\x8c\x49\x06\xb2\xc1\xae\xe9"
#define FID8 "\x85\x7e\x00\x00\x2f\xa8\x1d\xef"

enum {
	CPU = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? OVL_FH_FLAG_BIG_ENDIAN : 0,
	OTHER = CPU ^ OVL_FH_FLAG_BIG_ENDIAN,
};

/* Headers by field; the value is the header, a uuid, and zeros up to @size. */
static const struct {
	int size;
	unsigned char version, magic, len, flags;
	int r;
} headers[] = {
	{ 29, 0, 0xfb, 29, CPU, 0 },
	{ 25, 0, 0xfb, 25, CPU, 0 },
	{ 149, 0, 0xfb, 149, CPU, 0 }, /* the longest handle */
	{ 33, 0, 0xfb, 29, CPU, 0 },   /* bytes behind the end are tolerated */
	{ 29, 0, 0xfb, 29, CPU | OVL_FH_FLAG_PATH_UPPER, 0 },
	{ 29, 0, 0xfb, 29, CPU | OVL_FH_FLAG_ANY_ENDIAN, 0 },
	{ 29, 0, 0xfb, 29, OTHER | OVL_FH_FLAG_ANY_ENDIAN, 0 },
	/* unknown to the kernel */
	{ 0, 0, 0, 0, 0, -ENODATA },
	{ 29, 1, 0xfb, 29, CPU, -ENODATA },
	{ 29, 255, 0xfb, 29, CPU, -ENODATA },
	{ 29, 0, 0xfb, 29, CPU | 8, -ENODATA },
	{ 29, 0, 0xfb, 29, CPU | 128, -ENODATA },
	{ 29, 0, 0xfb, 29, OTHER, -ENODATA },
	/* malformed to the kernel; this comes before unknown */
	{ 1, 0, 0xfb, 29, CPU, -EINVAL },
	{ 20, 0, 0xfb, 20, CPU, -EINVAL },
	{ 28, 0, 0xfb, 29, CPU, -EINVAL },
	{ 29, 0, 0xfb, 255, CPU, -EINVAL },
	{ 29, 0, 0xfa, 29, CPU, -EINVAL },
	{ 29, 1, 0xfa, 29, CPU | 8, -EINVAL },
	{ 28, 1, 0xfb, 29, CPU, -EINVAL },
	/* accepted by the kernel at first, good for nothing later */
	{ 29, 0, 0xfb, 0, CPU, -EINVAL },
	{ 29, 0, 0xfb, 20, CPU, -EINVAL },
	{ 29, 0, 0xfb, 21, CPU, -EINVAL },
	{ 29, 0, 0xfb, 24, CPU, -EINVAL },
	{ 29, 0, 0xfb, 27, CPU, -EINVAL },
	{ 153, 0, 0xfb, 153, CPU, -EINVAL },
	/* ... unless it is not for us at all */
	{ 29, 1, 0xfb, 0, CPU, -ENODATA },
};

START_TEST(test_fh_parse_header)
{
	unsigned char raw[256] = { headers[_i].version, headers[_i].magic, headers[_i].len,
				   headers[_i].flags, 0x81 };
	struct ovl_fh fh, untouched;
	unsigned char *exact;

	memset(&untouched, 0x5a, sizeof(untouched));
	fh = untouched;
	memcpy(raw + 5, UUID, 16);
	exact = malloc((size_t)headers[_i].size + 1);
	ck_assert_ptr_nonnull(exact);
	memcpy(exact, raw, (size_t)headers[_i].size);

	ck_assert_int_eq(ovl_fh_parse((struct ovl_bytes){ exact, (size_t)headers[_i].size }, &fh),
			 headers[_i].r);
	if (headers[_i].r < 0) {
		ck_assert_mem_eq(&fh, &untouched, sizeof(fh));
	} else {
		ck_assert_uint_eq(fh.flags, headers[_i].flags);
		ck_assert_uint_eq(fh.type, 0x81);
		ck_assert_mem_eq(fh.uuid, UUID, 16);
		ck_assert_uint_eq(fh.len, headers[_i].len);
		ck_assert_ptr_eq(fh.fid.data, exact + 21);
		ck_assert_uint_eq(fh.fid.len, headers[_i].len - 21u);
	}
	free(exact);
}
END_TEST

/* The bytes as the kernel writes them. */
START_TEST(test_fh_build)
{
	static const unsigned char expected[] = "\x00\xfb\x1d\x00\x01" UUID FID8;
	unsigned char raw[OVL_FH_MAX_LEN], want[29];
	int len;

	memcpy(want, expected, sizeof(want));
	want[3] = CPU;
	len = ovl_fh_build(0, 1, (const uint8_t *)UUID,
			   (struct ovl_bytes){ (const unsigned char *)FID8, 8 }, raw);
	ck_assert_int_eq(len, 29);
	ck_assert_mem_eq(raw, want, 29);

	len = ovl_fh_build(OVL_FH_FLAG_PATH_UPPER, 1, (const uint8_t *)UUID,
			   (struct ovl_bytes){ (const unsigned char *)FID8, 8 }, raw);
	ck_assert_int_eq(len, 29);
	ck_assert_int_eq(raw[3], CPU | OVL_FH_FLAG_PATH_UPPER);
}
END_TEST

START_TEST(test_fh_build_bad_length)
{
	static const size_t lengths[] = { 0, 1, 3, 5, 127, 129, 132, 1000 };
	static const unsigned char fid[1000];
	unsigned char raw[OVL_FH_MAX_LEN], untouched[OVL_FH_MAX_LEN];
	size_t i;

	memset(raw, 0x5a, sizeof(raw));
	memcpy(untouched, raw, sizeof(raw));
	for (i = 0; i < ARRAY_LEN(lengths); i++)
		ck_assert_int_eq(ovl_fh_build(0, 1, (const uint8_t *)UUID,
					      (struct ovl_bytes){ fid, lengths[i] }, raw),
				 -EINVAL);
	ck_assert_mem_eq(raw, untouched, sizeof(raw));
}
END_TEST

START_TEST(test_fh_build_parse)
{
	struct ovl_rng rng = { 11 };
	unsigned char fid[OVL_FH_MAX_FID], uuid[16], raw[OVL_FH_MAX_LEN], back[128];
	struct ovl_buf name = { 0 };
	struct ovl_fh fh;
	size_t i, fid_len;
	uint8_t type, flags;
	int round, len;

	for (round = 0; round < 3000; round++) {
		fid_len = 4 * (1 + ovl_tool_random(&rng, OVL_FH_MAX_FID / 4));
		for (i = 0; i < fid_len; i++)
			fid[i] = (unsigned char)ovl_tool_random(&rng, 256);
		for (i = 0; i < sizeof(uuid); i++)
			uuid[i] = (unsigned char)ovl_tool_random(&rng, 256);
		type = (uint8_t)ovl_tool_random(&rng, 256);
		flags = ovl_tool_random(&rng, 2) ? OVL_FH_FLAG_PATH_UPPER : 0;
		len = ovl_fh_build(flags, type, uuid, (struct ovl_bytes){ fid, fid_len }, raw);
		ck_assert_int_eq(len, OVL_FH_HEADER_LEN + (int)fid_len);
		ck_assert_int_eq(ovl_fh_parse((struct ovl_bytes){ raw, (size_t)len }, &fh), 0);
		ck_assert_uint_eq(fh.flags, flags | CPU);
		ck_assert_uint_eq(fh.type, type);
		ck_assert_mem_eq(fh.uuid, uuid, 16);
		ck_assert_uint_eq(fh.len, len);
		ck_assert_uint_eq(fh.fid.len, fid_len);
		ck_assert_mem_eq(fh.fid.data, fid, fid_len);

		/* As the name of an index entry, if it is not too long for a name. */
		ovl_buf_clear(&name);
		ck_assert_int_eq(ovl_buf_add_hex(&name, raw, (size_t)len), 0);
		if (name.len > 255) {
			ck_assert_int_eq(ovl_fh_parse_name(name.data, back), -EINVAL);
			continue;
		}
		ck_assert_int_eq(ovl_fh_parse_name(name.data, back), len);
		ck_assert_mem_eq(back, raw, (size_t)len);
	}
	ovl_buf_done(&name);
}
END_TEST

#define NAME21 "00fb1d0001ed0686aee3e4437b828c4906b2c1aee9"

static const struct {
	const char *name;
	int r;
} names[] = {
	{ NAME21 "857e00002fa81def", 29 },
	{ NAME21, 21 },
	{ NAME21 "00", 22 },
	{ "00FB1D0001ED0686AEE3E4437B828C4906B2C1AEE9", 21 }, /* the kernel reads it, too */
	{ "", -EINVAL },
	{ "#1", -EINVAL },
	{ "00fb1d0001ed0686aee3e4437b828c4906b2c1ae", -EINVAL }, /* 40 */
	{ "00fb1d0001ed0686aee3e4437b828c4906b2c1aee", -EINVAL },
	{ NAME21 "8", -EINVAL },
	{ NAME21 "zz", -EINVAL },
	{ NAME21 " 0", -EINVAL },
	{ NAME21 "0x", -EINVAL },
	{ NAME21 "/:", -EINVAL }, /* the neighbours of the digits and letters */
	{ NAME21 "`g", -EINVAL },
	{ NAME21 "@G", -EINVAL },
	{ "g0fb1d0001ed0686aee3e4437b828c4906b2c1aee9", -EINVAL },
};

START_TEST(test_fh_parse_name)
{
	unsigned char raw[128], untouched[128];
	struct ovl_buf lower = { 0 };
	size_t i;
	int r;

	memset(raw, 0x5a, sizeof(raw));
	memcpy(untouched, raw, sizeof(raw));
	r = ovl_fh_parse_name(names[_i].name, raw);
	ck_assert_int_eq(r, names[_i].r);
	if (r < 0) {
		ck_assert_mem_eq(raw, untouched, sizeof(raw));
		return;
	}
	ck_assert_int_eq(ovl_buf_add_hex(&lower, raw, (size_t)r), 0);
	ck_assert_uint_eq(lower.len, strlen(names[_i].name));
	for (i = 0; i < lower.len; i++)
		ck_assert_int_eq(lower.data[i], names[_i].name[i] | 0x20);
	ovl_buf_done(&lower);
}
END_TEST

START_TEST(test_fh_parse_name_length)
{
	char name[300];
	unsigned char raw[128];

	memset(name, 'f', sizeof(name));
	name[254] = '\0';
	ck_assert_int_eq(ovl_fh_parse_name(name, raw), 127);
	name[254] = 'f';
	name[255] = '\0';
	ck_assert_int_eq(ovl_fh_parse_name(name, raw), -EINVAL); /* odd */
	name[255] = 'f';
	name[256] = '\0';
	ck_assert_int_eq(ovl_fh_parse_name(name, raw), -EINVAL); /* no name is that long */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("format/fh");
	TCase *t = tcase_create("fh");

	tcase_add_loop_test(t, test_fh_parse_header, 0, ARRAY_LEN(headers));
	tcase_add_test(t, test_fh_build);
	tcase_add_test(t, test_fh_build_bad_length);
	tcase_add_test(t, test_fh_build_parse);
	tcase_add_loop_test(t, test_fh_parse_name, 0, ARRAY_LEN(names));
	tcase_add_test(t, test_fh_parse_name_length);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
