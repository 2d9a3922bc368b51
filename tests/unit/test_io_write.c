/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test_io_kit.h"

#include "base/cleanup.h"
#include "io/write.h"

static int here;

static void setup(void)
{
	kit_run("rm -rf '%s'/*", kit_dir);
	here = kit_open(".");
}

static void teardown(void)
{
	close(here);
}

static int hold(const char *name)
{
	int object;

	ck_assert_int_eq(ovl_write_hold(here, name, &object, NULL), 0);
	return object;
}

START_TEST(test_hold)
{
	_cleanup_close_ int object = -EBADF, dir = -EBADF;
	struct ovl_stat st;

	kit_run("mkdir d; ln -s d link; mkfifo fifo");
	ck_assert_int_eq(ovl_write_hold(here, "link", &object, &st), 0);
	ck_assert(S_ISLNK(st.mode));
	ck_assert_int_eq(ovl_write_hold(here, "", &dir, &st), 0);
	ck_assert(S_ISDIR(st.mode));
	ck_assert_int_eq(ovl_write_hold(here, "none", &dir, NULL), -ENOENT);
	ck_assert_int_eq(ovl_write_hold(here, "..", &dir, NULL), -EINVAL);
	ck_assert_int_eq(ovl_write_hold(here, "d/x", &dir, NULL), -EINVAL);
	if (!kit_is_root()) {
		kit_skip("mount points", "needs root");
		return;
	}
	kit_private_mounts();
	kit_run("mount -t tmpfs t d");
	close(here);
	here = kit_open(".");
	close(object);
	object = -EBADF;
	ck_assert_int_eq(ovl_write_hold(here, "d", &object, NULL), -EXDEV);
}
END_TEST

static void check_xattrs(const char *name, const char *xattr)
{
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	_cleanup_close_ int object = hold(name);
	_cleanup_free_ char *big = calloc(1, 3000);

	ck_assert_int_eq(ovl_write_get_xattr(object, xattr, &value), -ENODATA);
	ck_assert_int_eq(ovl_write_remove_xattr(object, xattr), -ENODATA);
	ck_assert_int_eq(ovl_write_set_xattr(object, xattr, (struct ovl_bytes){ NULL, 0 }), 0);
	ck_assert_int_eq(ovl_write_get_xattr(object, xattr, &value), 0);
	ck_assert_uint_eq(value.len, 0);
	ck_assert_int_eq(ovl_write_set_xattr(object, xattr,
					     (struct ovl_bytes){ (unsigned char *)big, 3000 }),
			 0);
	ck_assert_int_eq(ovl_write_get_xattr(object, xattr, &value), 0);
	ck_assert_uint_eq(value.len, 3000);
	ck_assert_int_eq(ovl_write_remove_xattr(object, xattr), 0);
}

START_TEST(test_xattrs)
{
	kit_run("mkdir d; : >f; ln -s f link; mkfifo fifo; : >u");
	if (kit_has_user_xattrs()) {
		check_xattrs("u", "user.x");
		check_xattrs("", "user.x");
	}
	if (!kit_is_root()) {
		kit_skip("trusted xattrs", "needs root");
		return;
	}
	kit_run("mknod chr c 0 0");
	check_xattrs("d", "trusted.x");
	check_xattrs("f", "trusted.x");
	check_xattrs("link", "trusted.x");
	check_xattrs("fifo", "trusted.x");
	check_xattrs("chr", "trusted.x");
}
END_TEST

START_TEST(test_without_proc)
{
	const struct ovl_times times = { { 1, 2 }, { 3, 4 } };
	_cleanup_close_ int object = -EBADF, fd = -EBADF;
	struct stat st;

	if (!kit_is_root()) {
		kit_skip("no /proc", "needs root");
		return;
	}
	kit_run(": >f; mkdir d");
	kit_private_mounts();
	kit_run("mount -t tmpfs t /proc");
	check_xattrs("d", "trusted.x");
	object = hold("f");
	ck_assert_int_eq(ovl_write_set_xattr(object, "trusted.x", (struct ovl_bytes){ NULL, 0 }),
			 -EOPNOTSUPP);
	ck_assert_int_eq(ovl_write_remove_xattr(object, "trusted.x"), -EOPNOTSUPP);
	ck_assert_int_eq(ovl_write_open(object, &fd), -EOPNOTSUPP);
	ck_assert_int_eq(ovl_write_set_times(object, &times), 0);
	ck_assert_int_eq(ovl_write_link(object, here, "g"), 0);
	ck_assert_int_eq(stat("g", &st), 0);
	ck_assert_int_eq(st.st_mtim.tv_sec, 3);
	ck_assert_int_eq(umount("/proc"), 0);
}
END_TEST

START_TEST(test_attributes)
{
	const struct ovl_times times = { { 1000, 1 }, { 2000, 2 } };
	_cleanup_close_ int link = -EBADF, file = -EBADF, fd = -EBADF, fifo = -EBADF;
	struct ovl_times now;
	struct stat st;

	kit_run(": >f; ln -s f link; mkfifo fifo");
	link = hold("link");
	file = hold("f");
	fifo = hold("fifo");
	ck_assert_int_eq(ovl_write_set_times(link, &times), 0);
	ck_assert_int_eq(ovl_write_times(link, &now), 0);
	ck_assert_mem_eq(&now, &times, sizeof(now));
	ck_assert_int_eq(stat("f", &st), 0);
	ck_assert_int_ne(st.st_mtim.tv_sec, 2000);
	ck_assert_int_eq(ovl_write_set_mode(link, 0600), -EOPNOTSUPP);
	ck_assert_int_eq(ovl_write_set_mode(file, 0604), 0);
	ck_assert_int_eq(stat("f", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0604);
	ck_assert_int_eq(ovl_write_set_owner(file, geteuid(), getegid()), 0);
	ck_assert_int_eq(ovl_write_open(link, &fd), -ESTALE);
	ck_assert_int_eq(ovl_write_open(fifo, &fd), -ESTALE);
	ck_assert_int_eq(ovl_write_open(file, &fd), 0);
}
END_TEST

START_TEST(test_names)
{
	_cleanup_close_ int file = -EBADF, fd = -EBADF;
	char *target;

	ck_assert_int_eq(ovl_write_make_file(here, "f", &fd), 0);
	ck_assert_int_eq(ovl_write_make_file(here, "f", &fd), -EEXIST);
	ck_assert_int_eq(ovl_write_make_dir(here, "d", 0700), 0);
	ck_assert_int_eq(ovl_write_make_dir(here, "d", 0700), -EEXIST);
	ck_assert_int_eq(ovl_write_make_symlink(here, "link", "f"), 0);
	ck_assert_int_eq(ovl_write_make_file(here, "link", &fd), -EEXIST);
	ck_assert_int_eq(ovl_write_make_node(here, "fifo", S_IFIFO | 0600, 0), 0);
	file = hold("f");
	ck_assert_int_eq(ovl_write_link(file, here, "g"), 0);
	ck_assert_int_eq(ovl_write_link(file, here, "link"), -EEXIST);
	ck_assert_int_eq(ovl_write_rename(here, "g", here, "link"), -EEXIST);
	ck_assert_int_eq(ovl_write_rename(here, "g", here, "h"), 0);
	ck_assert_int_eq(ovl_write_rename(here, "g", here, "h2"), -ENOENT);
	ck_assert_int_eq(ovl_write_rename(here, "h", here, "../h"), -EINVAL);
	ck_assert_int_eq(ovl_write_remove(here, "h"), 0);
	ck_assert_int_eq(ovl_write_remove_dir(here, "d"), 0);
	{
		_cleanup_close_ int link = hold("link");

		ck_assert_int_eq(ovl_write_read_link(link, &target), 0);
		ck_assert_str_eq(target, "f");
		free(target);
		ck_assert_int_lt(ovl_write_read_link(file, &target), 0);
	}
}
END_TEST

static int open_rw(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static bool stop(void *ctx)
{
	return --*(int *)ctx < 0;
}

START_TEST(test_append)
{
	_cleanup_close_ int fd = open_rw("f"), again = -EBADF;
	char text[16] = "";

	ck_assert_int_eq(ovl_write_append(fd, "ab", 2), 0);
	again = open_rw("f");
	ck_assert_int_eq(ovl_write_append(again, "cd", 2), 0);
	ck_assert_int_eq(ovl_write_append(fd, "ef", 2), 0);
	ck_assert_int_eq(pread(fd, text, sizeof(text), 0), 6);
	ck_assert_str_eq(text, "abcdef");
}
END_TEST

/* Holes and data in turn, an odd end. */
static void check_copy(const char *from_name, const char *to_name)
{
	_cleanup_close_ int from = open_rw(from_name), to = open_rw(to_name);
	const size_t size = (5 << 20) + 7;
	struct stat a, b;

	ck_assert_int_eq(ftruncate(from, (off_t)size), 0);
	ck_assert_int_eq(pwrite(from, "one", 3, 0), 3);
	ck_assert_int_eq(pwrite(from, "two", 3, 2 << 20), 3);
	ck_assert_int_eq(ftruncate(to, 9 << 20), 0); /* one hole, and longer */
	ck_assert_int_eq(ovl_write_copy(from, to, size, NULL, NULL), 0);
	ck_assert_int_eq(ovl_write_same(from, to), 1);
	fsync(from);
	fsync(to);
	fstat(from, &a);
	fstat(to, &b);
	ck_assert_int_eq(b.st_size, (off_t)size);
	ck_assert_int_le(b.st_blocks, a.st_blocks + 16);
	/* a shorter one, and other bytes */
	ck_assert_int_eq(ovl_write_copy(from, to, size + 1, NULL, NULL), -EIO);
	ck_assert_int_eq(pwrite(to, "x", 1, 4 << 20), 1);
	ck_assert_int_eq(ovl_write_same(from, to), 0);
	ck_assert_int_eq(ovl_write_has_data(to), 1);
	ck_assert_int_eq(ovl_write_punch(to), 0);
	ck_assert_int_eq(ovl_write_has_data(to), 0);
	fstat(to, &b);
	ck_assert_int_eq(b.st_size, (off_t)size);
	ck_assert_int_eq(ovl_write_same(from, to), 0);
}

START_TEST(test_copy)
{
	check_copy("f", "g");
}
END_TEST

START_TEST(test_copy_across)
{
	char other[] = "/dev/shm/ovl-test-write.XXXXXX";
	char again[] = "/dev/shm/ovl-test-again.XXXXXX";
	int fd = mkstemp(other);

	if (fd < 0) {
		kit_skip("two file systems", "no /dev/shm");
		return;
	}
	close(fd);
	check_copy("f", other);
	unlink(other);
	fd = mkstemp(again);
	ck_assert_int_ge(fd, 0);
	close(fd);
	check_copy(again, "g");
	unlink(again);
}
END_TEST

START_TEST(test_copy_by_hand)
{
	kit_deny(SYS_copy_file_range, ENOSYS);
	check_copy("f", "g");
}
END_TEST

/* What was allocated and not written is no data, also in a small file. */
START_TEST(test_copy_allocated)
{
	_cleanup_close_ int from = open_rw("f"), to = open_rw("g");

	kit_deny(SYS_ioctl, EOPNOTSUPP); /* no reflink */
	ck_assert_int_eq(pwrite(from, "data", 4, 0), 4);
	if (fallocate(from, 0, 4096, 5000) < 0 || lseek(from, 0, SEEK_HOLE) != 4096) {
		kit_skip("a file with unwritten blocks", "not on this file system");
		return;
	}
	ck_assert_int_eq(ovl_write_copy_new(from, to, 9096), 0);
	ck_assert_int_eq(lseek(to, 0, SEEK_END), 9096);
	ck_assert_int_eq(lseek(to, 0, SEEK_HOLE), 4096);
	ck_assert_int_eq(lseek(to, 4096, SEEK_DATA), -1);
	ck_assert_int_eq(ovl_write_same(from, to), 1);
}
END_TEST

START_TEST(test_copy_cancelled)
{
	_cleanup_close_ int from = open_rw("f"), to = open_rw("g");
	int left = 1;

	kit_deny(SYS_ioctl, EOPNOTSUPP); /* no reflink */
	ck_assert_int_eq(fallocate(from, 0, 0, 1), 0);
	for (off_t at = 0; at < (off_t)40 << 20; at += 4096)
		ck_assert_int_eq(pwrite(from, "x", 1, at), 1);
	ck_assert_int_eq(ovl_write_copy(from, to, 39 << 20, stop, &left), -ECANCELED);
}
END_TEST

START_TEST(test_sync)
{
	_cleanup_close_ int dir = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = open_rw("f");
	_cleanup_close_ int a = kit_open("."), b = kit_open(".");

	ck_assert_int_eq(ovl_write_sync(fd), 0);
	ck_assert_int_eq(ovl_write_sync(dir), 0);
	ck_assert_int_eq(ovl_write_sync_fs(dir), 0);
	ck_assert_int_eq(ovl_write_lock(a), 0);
	ck_assert_int_eq(ovl_write_lock(b), -EWOULDBLOCK);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("io/write");
	TCase *c = tcase_create("write");

	tcase_add_unchecked_fixture(c, kit_setup, kit_teardown);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_hold);
	tcase_add_test(c, test_xattrs);
	tcase_add_test(c, test_without_proc);
	tcase_add_test(c, test_attributes);
	tcase_add_test(c, test_names);
	tcase_add_test(c, test_append);
	tcase_add_test(c, test_copy);
	tcase_add_test(c, test_copy_across);
	tcase_add_test(c, test_copy_by_hand);
	tcase_add_test(c, test_copy_allocated);
	tcase_add_test(c, test_copy_cancelled);
	tcase_add_test(c, test_sync);
	suite_add_tcase(s, c);
	return ovl_unit_main(s);
}
