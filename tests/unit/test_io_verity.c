/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/metacopy.h"
#include "io/verity.h"
#include "unit/test_io_kit.h"

/* A file of @size bytes (byte i is 7 * i), read in odd pieces, with or without fs-verity. */
struct fake {
	struct ovl_reader reader;
	uint64_t size;
	int measure; /* 0 or an error */
	uint8_t algo;
	unsigned len;
	int64_t read_error;
	int reads;
};

static int fake_measure(struct ovl_reader *r, int fd, uint8_t *ret_algo,
			unsigned char ret_digest[64], unsigned *ret_len)
{
	struct fake *f = (struct fake *)r;

	(void)fd;
	if (f->measure == 0) {
		*ret_algo = f->algo;
		*ret_len = f->len;
		memset(ret_digest, 0xab, f->len);
	}
	return f->measure;
}

static int64_t fake_pread(struct ovl_reader *r, int fd, void *buf, size_t len, uint64_t offset)
{
	struct fake *f = (struct fake *)r;
	size_t i;

	(void)fd;
	f->reads++;
	if (f->read_error)
		return f->read_error;
	if (offset >= f->size)
		return 0;
	if (len > f->size - offset)
		len = f->size - offset;
	if (len > 1000)
		len = 1000;
	for (i = 0; i < len; i++)
		((unsigned char *)buf)[i] = (unsigned char)((offset + i) * 7);
	return (int64_t)len;
}

static const struct ovl_reader_ops fake_ops = { .measure_verity = fake_measure,
						.pread = fake_pread };

START_TEST(test_verity_measured)
{
	struct fake f = { .reader = { &fake_ops }, .algo = OVL_METACOPY_ALGO_SHA256, .len = 32 };
	unsigned char digest[OVL_VERITY_MAX_DIGEST] = { 0 }, want[32];
	unsigned len = 77;

	memset(want, 0xab, sizeof(want));
	ck_assert_int_eq(ovl_verity_digest(&f.reader, 3, 0, OVL_METACOPY_ALGO_SHA256, digest, &len),
			 0);
	ck_assert_uint_eq(len, 32);
	ck_assert_mem_eq(digest, want, 32);
	/* the content was not needed */
	ck_assert_int_eq(f.reads, 0);
	/* that of another algorithm is no match, whatever the content */
	len = 77;
	ck_assert_int_eq(ovl_verity_digest(&f.reader, 3, 0, OVL_METACOPY_ALGO_SHA512, digest, &len),
			 -EBADMSG);
	ck_assert_int_eq(ovl_verity_digest(&f.reader, 3, 0, OVL_METACOPY_ALGO_NONE, digest, &len),
			 -EINVAL);
	ck_assert_int_eq(ovl_verity_digest(&f.reader, 3, 0, 3, digest, &len), -EINVAL);
	/* the kernel failed to measure: that says nothing about the file */
	f.measure = -EIO;
	ck_assert_int_eq(ovl_verity_digest(&f.reader, 3, 0, OVL_METACOPY_ALGO_SHA256, digest, &len),
			 -EIO);
	ck_assert_uint_eq(len, 77);
	ck_assert_int_eq(f.reads, 0);
}
END_TEST

#ifdef HAVE_LIBFSVERITY
/* Computed by a program that knows nothing of libfsverity. */
static const struct {
	uint64_t size;
	uint8_t algo;
	int measure;
	const char *digest;
} contents[] = {
	{ 0, 1, -ENODATA, "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95" },
	{ 4096, 1, -ENOTTY, "87a706bdba32be89a173dc11d6a91c08165b4dcfcf743988c94595e82934a41a" },
	{ 1000003, 1, -EOPNOTSUPP,
	  "82d169f1ee946f69abbaac5d3ca77bbec785600ea7383d848a0f6da5fc2e4731" },
	{ 1000003, 2, -ENODATA,
	  "14e98e7f463fb7362a5eca9678157e577a94a09d2c315548d67475d3e294492e"
	  "bef05146ea341d9a96613dcb6f6bc1f32827f0e237a2744227f40c0bebf884ae" },
};

START_TEST(test_verity_computed)
{
	struct fake f = { .reader = { &fake_ops },
			  .size = contents[_i].size,
			  .measure = contents[_i].measure };
	unsigned char digest[OVL_VERITY_MAX_DIGEST];
	char hex[2 * OVL_VERITY_MAX_DIGEST + 1];
	unsigned len = 0, i;

	ck_assert_int_eq(ovl_verity_digest(&f.reader, 3, f.size, contents[_i].algo, digest, &len),
			 0);
	ck_assert_uint_eq(len, contents[_i].algo == 1 ? 32 : 64);
	for (i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	ck_assert_str_eq(hex, contents[_i].digest);
}
END_TEST

START_TEST(test_verity_changed)
{
	struct fake f = { .reader = { &fake_ops }, .size = 5000, .measure = -ENODATA };
	unsigned char digest[OVL_VERITY_MAX_DIGEST];
	unsigned len = 77;

	/* shorter by now */
	ck_assert_int_eq(ovl_verity_digest(&f.reader, 3, 5001, 1, digest, &len), -ESTALE);
	f.read_error = -EIO;
	ck_assert_int_eq(ovl_verity_digest(&f.reader, 3, 5000, 1, digest, &len), -EIO);
	ck_assert_uint_eq(len, 77);
}
END_TEST
#else
START_TEST(test_verity_not_built_in)
{
	struct fake f = { .reader = { &fake_ops }, .measure = -ENODATA };
	unsigned char digest[OVL_VERITY_MAX_DIGEST];
	unsigned len;

	ck_assert_int_eq(ovl_verity_digest(&f.reader, 3, 0, 1, digest, &len), -EOPNOTSUPP);
}
END_TEST
#endif

/* Whatever the file system of /tmp can do, the digest of the content comes out. */
START_TEST(test_verity_real)
{
	struct ovl_reader *r = ovl_reader_linux();
	unsigned char digest[OVL_VERITY_MAX_DIGEST];
	unsigned len = 0;
	int fd, err;

	kit_write("hello", "hello\n");
	fd = open("hello", O_RDONLY | O_CLOEXEC);
	err = ovl_verity_digest(r, fd, 6, OVL_METACOPY_ALGO_SHA256, digest, &len);
#ifdef HAVE_LIBFSVERITY
	ck_assert_int_eq(err, 0);
	ck_assert_uint_eq(len, 32);
	ck_assert_mem_eq(digest, "\x9c\x76\xee\xcc\x7b\x76\xfc\xb4\x61\x99\xcb\x27\xb9\x0c\xf5\x9a",
			 16);
#else
	ck_assert_int_eq(err, -EOPNOTSUPP);
#endif
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("io/verity");
	TCase *tc = tcase_create("verity");

	tcase_add_unchecked_fixture(tc, kit_setup, kit_teardown);
	tcase_add_test(tc, test_verity_measured);
	tcase_add_test(tc, test_verity_real);
#ifdef HAVE_LIBFSVERITY
	tcase_add_loop_test(tc, test_verity_computed, 0, (int)ARRAY_LEN(contents));
	tcase_add_test(tc, test_verity_changed);
#else
	tcase_add_test(tc, test_verity_not_built_in);
#endif
	suite_add_tcase(suite, tc);
	return ovl_unit_main(suite);
}
