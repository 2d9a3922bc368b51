/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/ancestors.h"
#include "unit/test_io_kit.h"

enum { MAX_MET = 16 };

struct met {
	size_t n;
	struct stat st[MAX_MET]; /* of these, device and inode */
	size_t stop_at;          /* 0: never */
};

static int meet(void *ctx, uint64_t dev, uint64_t ino)
{
	struct met *m = ctx;

	ck_assert_uint_lt(m->n, MAX_MET);
	m->st[m->n].st_dev = dev;
	m->st[m->n].st_ino = ino;
	m->n++;
	return m->n == m->stop_at ? 33 : 0;
}

static int climb(const char *dir, bool with_mounts, struct met *m)
{
	struct ovl_mounttable mounts = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_root root;
	int r;

	ck_assert_int_eq(ovl_root_open(dir, "layer", &root, &e), 0);
	if (with_mounts)
		ck_assert_int_eq(ovl_mounttable_read(&mounts), 0);
	r = ovl_ancestors_each(&mounts, &root, meet, m);
	ovl_mounttable_done(&mounts);
	ovl_root_done(&root);
	return r;
}

/* The climb met exactly these, in this order. */
static void check_met(const struct met *m, const char *const *dirs, size_t n)
{
	struct stat st;

	ck_assert_uint_eq(m->n, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(stat(dirs[i], &st), 0);
		ck_assert_uint_eq(m->st[i].st_dev, st.st_dev);
		ck_assert_uint_eq(m->st[i].st_ino, st.st_ino);
	}
}

static void make_tree(void)
{
	kit_private_mounts();
	kit_run("mkdir -p t; mount -t tmpfs t t; cd t; mkdir -p a/b/c/d 'a/s p/x' bound bound2 other");
	ck_assert_int_eq(chdir("t"), 0);
}

START_TEST(test_to_the_root_of_the_file_system)
{
	static const char *const above[] = { "a/b", "a", "." };
	struct met m = { 0 };

	make_tree();
	ck_assert_int_eq(climb("a/b/c", true, &m), 0);
	check_met(&m, above, 3);
	m = (struct met){ 0 };
	ck_assert_int_eq(climb(".", true, &m), 0);
	ck_assert_uint_eq(m.n, 0);
	m = (struct met){ .stop_at = 2 };
	ck_assert_int_eq(climb("a/b/c", true, &m), 33);
	ck_assert_uint_eq(m.n, 2);
}
END_TEST

START_TEST(test_through_bind_mounts)
{
	static const char *const above[] = { "a/b", "a", "." }, *const deeper[] = { "a/b/c", "a/b",
										    "a", "." };
	static const char *const spaced[] = { "a", "." };
	struct met m = { 0 };

	make_tree();
	kit_run("mount --bind a/b/c bound; mount --bind bound/d bound2; mount --bind 'a/s p' other");
	ck_assert_int_eq(climb("bound", true, &m), 0);
	check_met(&m, above, 3);
	m = (struct met){ 0 };
	ck_assert_int_eq(climb("bound2", true, &m), 0);
	check_met(&m, deeper, 4);
	m = (struct met){ 0 };
	ck_assert_int_eq(climb("other", true, &m), 0);
	check_met(&m, spaced, 2);
	/* without a mount table the root of the mount is the end */
	m = (struct met){ 0 };
	ck_assert_int_eq(climb("bound", false, &m), 0);
	ck_assert_uint_eq(m.n, 0);
	m = (struct met){ 0 };
	ck_assert_int_eq(climb("bound/d", false, &m), 0);
	check_met(&m, (const char *const[]){ "bound" }, 1);
}
END_TEST

START_TEST(test_what_no_mount_shows)
{
	struct met m = { 0 };

	make_tree();
	ck_assert_int_eq(chdir(".."), 0);
	kit_run("mkdir -p out; mount --bind t/a/b out; umount -l t");
	ck_assert_int_eq(climb("out/c", true, &m), 0);
	check_met(&m, (const char *const[]){ "out" }, 1);
}
END_TEST

START_TEST(test_of_another_file_system)
{
	struct met m = { 0 };

	make_tree();
	/* The same names on another file system are none of its ancestors. */
	kit_run("mkdir -p ../u; mount -t tmpfs u ../u; mkdir -p ../u/a/b; mount --bind a/b bound;"
		"mount -t tmpfs v a; mkdir a/b");
	ck_assert_int_eq(climb("bound", true, &m), 0);
	ck_assert_uint_eq(m.n, 0);
}
END_TEST

START_TEST(test_mount_table)
{
	struct ovl_mounttable t = { 0 };
	const struct ovl_mounttable_row *row;
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_root root;

	make_tree();
	kit_run("mount --bind 'a/s p' 'a/b'");
	ck_assert_int_eq(ovl_root_open("a/b", "layer", &root, &e), 0);
	ck_assert_int_eq(ovl_mounttable_read(&t), 0);
	row = ovl_mounttable_find(&t, root.mnt_id);
	ck_assert_ptr_nonnull(row);
	ck_assert_str_eq(row->root, "/a/s p");
	ck_assert_str_eq(row->fs_type, "tmpfs");
	ck_assert_str_eq(row->target + strlen(row->target) - 6, "/t/a/b");
	ck_assert_ptr_nonnull(ovl_mounttable_find(&t, row->parent));
	ck_assert_ptr_null(ovl_mounttable_find(&t, UINT64_MAX));
	ovl_mounttable_done(&t);
	ck_assert_ptr_null(ovl_mounttable_find(&t, root.mnt_id));
	ovl_root_done(&root);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("io/ancestors");
	TCase *tc = tcase_create("ancestors");

	if (!kit_is_root()) {
		/* without a private namespace nothing can be mounted */
		kit_skip("ancestors", "not root");
		printf("1..0 # SKIP not root\n");
		return EXIT_SUCCESS;
	}
	tcase_add_unchecked_fixture(tc, kit_setup, kit_teardown);
	tcase_add_test(tc, test_to_the_root_of_the_file_system);
	tcase_add_test(tc, test_through_bind_mounts);
	tcase_add_test(tc, test_what_no_mount_shows);
	tcase_add_test(tc, test_of_another_file_system);
	tcase_add_test(tc, test_mount_table);
	suite_add_tcase(suite, tc);
	return ovl_unit_main(suite);
}
