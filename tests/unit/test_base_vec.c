/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>

#include "base/vec.h"
#include "unit/oom.h"
#include "unit/unit.h"

struct wide {
	uint64_t a, b, c;
};

START_TEST(test_vec_push)
{
	OVL_VEC(struct wide) v = { 0 };
	size_t i, moves = 0;
	struct wide *old = NULL;

	for (i = 0; i < 10000; i++) {
		ck_assert_int_eq(ovl_vec_push(&v, ((struct wide){ i, i * 2, ~i })), 0);
		ck_assert_uint_ge(v.room, v.len);
		if (v.data != old)
			moves++;
		old = v.data;
	}
	ck_assert_uint_eq(v.len, 10000);
	ck_assert_uint_lt(moves, 20);
	for (i = 0; i < v.len; i++) {
		ck_assert_uint_eq(v.data[i].a, i);
		ck_assert_uint_eq(v.data[i].b, i * 2);
		ck_assert_uint_eq(v.data[i].c, ~i);
	}
	ovl_vec_done(&v);
	ck_assert_ptr_null(v.data);
	ck_assert_uint_eq(v.len, 0);
	ck_assert_uint_eq(v.room, 0);
	ovl_vec_done(&v);
}
END_TEST

START_TEST(test_vec_pointers)
{
	OVL_VEC(const char *) v = { 0 };

	ck_assert_int_eq(ovl_vec_push(&v, "one"), 0);
	ck_assert_int_eq(ovl_vec_push(&v, "two"), 0);
	ck_assert_str_eq(v.data[0], "one");
	ck_assert_str_eq(v.data[1], "two");
	ovl_vec_done(&v);
}
END_TEST

START_TEST(test_vec_too_much)
{
	size_t room = SIZE_MAX / 4;
	void *data = NULL;

	ck_assert_int_eq(ovl_vec_grow_(&data, room, &room, 16), -ENOMEM);
	ck_assert_ptr_null(data);
	ck_assert_uint_eq(room, SIZE_MAX / 4);
	room = SIZE_MAX / 2 + 1;
	ck_assert_int_eq(ovl_vec_grow_(&data, room, &room, 1), -ENOMEM);
	ck_assert_uint_eq(room, SIZE_MAX / 2 + 1);

	/* Room is left: nothing to do. */
	room = 5;
	ck_assert_int_eq(ovl_vec_grow_(&data, 4, &room, 1), 0);
	ck_assert_ptr_null(data);
	ck_assert_uint_eq(room, 5);
}
END_TEST

#if OVL_OOM
START_TEST(test_vec_oom)
{
	OVL_VEC(int) v = { 0 };
	size_t len;
	int r;

	do {
		ck_assert_int_eq(ovl_vec_push(&v, (int)v.len), 0);
	} while (v.len < v.room);
	len = v.len;
	ovl_oom_arm(1);
	r = ovl_vec_push(&v, 99);
	ck_assert(ovl_oom_disarm());
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert_uint_eq(v.len, len);
	ck_assert_uint_eq(v.room, len);
	ck_assert_int_eq(v.data[len - 1], (int)len - 1);
	ck_assert_int_eq(ovl_vec_push(&v, 99), 0);
	ck_assert_int_eq(v.data[len], 99);
	ovl_vec_done(&v);
}
END_TEST
#endif

int main(void)
{
	Suite *s = suite_create("base/vec");
	TCase *t = tcase_create("vec");

	tcase_add_test(t, test_vec_push);
	tcase_add_test(t, test_vec_pointers);
	tcase_add_test(t, test_vec_too_much);
#if OVL_OOM
	if (ovl_oom_works())
		tcase_add_test(t, test_vec_oom);
#endif
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
