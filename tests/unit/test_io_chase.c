/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <limits.h>
#include <string.h>

#include "io/chase.h"
#include "overlayfs/boot.h"
#include "unit/oom.h"
#include "unit/test_io_kit.h"

static const struct {
	const char *path;
	const char *chased;
	const char *plain; /* NULL: the same */
} paths[] = {
	{ "/", "/", NULL },
	{ "//./", "/", "/" },
	{ "/dir", "/dir", NULL },
	{ "//dir/.//sub/", "/dir/sub", "/dir/sub" },
	{ "/dir/none/x", "/dir/none/x", NULL },
	{ "/abs", "/dir", "/abs" },
	{ "/abs/sub/x", "/dir/sub/x", "/abs/sub/x" },
	{ "/dir/rel", "/dir/sub", "/dir/rel" },
	{ "/dir/up/x", "/other/x", "/dir/up/x" },
	{ "/two/x", "/dir/sub/x", "/two/x" },
	{ "/dangling/x", "/not/there/x", "/dangling/x" },
	{ "/file/x", "/file/x", NULL },
	{ "/dir/../other", "/other", "/dir/../other" },
	{ "/../../dir", "/dir", "/../../dir" },
	{ "/abs/../x", "/x", "/abs/../x" }, /* /dir/.. */
	/* what is not known stays as it is written */
	{ "/none/../dir", "/none/../dir", NULL },
	{ "/loop/x", "/loop/x", NULL },
	{ "/ring1/x", "/ring1/x", NULL },
	/* mounts are not looked into, links that lead there are followed to them */
	{ "/mnt/link", "/mnt/link", NULL },
	{ "/mnt/dir/../x", "/mnt/dir/../x", NULL },
	{ "/to-mnt/link", "/mnt/link", "/to-mnt/link" },
};

/* A root of its own, in which everything is made but one mount. */
static void enter(void)
{
	kit_private_mounts();
	kit_run("mkdir root; mount -t tmpfs t root; cd root; mkdir -p dir/sub other mnt proc; : > file;"
		"ln -s /dir abs; ln -s sub dir/rel; ln -s ../other dir/up; ln -s abs/rel two;"
		"ln -s /not/there dangling; ln -s loop loop; ln -s ring2 ring1; ln -s ring1 ring2;"
		"ln -s mnt to-mnt; mount -t tmpfs t mnt; mkdir mnt/dir; ln -s /dir mnt/link");
	ck_assert_int_eq(chroot("root"), 0);
	kit_mount_proc();
	ck_assert_int_eq(chdir("/mnt"), 0); /* where we are does not matter */
}

START_TEST(test_chase)
{
	enter();
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		_cleanup_free_ char *chased = NULL, *plain = NULL;

		ck_assert_int_eq(ovl_boot_chase(paths[i].path, &chased), 0);
		ck_assert_str_eq(chased, paths[i].chased);
		ck_assert_int_eq(ovl_boot_plain(paths[i].path, &plain), 0);
		ck_assert_str_eq(plain, paths[i].plain ? paths[i].plain : paths[i].path);
	}
}
END_TEST

START_TEST(test_chase_old_kernel)
{
	_cleanup_free_ char *chased = NULL;

	enter();
	kit_deny(SYS_openat2, ENOSYS);
	ck_assert_int_eq(ovl_boot_chase("/abs//x", &chased), 0);
	ck_assert_str_eq(chased, "/abs/x");
}
END_TEST

/* A table with these mounts; the strings are the caller's. */
static void table(struct ovl_mounttable *t, struct ovl_mounttable_row *rows, size_t n)
{
	*t = (struct ovl_mounttable){ 0 };
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(ovl_vec_push(&t->row, rows[i]), 0);
}

/* What is said to be a mount is not looked into, so that nobody is waited for. */
START_TEST(test_chase_mounts)
{
	static const struct {
		const char *path, *chased;
	} with[] = {
		{ "/abs", "/dir" },         { "/dir/rel", "/dir/rel" },
		{ "/abs/rel", "/dir/rel" }, { "/other/../dir/up", "/dir/up" },
		{ "/two", "/dir/rel" },
	};
	struct ovl_mounttable_row rows[] = { { .target = (char[]){ "/" } },
					     { .target = (char[]){ "/dir" } },
					     { .target = (char[]){ "/other/d" } } };
	struct ovl_mounttable t;

	enter();
	table(&t, rows, ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(with); i++) {
		_cleanup_free_ char *chased = NULL;

		ck_assert_int_eq(ovl_chase(&t, with[i].path, &chased), 0);
		ck_assert_str_eq(chased, with[i].chased);
	}
	ovl_vec_done(&t.row);
}
END_TEST

START_TEST(test_waits)
{
	char auto_fs[] = "autofs", ext4[] = "ext4";
	struct ovl_mounttable_row rows[] = {
		{ .target = (char[]){ "/" }, .fs_type = ext4 },
		{ .target = (char[]){ "/a" }, .fs_type = auto_fs },
		{ .target = (char[]){ "/b c" }, .fs_type = auto_fs },
		{ .target = (char[]){ "/b c" }, .fs_type = ext4 },
		{ .target = (char[]){ "/b c/d" }, .fs_type = auto_fs },
		{ .target = (char[]){ "/e" }, .fs_type = ext4 },
		{ .target = (char[]){ "/e" }, .fs_type = auto_fs },
	};
	struct ovl_mounttable t;

	table(&t, rows, ARRAY_LEN(rows));
	ck_assert(ovl_mounttable_waits(&t, "/a"));
	ck_assert(ovl_mounttable_waits(&t, "/a/x/y"));
	ck_assert(!ovl_mounttable_waits(&t, "/ab"));
	ck_assert(!ovl_mounttable_waits(&t, "/"));
	ck_assert(!ovl_mounttable_waits(&t, "/b c"));
	ck_assert(!ovl_mounttable_waits(&t, "/b c/x"));
	ck_assert(ovl_mounttable_waits(&t, "/b c/d"));
	ck_assert(ovl_mounttable_waits(&t, "/e/x"));
	ovl_vec_done(&t.row);
}
END_TEST

START_TEST(test_chase_long)
{
	static char path[3 * PATH_MAX], want[3 * PATH_MAX];
	_cleanup_free_ char *chased = NULL;
	size_t i;

	enter();
	for (i = 0; i + 4 < sizeof(path); i += 4)
		memcpy(path + i, "/./a", 4);
	for (i = 0; i < sizeof(path) / 4 - 1; i++)
		memcpy(want + 2 * i, "/a", 2);
	ck_assert_int_eq(ovl_boot_chase(path, &chased), 0);
	ck_assert_str_eq(chased, want);
}
END_TEST

#if OVL_OOM
START_TEST(test_chase_no_memory)
{
	if (!ovl_oom_works())
		return;
	enter();
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		int r;

		OVL_OOM_LOOP(n)
		{
			char *chased = NULL;

			ovl_oom_arm(n);
			r = ovl_boot_chase(paths[i].path, &chased);
			if (!ovl_oom_disarm()) {
				ck_assert_str_eq(chased, paths[i].chased);
				free(chased);
				break;
			}
			ck_assert_int_eq(r, -ENOMEM);
			ck_assert_ptr_null(chased);
		}
	}
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("io/chase");
	TCase *tc = tcase_create("chase");

	tcase_add_unchecked_fixture(tc, kit_setup, kit_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_waits);
	if (kit_is_root()) {
		tcase_add_test(tc, test_chase);
		tcase_add_test(tc, test_chase_mounts);
		tcase_add_test(tc, test_chase_old_kernel);
		tcase_add_test(tc, test_chase_long);
#if OVL_OOM
		tcase_add_test(tc, test_chase_no_memory);
#endif
	} else {
		kit_skip("chase", "not root");
	}
	suite_add_tcase(suite, tc);
	return ovl_unit_main(suite);
}
