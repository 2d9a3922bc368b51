/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pthread.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "base/pool.h"
#include "io/beneath.h"
#include "io/reader.h"
#include "unit/test_io_kit.h"

static struct ovl_reader *reader;

static void start(void)
{
	reader = ovl_reader_linux();
}

/* ---- enter, xattrs ---- */

enum way { WAY_ENTERED, WAY_SYSCALL, WAY_LINK, WAY_NO_PROC, WAY__MAX };

/*
 * Before 6.6 tmpfs has no user.* xattrs, and only there fit 64 KiB of any; so root uses trusted.*.
 * The result is valid until the next call.
 */
static const char *xattr_name(const char *rest)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s.%s", kit_is_root() ? "trusted" : "user", rest);
	return name;
}

static int get(int dir, const char *name, const char *rest, struct ovl_buf *b)
{
	return reader->ops->get_xattr(reader, dir, name, xattr_name(rest), b);
}

static void check_list(int dir, const char *name, const char *want)
{
	struct ovl_buf b = { 0 };

	ck_assert_int_eq(reader->ops->list_xattrs(reader, dir, name, &b), 0);
	if (want) {
		ck_assert_uint_eq(b.len, strlen(xattr_name(want)) + 1);
		ck_assert_str_eq(b.data, xattr_name(want));
	} else {
		ck_assert_uint_eq(b.len, 0);
	}
	ovl_buf_done(&b);
}

static void check_values(int dir)
{
	struct ovl_buf b = { 0 };
	char value[3000];

	ck_assert_int_eq(get(dir, "file", "a", &b), 0);
	ck_assert_uint_eq(b.len, 5);
	ck_assert_mem_eq(b.data, "va\0lu", 6);
	ck_assert_int_eq(get(dir, "file", "none", &b), -ENODATA);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_int_eq(get(dir, "link", "a", &b), -ENODATA);
	ck_assert_int_eq(get(dir, "none", "a", &b), -ENOENT);
	ck_assert_int_eq(get(dir, "", "dir", &b), 0);
	ck_assert_str_eq(b.data, "d");
	/* larger than the first try */
	ck_assert_int_eq(get(dir, "big", "big", &b), 0);
	memset(value, 'v', sizeof(value));
	ck_assert_uint_eq(b.len, sizeof(value));
	ck_assert_mem_eq(b.data, value, sizeof(value));
	ck_assert_int_eq(b.data[b.len], 0);
	ck_assert_int_eq(get(dir, "fifo", "none", &b), -ENODATA);
	ovl_buf_done(&b);
}

static void check_xattrs(int dir)
{
	struct ovl_buf b = { 0 };
	char rest[40];
	const char *name;
	int i;

	check_list(dir, "plain", NULL);
	check_list(dir, "file", "a");
	/* a symlink is asked itself: it has none, but its target has */
	check_list(dir, "link", NULL);
	check_list(dir, "fifo", NULL);
	check_list(dir, "", "dir");
	ck_assert_int_eq(reader->ops->list_xattrs(reader, dir, "none", &b), -ENOENT);
	/* larger than the first try */
	ck_assert_int_eq(reader->ops->list_xattrs(reader, dir, "many", &b), 0);
	for (i = 0; i < 60; i++) {
		snprintf(rest, sizeof(rest), "number-of-an-attribute-%02d", i);
		name = xattr_name(rest);
		ck_assert_uint_eq(b.len, 60 * (strlen(name) + 1));
		ck_assert_ptr_nonnull(memmem(b.data, b.len, name, strlen(name) + 1));
	}
	ovl_buf_done(&b);
	check_values(dir);
}

/* What cannot be looked up is an error, not absence. */
static void check_unable(int dir)
{
	struct ovl_buf b = { 0 };

	ck_assert_int_eq(reader->ops->list_xattrs(reader, dir, "file", &b), -ENOSYS);
	ck_assert_int_eq(get(dir, "file", "a", &b), -ENOSYS);
	ovl_buf_done(&b);
}

static void make_xattrs(void)
{
	char rest[40], value[3000];
	int i;

	kit_run("mkdir x; touch x/plain x/file x/big x/many; ln -s file x/link; mkfifo x/fifo");
	ck_assert_int_eq(setxattr("x", xattr_name("dir"), "d", 1, 0), 0);
	ck_assert_int_eq(setxattr("x/file", xattr_name("a"), "va\0lu", 5, 0), 0);
	memset(value, 'v', sizeof(value));
	ck_assert_int_eq(setxattr("x/big", xattr_name("big"), value, sizeof(value), 0), 0);
	for (i = 0; i < 60; i++) {
		snprintf(rest, sizeof(rest), "number-of-an-attribute-%02d", i);
		ck_assert_int_eq(setxattr("x/many", xattr_name(rest), "", 0, 0), 0);
	}
}

START_TEST(test_reader_xattrs)
{
	enum way way = (enum way)_i;
	char before[4096], after[4096];
	int dir;

	if (way == WAY_NO_PROC && !kit_is_root())
		return;
	if (kit_is_root()) {
		kit_private_mounts();
		kit_run("mkdir -p xm; mount -t tmpfs t xm");
		ck_assert_int_eq(chdir("xm"), 0);
	} else {
		kit_run("mkdir xm%d", _i);
		ck_assert_int_eq(chdir(_i == 0 ? "xm0" : _i == 1 ? "xm1" : "xm2"), 0);
	}
	make_xattrs();
	dir = kit_open("x");
	if (way == WAY_LINK || way == WAY_NO_PROC) {
		kit_deny(SYS_getxattrat, way == WAY_LINK ? ENOSYS : EPERM);
		kit_deny(SYS_listxattrat, way == WAY_LINK ? ENOSYS : EPERM);
	}
	if (way == WAY_NO_PROC)
		ck_assert_int_eq(umount2("/proc", MNT_DETACH), 0);
	ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
	if (way == WAY_ENTERED) {
		ck_assert_int_eq(reader->ops->thread_start(reader), 0);
		reader->ops->enter(reader, dir);
		ck_assert_ptr_nonnull(getcwd(after, sizeof(after)));
		ck_assert_str_ne(before, after);
	}
	if (way == WAY_NO_PROC) {
		check_unable(dir);
		kit_mount_proc();
	} else {
		check_xattrs(dir);
	}
	if (way == WAY_ENTERED) {
		reader->ops->leave(reader, dir);
		check_xattrs(dir);
		reader->ops->thread_stop(reader);
	}
	ck_assert_ptr_nonnull(getcwd(after, sizeof(after)));
	ck_assert_str_eq(before, after);
	close(dir);
}
END_TEST

/* In a thread that did not start with thread_start(), nothing moves the working directory. */
START_TEST(test_reader_enter_not_started)
{
	char before[4096], after[4096];
	int dir;

	ck_assert_int_eq(mkdir("e", 0755), 0);
	dir = kit_open("e");
	ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
	reader->ops->enter(reader, dir);
	ck_assert_ptr_nonnull(getcwd(after, sizeof(after)));
	ck_assert_str_eq(before, after);
	reader->ops->leave(reader, dir);
	reader->ops->thread_stop(reader);
	close(dir);
}
END_TEST

/* Two threads in two directories that have the same names in them. */
struct racer {
	const char *path, *want;
	int wrong;
};

static void *race(void *arg)
{
	struct racer *racer = arg;
	struct ovl_buf b = { 0 };
	int dir, i;

	racer->wrong = reader->ops->thread_start(reader) != 0;
	dir = open(racer->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < 3000; i++) {
		reader->ops->enter(reader, dir);
		if (reader->ops->get_xattr(reader, dir, "file", "user.who", &b) != 0 ||
		    strcmp(b.data, racer->want) != 0)
			racer->wrong++;
		reader->ops->leave(reader, dir);
	}
	close(dir);
	ovl_buf_done(&b);
	reader->ops->thread_stop(reader);
	return NULL;
}

START_TEST(test_reader_threads)
{
	_cleanup_free_ char *pa = ovl_tool_format("%s/ta", kit_dir);
	_cleanup_free_ char *pb = ovl_tool_format("%s/tb", kit_dir);
	struct racer a = { pa, "a", 0 }, b = { pb, "b", 0 };
	char before[4096], after[4096];
	pthread_t thread;

	kit_run("mkdir ta tb; touch ta/file tb/file");
	ck_assert_int_eq(setxattr("ta/file", "user.who", "a", 1, 0), 0);
	ck_assert_int_eq(setxattr("tb/file", "user.who", "b", 1, 0), 0);
	ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
	ck_assert_int_eq(pthread_create(&thread, NULL, race, &a), 0);
	race(&b);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(a.wrong, 0);
	ck_assert_int_eq(b.wrong, 0);
	ck_assert_ptr_nonnull(getcwd(after, sizeof(after)));
	ck_assert_str_eq(before, after);
}
END_TEST

/* A descriptor that was closed while entered may come back as another directory. */
START_TEST(test_reader_entered_number_reused)
{
	struct ovl_buf b = { 0 };
	int dir, again;

	kit_run("mkdir ra rb; touch ra/file rb/file");
	ck_assert_int_eq(setxattr("ra/file", "user.who", "a", 1, 0), 0);
	ck_assert_int_eq(setxattr("rb/file", "user.who", "b", 1, 0), 0);
	ck_assert_int_eq(reader->ops->thread_start(reader), 0);
	again = kit_open(".");
	ck_assert_int_eq(reader->ops->open_dir(reader, again, "ra", &dir), 0);
	reader->ops->enter(reader, dir);
	reader->ops->close(reader, dir);
	ck_assert_int_eq(reader->ops->open_dir(reader, again, "rb", &dir), 0);
	ck_assert_int_eq(reader->ops->get_xattr(reader, dir, "file", "user.who", &b), 0);
	ck_assert_str_eq(b.data, "b");
	reader->ops->close(reader, dir);
	reader->ops->thread_stop(reader);
	close(again);
	ovl_buf_done(&b);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *const *tests, size_t n)
{
	TCase *tc = tcase_create(name);
	size_t i;

	tcase_add_unchecked_fixture(tc, kit_setup, kit_teardown);
	tcase_add_checked_fixture(tc, start, NULL);
	tcase_set_timeout(tc, 60);
	for (i = 0; i < n; i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	const TTest *const anybody[] = { test_reader_enter_not_started };
	const TTest *const user_xattrs[] = { test_reader_threads,
					     test_reader_entered_number_reused };
	Suite *suite = suite_create("io/reader_xattrs");
	TCase *ways;

	add(suite, "reader", anybody, ARRAY_LEN(anybody));
	if (kit_has_user_xattrs())
		add(suite, "threads", user_xattrs, ARRAY_LEN(user_xattrs));
	else
		kit_skip("threads", "/tmp has no user.* xattrs");
	if (kit_is_root() || kit_has_user_xattrs()) {
		ways = tcase_create("xattrs");
		tcase_add_unchecked_fixture(ways, kit_setup, kit_teardown);
		tcase_add_checked_fixture(ways, start, NULL);
		tcase_add_loop_test(ways, test_reader_xattrs, 0,
				    kit_is_root() ? WAY__MAX : WAY_NO_PROC);
		suite_add_tcase(suite, ways);
	} else {
		kit_skip("xattrs", "/tmp has no user.* xattrs");
	}
	return ovl_unit_main(suite);
}
