/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the comparison at the end of a conversion notices: of all that an overlay shows, one thing at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check/snapshot.h"
#include "stack/stack.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

static struct tree_stack tree;
static char told[256];

static void setup(void)
{
	tree_clear();
	tree_layers(2);
	tree_file("lower1/d/f", "content");
	tree_file("lower1/d/one", "linked");
	tree_link("lower1/d/one", "lower1/d/two");
	tree_link("lower1/d/one", "lower1/three");
	tree_symlink("lower1/d/link", "target");
	tree_file("lower2/other/x", "x");
	tree_file("upper/u", "u");
	ck_assert_int_eq(tree_open(&tree, 2, "", NULL), 0);
}

static void teardown(void)
{
	tree_close(&tree);
}

static struct ovl_snapshot *take(const struct ovl_snapshot *like)
{
	const struct ovl_check_options options = { .threads = 1 };
	struct ovl_snapshot *s = NULL;

	ck_assert_int_eq(
		ovl_snapshot_take(tree.stack, &tree.stack->config, &options, like, NULL, &s), 0);
	return s;
}

static int tell(void *ctx, const char *path)
{
	(void)ctx;
	snprintf(told, sizeof(told), "%s", path);
	return 0;
}

/* How many directories differ after @change; the last one is in told. */
static int64_t after(void (*change)(void))
{
	struct ovl_snapshot *a = take(NULL), *b;
	int64_t n;

	change();
	b = take(a);
	n = ovl_snapshot_compare(a, b, tell, NULL);
	ovl_snapshot_free(a);
	ovl_snapshot_free(b);
	return n;
}

/* With the times of before, so that it is not these that are noticed. */
static struct timespec times[2];
static void keep(const char *path)
{
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
}
static void restore(const char *path)
{
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void nothing(void)
{
}
static void mode(void)
{
	ck_assert_int_eq(chmod("lower1/d/f", 0700), 0);
}
static void mtime(void)
{
	const struct timespec t[2] = { { 1, 0 }, { 2, 3 } };

	ck_assert_int_eq(utimensat(AT_FDCWD, "lower1/d/f", t, 0), 0);
}
static void size(void)
{
	keep("lower1/d/f");
	ck_assert_int_eq(truncate("lower1/d/f", 3), 0);
	restore("lower1/d/f");
}
static void xattr(void)
{
	ck_assert_int_eq(setxattr("lower1/d/f", "user.x", "y", 1, 0), 0);
}
static void target(void)
{
	keep("lower1/d/link");
	ck_assert_int_eq(unlink("lower1/d/link"), 0);
	ck_assert_int_eq(symlink("tegrat", "lower1/d/link"), 0);
	restore("lower1/d/link");
}
static void type(void)
{
	tree_remove("lower1/d/f");
	tree_dir("lower1/d/f");
}
static void owner(void)
{
	ck_assert_int_eq(chown("lower1/d/f", 7, 8), 0);
}

static const struct {
	void (*change)(void);
	bool needs_root;
} one[] = { { mode, false },   { mtime, false }, { size, false }, { xattr, false },
	    { target, false }, { type, false },  { owner, true } };

START_TEST(test_nothing)
{
	ck_assert_int_eq(after(nothing), 0);
}
END_TEST

START_TEST(test_one)
{
	if (one[_i].needs_root && geteuid() != 0)
		return;
	ck_assert_int_ge(after(one[_i].change), 1);
	ck_assert_msg(strncmp(told, "/d", 2) == 0, "told of %s", told);
}
END_TEST

static void device(void)
{
	keep("lower1/null");
	ck_assert_int_eq(unlink("lower1/null"), 0);
	ck_assert_int_eq(mknod("lower1/null", S_IFCHR | 0600, makedev(1, 5)), 0);
	restore("lower1/null");
}

START_TEST(test_device)
{
	if (mknod("lower1/null", S_IFCHR | 0600, makedev(1, 3)) < 0) {
		tree_skip("a device", "it cannot be made here");
		return;
	}
	ck_assert_int_eq(after(device), 1);
	ck_assert_str_eq(told, "/");
}
END_TEST

/* ---- Hard links: /d/one, /d/two and /three are one file ---- */

/* A copy of what is at @from, which looks the same. */
static void copy(const char *from, const char *to)
{
	keep(from);
	tree_file(to, "linked");
	restore(to);
}
static void dir_times(const char *from, const char *to)
{
	struct stat st;

	ck_assert_int_eq(stat(from, &st), 0);
	ck_assert_int_eq(chmod(to, st.st_mode & 07777), 0);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	restore(to);
}
static void copied_apart(void)
{
	copy("lower1/d/one", "upper/d/one");
	copy("lower1/d/two", "upper/d/two");
	dir_times("lower1/d", "upper/d");
}
static void copied_together(void)
{
	copy("lower1/d/one", "upper/d/one");
	tree_link("upper/d/one", "upper/d/two");
	dir_times("lower1/d", "upper/d");
}
static void copied_one(void)
{
	copy("lower1/d/one", "upper/d/one");
	dir_times("lower1/d", "upper/d");
}
static void copied_apart_far(void)
{
	copy("lower1/d/one", "upper/d/one");
	copy("lower1/three", "upper/three");
	dir_times("lower1/d", "upper/d");
}

START_TEST(test_links_kept)
{
	ck_assert_int_eq(after(copied_together), 0);
}
END_TEST

/* What stays in the lower layer is not one with what was copied, and cannot be. */
START_TEST(test_links_outside)
{
	ck_assert_int_eq(after(copied_one), 0);
}
END_TEST

START_TEST(test_links_lost)
{
	ck_assert_int_eq(after(copied_apart), 1);
	ck_assert_str_eq(told, "/d");
}
END_TEST

START_TEST(test_links_lost_far)
{
	ck_assert_int_eq(after(copied_apart_far), 1);
}
END_TEST

static void joined(void)
{
	copy("lower1/d/one", "upper/d/one");
	tree_link("upper/d/one", "upper/d/alone");
	dir_times("lower1/d", "upper/d");
}

/* Two files that look the same, of which one has but one name, become one. */
START_TEST(test_links_joined)
{
	copy("lower1/d/one", "lower1/d/alone");
	ck_assert_int_eq(after(joined), 1);
	ck_assert_str_eq(told, "/d");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check/snapshot");
	TCase *t = tcase_create("snapshot");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_nothing);
	tcase_add_loop_test(t, test_one, 0, (int)(sizeof(one) / sizeof(*one)));
	tcase_add_test(t, test_device);
	tcase_add_test(t, test_links_kept);
	tcase_add_test(t, test_links_outside);
	tcase_add_test(t, test_links_lost);
	tcase_add_test(t, test_links_lost_far);
	tcase_add_test(t, test_links_joined);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
