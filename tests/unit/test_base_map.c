/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "tools/tool.h"
#include "unit/oom.h"
#include "unit/unit.h"

static struct ovl_key key(uint64_t a, uint64_t b)
{
	return (struct ovl_key){ a, b };
}

START_TEST(test_map_empty)
{
	struct ovl_map m = { 0 };
	struct ovl_key k = key(11, 12);
	uint64_t v = 13;
	size_t pos = 0;

	ovl_map_done(NULL);
	ovl_map_done(&m);
	ck_assert_ptr_null(ovl_map_get(&m, key(1, 2)));
	ck_assert_ptr_null(ovl_map_get(&m, key(0, 0)));
	ck_assert(!ovl_map_next(&m, &pos, &k, &v));
	ck_assert_uint_eq(k.a, 11);
	ck_assert_uint_eq(v, 13);
}
END_TEST

START_TEST(test_map_put_get)
{
	struct ovl_map m = { 0 };
	uint64_t *v = NULL, *again = NULL;

	ck_assert_int_eq(ovl_map_put(&m, key(1, 2), 42, &v), 1);
	ck_assert_uint_eq(*v, 42);
	*v = 43;
	ck_assert_int_eq(ovl_map_put(&m, key(1, 2), 99, &again), 0);
	ck_assert_ptr_eq(v, again);
	ck_assert_uint_eq(*again, 43);
	ck_assert_uint_eq(m.n, 1);
	ck_assert_uint_eq(*ovl_map_get(&m, key(1, 2)), 43);
	ck_assert_ptr_null(ovl_map_get(&m, key(2, 1)));
	ck_assert_ptr_null(ovl_map_get(&m, key(1, 0)));
	ck_assert_ptr_null(ovl_map_get(&m, key(0, 2)));
	ovl_map_done(&m);
	ck_assert_ptr_null(ovl_map_get(&m, key(1, 2)));
}
END_TEST

/* The keys that the implementation might take for an empty slot, or for its mark. */
static const struct ovl_key odd_keys[] = {
	{ 0, 0 }, { 0, 1 }, { 1, 0 }, { UINT64_MAX, UINT64_MAX }, { 0, UINT64_MAX }
};

START_TEST(test_map_odd_keys)
{
	struct ovl_map m = { 0 };
	uint64_t *v = NULL;
	size_t i, n;

	for (n = 0; n < ARRAY_LEN(odd_keys); n++) {
		ck_assert_ptr_null(ovl_map_get(&m, odd_keys[n]));
		ck_assert_int_eq(ovl_map_put(&m, odd_keys[n], n, &v), 1);
		ck_assert_int_eq(ovl_map_put(&m, odd_keys[n], 77, &v), 0);
		ck_assert_uint_eq(m.n, n + 1);
		for (i = 0; i <= n; i++)
			ck_assert_uint_eq(*ovl_map_get(&m, odd_keys[i]), i);
	}
	/* They survive growing. */
	for (i = 0; i < 1000; i++)
		ck_assert_int_eq(ovl_map_put(&m, key(i + 2, 5), i, &v), 1);
	for (i = 0; i < n; i++)
		ck_assert_uint_eq(*ovl_map_get(&m, odd_keys[i]), i);
	ovl_map_done(&m);
}
END_TEST

enum { MANY = 30000 };

static uint64_t value_of(uint64_t i)
{
	return i * 0x9e3779b97f4a7c15u;
}

START_TEST(test_map_many)
{
	_cleanup_free_ unsigned char *seen = calloc(MANY, 1);
	struct ovl_map m = { 0 };
	struct ovl_key k;
	uint64_t i, *p = NULL, v;
	size_t pos = 0, n = 0;

	ck_assert_ptr_nonnull(seen);
	for (i = 0; i < MANY; i++) {
		ck_assert_int_eq(ovl_map_put(&m, key(i / 300, i), value_of(i), &p), 1);
		ck_assert_uint_eq(*p, value_of(i));
	}
	ck_assert_uint_eq(m.n, MANY);
	/* A load between 3/8 and 3/4. */
	ck_assert_uint_le(m.n, m.size / 4 * 3);
	ck_assert_uint_ge(m.n, m.size / 8 * 3);

	for (i = 0; i < MANY; i++) {
		p = ovl_map_get(&m, key(i / 300, i));
		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq(*p, value_of(i));
		ck_assert_ptr_null(ovl_map_get(&m, key(i / 300, i + MANY)));
	}
	while (ovl_map_next(&m, &pos, &k, &v)) {
		ck_assert_uint_lt(k.b, MANY);
		ck_assert_uint_eq(k.a, k.b / 300);
		ck_assert_uint_eq(v, value_of(k.b));
		ck_assert_int_eq(seen[k.b], 0);
		seen[k.b] = 1;
		n++;
	}
	ck_assert_uint_eq(n, MANY);
	ovl_map_done(&m);
}
END_TEST

/* Against a plain array, with keys that meet often. */
START_TEST(test_map_random)
{
	struct ovl_rng rng = { 3 };
	struct ovl_map m = { 0 };
	uint64_t model[256] = { 0 }, *p = NULL;
	size_t i, n = 0;
	unsigned k;
	int r;

	for (i = 0; i < 50000; i++) {
		k = ovl_tool_random(&rng, 256);
		if (ovl_tool_random(&rng, 2)) {
			r = ovl_map_put(&m, key(k % 16, k / 16), i + 1, &p);
			ck_assert_int_eq(r, model[k] == 0);
			if (r) {
				model[k] = i + 1;
				n++;
			}
			ck_assert_uint_eq(*p, model[k]);
		} else {
			p = ovl_map_get(&m, key(k % 16, k / 16));
			ck_assert_uint_eq(p ? *p : 0, model[k]);
		}
		ck_assert_uint_eq(m.n, n);
	}
	ovl_map_done(&m);
}
END_TEST

START_TEST(test_map_hash)
{
	struct ovl_key a = ovl_map_hash("abc", 3), b;

	b = ovl_map_hash("abc", 3);
	ck_assert(a.a == b.a && a.b == b.b);
	b = ovl_map_hash("abd", 3);
	ck_assert(a.a != b.a && a.b != b.b);
	b = ovl_map_hash("abc", 4);
	ck_assert(a.a != b.a && a.b != b.b);
	a = ovl_map_hash(NULL, 0);
	b = ovl_map_hash("", 0);
	ck_assert(a.a == b.a && a.b == b.b);
}
END_TEST

#if OVL_OOM
START_TEST(test_map_oom)
{
	struct ovl_map m = { 0 };
	uint64_t *p = NULL, i;
	int r, failed = 0;

	for (i = 1; i <= 200; i++) {
		ovl_oom_arm(1);
		r = ovl_map_put(&m, key(i, i), i, &p);
		if (ovl_oom_disarm()) {
			failed++;
			ck_assert_int_eq(r, -ENOMEM);
			ck_assert_uint_eq(m.n, i - 1);
			ck_assert_ptr_null(ovl_map_get(&m, key(i, i)));
			r = ovl_map_put(&m, key(i, i), i, &p);
		}
		ck_assert_int_eq(r, 1);
		ck_assert_uint_eq(*p, i);
	}
	ck_assert_int_gt(failed, 3);
	for (i = 1; i <= 200; i++)
		ck_assert_uint_eq(*ovl_map_get(&m, key(i, i)), i);
	ovl_map_done(&m);
}
END_TEST
#endif

int main(void)
{
	Suite *s = suite_create("base/map");
	TCase *t = tcase_create("map");

	tcase_add_test(t, test_map_empty);
	tcase_add_test(t, test_map_put_get);
	tcase_add_test(t, test_map_odd_keys);
	tcase_add_test(t, test_map_many);
	tcase_add_test(t, test_map_random);
	tcase_add_test(t, test_map_hash);
#if OVL_OOM
	if (ovl_oom_works())
		tcase_add_test(t, test_map_oom);
#endif
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
