/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/submounts.h"
#include "unit/test_io_kit.h"

enum { MAX_TOLD = 16 };

struct told {
	size_t n;
	size_t which[MAX_TOLD];
	bool below_slash[MAX_TOLD];
	char path[MAX_TOLD][64];
	size_t stop_at; /* 0: never */
};

static int tell(void *ctx, const struct ovl_submount *s)
{
	struct told *t = ctx;

	ck_assert_uint_lt(t->n, MAX_TOLD);
	t->which[t->n] = s->which;
	t->below_slash[t->n] = s->below_slash;
	snprintf(t->path[t->n], sizeof(t->path[0]), "%s", s->path);
	ck_assert_int_gt((int)strlen(s->fs_type), 0);
	t->n++;
	return t->n == t->stop_at ? 33 : 0;
}

static bool was_told(const struct told *t, size_t which, const char *path)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->which[i] == which && strcmp(t->path[i], path) == 0)
			return true;
	return false;
}

static int each(const char *const *dirs, size_t n, struct told *t)
{
	struct ovl_mounttable mounts = { 0 };
	struct ovl_root root[4];
	const struct ovl_root *roots[4];
	struct ovl_error e = OVL_ERROR_INIT;
	int r;

	ck_assert_uint_le(n, 4);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(ovl_root_open(dirs[i], "layer", &root[i], &e), 0);
		roots[i] = &root[i];
	}
	ck_assert_int_eq(ovl_mounttable_read(&mounts), 0);
	r = ovl_submounts_each(&mounts, roots, n, tell, t);
	ovl_mounttable_done(&mounts);
	for (size_t i = 0; i < n; i++)
		ovl_root_done(&root[i]);
	return r;
}

START_TEST(test_submounts)
{
	static const char *const two[] = { "d", "d/b", "free" };
	struct told t = { 0 };

	kit_private_mounts();
	kit_run("mkdir -p t; mount -t tmpfs t t; cd t; mkdir -p free d/a d/b/c d2/x 'd/s p';"
		"mount -t tmpfs t d/a; mkdir d/a/in; mount -t tmpfs t d/a/in; mount --bind free d/b/c;"
		"mount -t tmpfs t d2/x; mount -t tmpfs t 'd/s p'; mount -t tmpfs t d/a");
	ck_assert_int_eq(chdir("t"), 0);
	ck_assert_int_eq(each(two, 3, &t), 0);
	/* not what is mounted on a mount, not beside, not twice; the nearest layer has it */
	ck_assert_uint_eq(t.n, 3);
	ck_assert(was_told(&t, 0, "a"));
	ck_assert(was_told(&t, 0, "s p"));
	ck_assert(was_told(&t, 1, "c"));
	ck_assert(!t.below_slash[0] && !t.below_slash[1] && !t.below_slash[2]);
	t = (struct told){ .stop_at = 2 };
	ck_assert_int_eq(each(two, 3, &t), 33);
	ck_assert_uint_eq(t.n, 2);
	/* what a clone hides is there nevertheless */
	t = (struct told){ 0 };
	ck_assert_int_eq(each(two + 2, 1, &t), 0);
	ck_assert_uint_eq(t.n, 0);
}
END_TEST

START_TEST(test_submounts_of_slash)
{
	static const char *const slash[] = { "/" };
	struct told t = { .stop_at = 1 };

	kit_private_mounts();
	kit_run("mkdir -p /tmp && mount -t tmpfs t /tmp");
	ck_assert_int_eq(each(slash, 1, &t), 33);
	ck_assert_uint_eq(t.n, 1);
	ck_assert(t.below_slash[0]);
	ck_assert_int_ne(t.path[0][0], '/');
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("io/submounts");
	TCase *tc = tcase_create("submounts");

	if (!kit_is_root()) {
		/* without a private namespace nothing can be mounted */
		kit_skip("submounts", "not root");
		printf("1..0 # SKIP not root\n");
		return EXIT_SUCCESS;
	}
	tcase_add_unchecked_fixture(tc, kit_setup, kit_teardown);
	tcase_add_test(tc, test_submounts);
	tcase_add_test(tc, test_submounts_of_slash);
	suite_add_tcase(suite, tc);
	return ovl_unit_main(suite);
}
