/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/siphash.h"
#include "unit/unit.h"

/* The key of the published test vectors: bytes 00 to 0f. */
static const struct ovl_siphash_key key = { { UINT64_C(0x0706050403020100),
					      UINT64_C(0x0f0e0d0c0b0a0908) } };

/* The inputs are the bytes 00, 01 ...; the results are those of OpenSSL's SIPHASH of 16 bytes. */
static const struct {
	size_t len;
	uint64_t out[2];
} vectors[] = {
	{ 0, { UINT64_C(0xe6a825ba047f81a3), UINT64_C(0x930255c71472f66d) } },
	{ 1, { UINT64_C(0x44af996bd8c187da), UINT64_C(0x45fc229b11597634) } },
	{ 8, { UINT64_C(0x61f55862baa9623b), UINT64_C(0xb49714f364e2830f) } },
	{ 15, { UINT64_C(0x11a8b03399e99354), UINT64_C(0xd9c3cf970fec087e) } },
};

START_TEST(test_siphash_vectors)
{
	unsigned char in[15];
	uint64_t out[2] = { 0 };
	size_t i;

	for (i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)i;
	ovl_siphash_128(&key, vectors[_i].len ? in : NULL, vectors[_i].len, out);
	ck_assert_uint_eq(out[0], vectors[_i].out[0]);
	ck_assert_uint_eq(out[1], vectors[_i].out[1]);
}
END_TEST

START_TEST(test_siphash_length_counts)
{
	static const unsigned char zeros[300];
	uint64_t a[2], b[2];
	size_t len;

	for (len = 0; len < sizeof(zeros); len++) {
		ovl_siphash_128(&key, zeros, len, a);
		ovl_siphash_128(&key, zeros, len + 1 < sizeof(zeros) ? len + 1 : 0, b);
		ck_assert(a[0] != b[0] || a[1] != b[1]);
	}
}
END_TEST

START_TEST(test_siphash_pair)
{
	struct ovl_siphash_key other = key;
	uint64_t h = ovl_siphash_pair(&key, 1, 2);

	ck_assert_uint_eq(h, ovl_siphash_pair(&key, 1, 2));
	ck_assert_uint_ne(h, ovl_siphash_pair(&key, 2, 1));
	ck_assert_uint_ne(h, ovl_siphash_pair(&key, 1, 3));
	other.k[1] ^= 1;
	ck_assert_uint_ne(h, ovl_siphash_pair(&other, 1, 2));
}
END_TEST

/* One bit of the input changes about half the bits of the output. */
START_TEST(test_siphash_pair_mixes)
{
	uint64_t h = ovl_siphash_pair(&key, 7, 9), x;
	int bit, changed;

	for (bit = 0; bit < 128; bit++) {
		x = bit < 64 ? ovl_siphash_pair(&key, 7 ^ UINT64_C(1) << bit, 9) :
			       ovl_siphash_pair(&key, 7, 9 ^ UINT64_C(1) << (bit - 64));
		changed = __builtin_popcountll(h ^ x);
		ck_assert_int_gt(changed, 10);
		ck_assert_int_lt(changed, 54);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/siphash");
	TCase *t = tcase_create("siphash");

	tcase_add_loop_test(t, test_siphash_vectors, 0, ARRAY_LEN(vectors));
	tcase_add_test(t, test_siphash_length_counts);
	tcase_add_test(t, test_siphash_pair);
	tcase_add_test(t, test_siphash_pair_mixes);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
