/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/record.h"
#include "unit/unit.h"

#define BYTES(s) ((struct ovl_bytes){ (const unsigned char *)(s), sizeof(s) - 1 })

static const struct ovl_record_header header = {
	.uuid = { 0xed, 0x06, 1 },
	.boot_id = { 7, 8, 9 },
	.time = 0x1122334455667788,
	.tool = { (const unsigned char *)"fsck.overlay 0.1", 16 },
	.command = { (const unsigned char *)"fsck.overlay\0-y", 15 },
};

static const struct {
	enum ovl_record_type type;
	struct ovl_bytes payload;
} records[] = {
	{ OVL_RECORD_TREE, { (const unsigned char *)"tree", 4 } },
	{ OVL_RECORD_GROUP, { NULL, 0 } },
	{ OVL_RECORD_STEP, { (const unsigned char *)"a\0b", 3 } },
	{ OVL_RECORD_COMMIT, { NULL, 0 } },
	{ (enum ovl_record_type)777, { (const unsigned char *)"of tomorrow", 11 } },
};

/* A journal; @ret_end: where the header (0) and each record ends. */
static void make(struct ovl_buf *out, const struct ovl_record_header *h, size_t *ret_end)
{
	uint32_t crc;

	ck_assert_int_eq(ovl_record_put_header(out, h, &crc), 0);
	ret_end[0] = out->len;
	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		ck_assert_int_eq(
			ovl_record_put(out, records[i].type, i + 1, records[i].payload, &crc), 0);
		ret_end[i + 1] = out->len;
	}
}

/* Reads what can be read: the number of records, or the error of the header. */
static int count(const void *data, size_t len)
{
	/* Memory of just that size, for valgrind and the sanitizers. */
	_cleanup_free_ unsigned char *exact = malloc(len > 0 ? len : 1);
	struct ovl_bytes in = { exact, len };
	struct ovl_record_header h;
	struct ovl_record record;
	uint32_t crc;
	size_t used;
	int r, n = 0;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, data, len);
	r = ovl_record_get_header(in, &h, &used, &crc);
	if (r < 0)
		return r;
	do {
		ck_assert_uint_le(used, in.len);
		in.data += used;
		in.len -= used;
	} while (ovl_record_get(in, (uint64_t)n + 1, &crc, &record, &used) == 1 && ++n);
	return n;
}

START_TEST(test_record_round_trip)
{
	struct ovl_buf out = { 0 };
	size_t end[ARRAY_LEN(records) + 1], used;
	struct ovl_record_header h;
	struct ovl_record record;
	struct ovl_bytes in;
	uint32_t crc;

	make(&out, &header, end);
	in = ovl_buf_bytes(&out);
	ck_assert_int_eq(ovl_record_get_header(in, &h, &used, &crc), 0);
	ck_assert_uint_eq(used, end[0]);
	ck_assert_uint_eq(h.incompat, 0);
	ck_assert_mem_eq(h.uuid, header.uuid, 16);
	ck_assert_mem_eq(h.boot_id, header.boot_id, 16);
	ck_assert_uint_eq(h.time, header.time);
	ck_assert_uint_eq(h.tool.len, 16);
	ck_assert_mem_eq(h.tool.data, header.tool.data, 16);
	ck_assert_uint_eq(h.command.len, 15);
	ck_assert_mem_eq(h.command.data, header.command.data, 15);
	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		in.data += used;
		in.len -= used;
		ck_assert_int_eq(ovl_record_get(in, i + 1, &crc, &record, &used), 1);
		ck_assert_int_eq(record.type, records[i].type);
		ck_assert_uint_eq(record.seq, i + 1);
		ck_assert_uint_eq(record.payload.len, records[i].payload.len);
		if (record.payload.len)
			ck_assert_mem_eq(record.payload.data, records[i].payload.data,
					 record.payload.len);
		ck_assert_uint_eq(used, end[i + 1] - end[i]);
	}
	ck_assert_uint_eq(in.len, used);
	ovl_buf_done(&out);
}
END_TEST

/* The bytes, once and for all. */
START_TEST(test_record_bytes)
{
	static const unsigned char start[] = "OVLUNDO1\x67\0\0\0\x01\0\0\0\0\0\0\0\xed\x06\x01";
	static const unsigned char time[] = "\x88\x77\x66\x55\x44\x33\x22\x11\x07\x08\x09";
	static const unsigned char empty[] = "\0\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0";
	struct ovl_buf out = { 0 };
	uint32_t crc = 0;

	ck_assert_int_eq(ovl_record_put_header(&out, &header, &crc), 0);
	ck_assert_uint_eq(out.len, 0x67);
	ck_assert_mem_eq(out.data, start, sizeof(start) - 1);
	ck_assert_mem_eq(out.data + 36, time, sizeof(time) - 1);
	ovl_buf_clear(&out);
	crc = 0;
	ck_assert_int_eq(ovl_record_put(&out, OVL_RECORD_GROUP, 1, (struct ovl_bytes){ 0 }, &crc),
			 0);
	ck_assert_uint_eq(out.len, 20);
	ck_assert_mem_eq(out.data, empty, 16);
	/* CRC-32 as of IEEE 802.3, of zlib and of everybody */
	ck_assert_uint_eq(crc, 0xcc2ad554u);
	ck_assert_mem_eq(out.data + 16, "\x54\xd5\x2a\xcc", 4);
	ovl_buf_done(&out);
}
END_TEST

START_TEST(test_record_torn)
{
	struct ovl_buf out = { 0 };
	size_t end[ARRAY_LEN(records) + 1];

	make(&out, &header, end);
	for (size_t len = 0; len <= out.len; len++) {
		int want = -ENODATA;

		for (size_t i = 0; i < ARRAY_LEN(end) && end[i] <= len; i++)
			want = (int)i;
		ck_assert_int_eq(count(out.data, len), want);
	}
	ovl_buf_done(&out);
}
END_TEST

/* A tail of zeros, as file systems leave it after a power cut, and of garbage. */
START_TEST(test_record_tail)
{
	static const unsigned char fill[] = { 0, 0xff, 1, 4 };
	struct ovl_buf out = { 0 };
	size_t end[ARRAY_LEN(records) + 1];

	make(&out, &header, end);
	for (size_t i = 0; i < 5000; i++)
		ck_assert_int_eq(ovl_buf_addc(&out, (char)fill[_i]), 0);
	ck_assert_int_eq(count(out.data, out.len), (int)ARRAY_LEN(records));
	/* and in the middle */
	memset(out.data + end[2], fill[_i], out.len - end[2]);
	ck_assert_int_eq(count(out.data, out.len), 2);
	ovl_buf_done(&out);
}
END_TEST

START_TEST(test_record_flipped)
{
	struct ovl_buf out = { 0 };
	size_t end[ARRAY_LEN(records) + 1];

	make(&out, &header, end);
	for (size_t at = 0; at < out.len * 8; at++) {
		int found, want = 0;

		out.data[at / 8] ^= (char)(1 << at % 8);
		found = count(out.data, out.len);
		if (at / 8 < end[0]) {
			/* The header was whole once, so it is none now; a length may lie, though. */
			ck_assert_msg(found == -EINVAL || (at / 8 < 12 && found == -ENODATA),
				      "bit %zu: %d", at, found);
		} else {
			while (end[want + 1] <= at / 8)
				want++;
			ck_assert_int_eq(found, want);
		}
		out.data[at / 8] ^= (char)(1 << at % 8);
	}
	ovl_buf_done(&out);
}
END_TEST

/* Records of another journal, of the same numbers, do not fit behind this header. */
START_TEST(test_record_chain)
{
	struct ovl_record_header other = header;
	struct ovl_buf a = { 0 }, b = { 0 };
	size_t end[ARRAY_LEN(records) + 1];

	other.time++;
	make(&a, &header, end);
	make(&b, &other, end);
	memcpy(a.data + end[0], b.data + end[0], end[3] - end[0]);
	ck_assert_int_eq(count(a.data, a.len), 0);
	/* nor does a record that is left out, or told twice */
	ovl_buf_clear(&a);
	make(&a, &header, end);
	memmove(a.data + end[1], a.data + end[2], a.len - end[2]);
	ck_assert_int_eq(count(a.data, a.len - (end[2] - end[1])), 1);
	ovl_buf_done(&a);
	ovl_buf_done(&b);
}
END_TEST

START_TEST(test_record_lengths)
{
	static const uint32_t lengths[] = { 0x7fffffff, 0x80000000, 0xffffffff, 0xffffffec };
	unsigned char raw[64] = { 0 };
	struct ovl_record record;
	uint32_t crc = 0;
	size_t used;

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		for (int k = 0; k < 4; k++)
			raw[k] = (unsigned char)(lengths[i] >> 8 * k);
		raw[4] = OVL_RECORD_GROUP;
		raw[8] = 1;
		ck_assert_int_eq(ovl_record_get((struct ovl_bytes){ raw, sizeof(raw) }, 1, &crc,
						&record, &used),
				 0);
		ck_assert_uint_eq(crc, 0);
	}
}
END_TEST

/* Of later versions the sum is right, and the rest unknown. */
START_TEST(test_record_header_later)
{
	struct ovl_record_header h = header, untouched;
	struct ovl_buf out = { 0 };
	uint32_t crc;
	size_t used;

	h.incompat = 0x80000000;
	ck_assert_int_eq(ovl_record_put_header(&out, &h, &crc), 0);
	ck_assert_int_eq(count(out.data, out.len), -EPROTO);
	memset(&untouched, 0x5a, sizeof(untouched));
	h = untouched;
	ck_assert_int_eq(ovl_record_get_header(ovl_buf_bytes(&out), &h, &used, &crc), -EPROTO);
	ck_assert_mem_eq(&h, &untouched, sizeof(h));
	ck_assert_int_eq(count("", 0), -ENODATA);
	ck_assert_int_eq(count("OVLU", 4), -ENODATA);
	ck_assert_int_eq(count("OVLUNDO1", 8), -ENODATA);
	ck_assert_int_eq(count("OVLUNDO2", 8), -EINVAL);
	ck_assert_int_eq(count("E2UNDO02whatever", 16), -EINVAL);
	ck_assert_int_eq(count("OVLUNDO1\0\0\0\0\0\0\0\0", 16), -EINVAL);
	ck_assert_int_eq(count("OVLUNDO1\xff\xff\xff\xff\0\0\0\0", 16), -ENODATA);
	ovl_buf_done(&out);
}
END_TEST

START_TEST(test_record_fields)
{
	struct ovl_buf out = { 0 };
	struct ovl_bytes in, text;
	uint32_t small;
	uint64_t big;

	ck_assert_int_eq(ovl_field_put_u32(&out, 0x01020304), 0);
	ck_assert_int_eq(ovl_field_put_u64(&out, UINT64_MAX - 1), 0);
	ck_assert_int_eq(ovl_field_put_bytes(&out, BYTES("a\0b")), 0);
	ck_assert_int_eq(ovl_field_put_bytes(&out, BYTES("")), 0);
	ck_assert_uint_eq(out.len, 4 + 8 + 7 + 4);
	for (size_t len = 0; len <= out.len; len++) {
		int n = 0;

		in = (struct ovl_bytes){ (const unsigned char *)out.data, len };
		n += ovl_field_get_u32(&in, &small) == 0;
		n += n == 1 && ovl_field_get_u64(&in, &big) == 0;
		n += n == 2 && ovl_field_get_bytes(&in, &text) == 0;
		n += n == 3 && ovl_field_get_bytes(&in, &text) == 0;
		ck_assert_int_eq(n, len < 4 ? 0 : len < 12 ? 1 : len < 19 ? 2 : len < 23 ? 3 : 4);
	}
	ck_assert_uint_eq(small, 0x01020304);
	ck_assert_uint_eq(big, UINT64_MAX - 1);
	ck_assert_uint_eq(in.len, 0);
	/* What does not fit is not taken. */
	in = BYTES("\xff\xff\xff\xff----");
	ck_assert_int_eq(ovl_field_get_bytes(&in, &text), -EINVAL);
	ck_assert_uint_eq(in.len, 8);
	ovl_buf_done(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("format/record");
	TCase *t = tcase_create("record");

	tcase_add_test(t, test_record_round_trip);
	tcase_add_test(t, test_record_bytes);
	tcase_add_test(t, test_record_torn);
	tcase_add_loop_test(t, test_record_tail, 0, 4);
	tcase_add_test(t, test_record_flipped);
	tcase_add_test(t, test_record_chain);
	tcase_add_test(t, test_record_lengths);
	tcase_add_test(t, test_record_header_later);
	tcase_add_test(t, test_record_fields);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
