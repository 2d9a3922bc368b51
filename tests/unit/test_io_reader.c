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

/* ---- open_dir ---- */

/* Everything that must not be opened, and what must. Run for each way to open. */
static void check_open_dir(void)
{
	int dir, fd = -77;
	struct stat a, b;

	kit_run("rm -rf d; mkdir -p d/a/b/c; ln -s a d/link; ln -s / d/root; ln -s nowhere d/dangling;"
		"mkfifo d/fifo; echo x > d/file; ln -s ../.. d/a/up");
	dir = kit_open("d");

	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "a/b/c", &fd), 0);
	ck_assert_int_eq(fstat(fd, &a), 0);
	ck_assert_int_eq(stat("d/a/b/c", &b), 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	reader->ops->close(reader, fd);

	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "", &fd), 0);
	ck_assert_int_eq(fstat(fd, &a), 0);
	ck_assert_int_eq(stat("d", &b), 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	ck_assert_int_ne(fd, dir);
	reader->ops->close(reader, fd);

	fd = -77;
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "none", &fd), -ENOENT);
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "a/none/c", &fd), -ENOENT);
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "link", &fd), -ELOOP);
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "link/b", &fd), -ELOOP);
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "root/etc", &fd), -ELOOP);
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "dangling", &fd), -ELOOP);
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "fifo", &fd), -ENOTDIR);
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "file", &fd), -ENOTDIR);
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "file/x", &fd), -ENOTDIR);
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "a/up", &fd), -ELOOP);
	ck_assert_int_lt(reader->ops->open_dir(reader, dir, "..", &fd), 0);
	ck_assert_int_lt(reader->ops->open_dir(reader, dir, "a/../..", &fd), 0);
	ck_assert_int_lt(reader->ops->open_dir(reader, dir, "/etc", &fd), 0);
	ck_assert_int_eq(fd, -77);
	close(dir);
}

START_TEST(test_reader_open_dir)
{
	check_open_dir();
}
END_TEST

START_TEST(test_reader_open_dir_walk)
{
	kit_deny(SYS_openat2, ENOSYS);
	check_open_dir();
}
END_TEST

/* as container engines of old do */
START_TEST(test_reader_open_dir_eperm)
{
	kit_deny(SYS_openat2, EPERM);
	check_open_dir();
}
END_TEST

START_TEST(test_reader_open_dir_long)
{
	char path[6000];
	size_t len = 0;
	int at, dir, fd, next;
	struct stat a, b;
	size_t i;

	ck_assert_int_eq(mkdir("deep", 0755), 0);
	dir = kit_open("deep");
	at = dup(dir);
	path[0] = '\0';
	for (i = 0; i < 25; i++) {
		char name[201];

		memset(name, 'a' + (int)i, 200);
		name[200] = '\0';
		ck_assert_int_eq(mkdirat(at, name, 0755), 0);
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_ge(next, 0);
		close(at);
		at = next;
		len += (size_t)snprintf(path + len, sizeof(path) - len, "%s%s", i > 0 ? "/" : "",
					name);
	}
	ck_assert_uint_gt(strlen(path), 4096);
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, path, &fd), 0);
	ck_assert_int_eq(fstat(fd, &a), 0);
	ck_assert_int_eq(fstat(at, &b), 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	reader->ops->close(reader, fd);
	snprintf(path + len, sizeof(path) - len, "/none");
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, path, &fd), -ENOENT);
	close(at);
	close(dir);
}
END_TEST

/* A mount in a layer is no part of it, a directory on the same mount is. */
static void check_mounts(void)
{
	int dir, fd = -77;
	struct ovl_stat st;

	dir = kit_open("m");
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "a", &fd), 0);
	reader->ops->close(reader, fd);
	fd = -77;
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "a/tmpfs", &fd), -EXDEV);
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "a/tmpfs/x", &fd), -EXDEV);
	ck_assert_int_eq(reader->ops->open_dir(reader, dir, "bind", &fd), -EXDEV);
	ck_assert_int_eq(reader->ops->stat(reader, dir, "bind", &st), -EXDEV);
	ck_assert_int_eq(fd, -77);
	close(dir);
}

START_TEST(test_reader_mounts)
{
	kit_private_mounts();
	kit_run("mkdir -p m/a/tmpfs m/bind; mount -t tmpfs t m/a/tmpfs; mkdir m/a/tmpfs/x;"
		"mount --bind m/a m/bind");
	check_mounts();
	kit_deny(SYS_openat2, ENOSYS);
	check_mounts();
}
END_TEST

/* ---- read_dir ---- */

static void read_all(int dir, size_t room, size_t want)
{
	struct ovl_dirstream s = { .room = room };
	bool seen[2000] = { false };
	struct ovl_dirent d;
	struct stat st;
	size_t n = 0, number;
	int r;

	s.buf = malloc(room);
	ck_assert_ptr_nonnull(s.buf);
	while ((r = reader->ops->read_dir(reader, dir, &s, &d)) > 0) {
		ck_assert_uint_eq(d.len, strlen(d.name));
		ck_assert_str_ne(d.name, ".");
		ck_assert_str_ne(d.name, "..");
		ck_assert_int_eq(fstatat(dir, d.name, &st, AT_SYMLINK_NOFOLLOW), 0);
		ck_assert_uint_eq(st.st_ino, d.ino);
		ck_assert_int_eq(d.type, OVL_DT_REG);
		ck_assert_int_eq(d.name[0], 'f');
		number = strtoul(d.name + 1, NULL, 10);
		ck_assert(!seen[number]);
		seen[number] = true;
		n++;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(n, want);
	ck_assert_int_eq(reader->ops->read_dir(reader, dir, &s, &d), 0);
	free(s.buf);
}

START_TEST(test_reader_read_dir)
{
	int dir;

	kit_run("mkdir big empty; cd big; seq -f f%%g 0 1999 | xargs touch");
	dir = kit_open("big");
	/* twice: a stream begins at the beginning, whoever has read the descriptor before */
	read_all(dir, OVL_DIRBUF_SIZE, 2000);
	read_all(dir, OVL_DIRBUF_SIZE, 2000);
	read_all(dir, 4096, 2000);
	close(dir);
	dir = kit_open("empty");
	read_all(dir, OVL_DIRBUF_SIZE, 0);
	close(dir);
}
END_TEST

START_TEST(test_reader_read_dir_types)
{
	unsigned char buf[4096];
	struct ovl_dirstream s = { .buf = buf, .room = sizeof(buf) };
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "t/sock" };
	struct ovl_dirent d;
	int dir, n = 0, sock;

	kit_run("mkdir -p t/dir; echo > t/reg; ln -s x t/lnk; mkfifo t/fifo; touch 't/.hidden' 't/...'");
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
	close(sock);
	if (kit_is_root())
		kit_run("mknod t/chr c 0 0; mknod t/blk b 7 0");
	dir = kit_open("t");
	while (reader->ops->read_dir(reader, dir, &s, &d) > 0) {
		enum ovl_dtype want = d.name[0] == '.'           ? OVL_DT_REG :
				      strcmp(d.name, "dir") == 0 ? OVL_DT_DIR :
				      strcmp(d.name, "reg") == 0 ? OVL_DT_REG :
				      strcmp(d.name, "lnk") == 0 ? OVL_DT_LNK :
				      strcmp(d.name, "chr") == 0 ? OVL_DT_CHR :
								   OVL_DT_OTHER;

		ck_assert_msg(d.type == want, "%s has type %d", d.name, (int)d.type);
		n++;
	}
	ck_assert_int_eq(n, kit_is_root() ? 9 : 7);
	close(dir);
}
END_TEST

START_TEST(test_reader_read_dir_error)
{
	unsigned char buf[4096];
	struct ovl_dirstream s = { .buf = buf, .room = sizeof(buf) };
	struct ovl_dirent d;
	int fd;

	kit_write("nodir", "x");
	fd = open("nodir", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(reader->ops->read_dir(reader, fd, &s, &d), -ENOTDIR);
	close(fd);
	ck_assert_int_eq(reader->ops->read_dir(reader, fd, &s, &d), -EBADF);
}
END_TEST

/* ---- stat, open_file, pread, seek_data ---- */

START_TEST(test_reader_stat)
{
	struct ovl_stat st, untouched;
	struct stat want;
	int dir;

	kit_run("mkdir s; echo 12345 > s/f; ln s/f s/g; ln -s f s/l; chmod 640 s/f;"
		"touch -d '1960-01-02 03:04:05.678901234 UTC' s/f");
	dir = kit_open("s");
	ck_assert_int_eq(reader->ops->stat(reader, dir, "f", &st), 0);
	ck_assert_int_eq(stat("s/f", &want), 0);
	ck_assert_uint_eq(st.dev, want.st_dev);
	ck_assert_uint_eq(st.ino, want.st_ino);
	ck_assert_uint_eq(st.nlink, 2);
	ck_assert_uint_eq(st.size, 6);
	ck_assert_uint_eq(st.blocks, (uint64_t)want.st_blocks);
	ck_assert_uint_eq(st.mode, want.st_mode);
	ck_assert_uint_eq(st.uid, want.st_uid);
	ck_assert_uint_eq(st.gid, want.st_gid);
	ck_assert_int_eq(st.mtime_sec, want.st_mtim.tv_sec);
	ck_assert_int_lt(st.mtime_sec, 0);
	ck_assert_uint_eq(st.mtime_nsec, (uint32_t)want.st_mtim.tv_nsec);
	ck_assert_int_eq(reader->ops->stat(reader, dir, "l", &st), 0);
	ck_assert(S_ISLNK(st.mode));
	ck_assert_int_eq(reader->ops->stat(reader, dir, "", &st), 0);
	ck_assert(S_ISDIR(st.mode));
	memset(&st, 0x5a, sizeof(st));
	untouched = st;
	ck_assert_int_eq(reader->ops->stat(reader, dir, "none", &st), -ENOENT);
	ck_assert_mem_eq(&st, &untouched, sizeof(st));
	close(dir);
}
END_TEST

static int open_as(int dir, const char *name, int *ret_fd)
{
	struct ovl_stat st;

	ck_assert_int_eq(reader->ops->stat(reader, dir, name, &st), 0);
	return reader->ops->open_file(reader, dir, name, st.dev, st.ino, ret_fd);
}

static void check_open_file(void)
{
	struct ovl_stat st;
	struct stat before, after;
	struct timespec old[2] = { { 1000, 5 }, { 2000, 6 } };
	char buf[16];
	int dir, fd = -77;

	dir = kit_open("o");
	ck_assert_int_eq(utimensat(dir, "f", old, 0), 0);
	ck_assert_int_eq(fstatat(dir, "f", &before, 0), 0);
	ck_assert_int_eq(open_as(dir, "f", &fd), 0);
	ck_assert_int_eq(reader->ops->pread(reader, fd, buf, sizeof(buf), 1), 4);
	ck_assert_mem_eq(buf, "ata\n", 4);
	ck_assert_int_eq(reader->ops->pread(reader, fd, buf, sizeof(buf), 5), 0);
	ck_assert_int_eq(reader->ops->pread(reader, fd, buf, sizeof(buf), UINT64_MAX), -EINVAL);
	reader->ops->close(reader, fd);
	/* The access time is older than the modification: even relatime would have changed it. */
	ck_assert_int_eq(fstatat(dir, "f", &after, 0), 0);
	ck_assert_mem_eq(&before.st_atim, &after.st_atim, sizeof(before.st_atim));

	fd = -77;
	/* None of these may block, and the alarm of libcheck would end it. */
	ck_assert_int_eq(open_as(dir, "fifo", &fd), -ESTALE);
	ck_assert_int_eq(open_as(dir, "link", &fd), -ESTALE);
	ck_assert_int_eq(open_as(dir, "dir", &fd), -ESTALE);
	ck_assert_int_eq(reader->ops->stat(reader, dir, "f", &st), 0);
	ck_assert_int_eq(reader->ops->open_file(reader, dir, "g", st.dev, st.ino, &fd), -ESTALE);
	ck_assert_int_eq(reader->ops->open_file(reader, dir, "f", st.dev + 1, st.ino, &fd),
			 -ESTALE);
	ck_assert_int_eq(reader->ops->open_file(reader, dir, "none", st.dev, st.ino, &fd), -ENOENT);
	ck_assert_int_eq(fd, -77);
	close(dir);
}

START_TEST(test_reader_open_file)
{
	kit_run("mkdir -p o/dir; echo data > o/f; echo g > o/g; mkfifo o/fifo; ln -s f o/link");
	check_open_file();
	kit_deny(SYS_openat2, ENOSYS);
	check_open_file();
}
END_TEST

START_TEST(test_reader_open_file_no_proc)
{
	kit_private_mounts();
	kit_run("mkdir -p o/dir; echo data > o/f; echo g > o/g; mkfifo o/fifo; ln -s f o/link");
	ck_assert_int_eq(umount2("/proc", MNT_DETACH), 0);
	check_open_file();
	kit_mount_proc();
}
END_TEST

START_TEST(test_reader_extents)
{
	enum ovl_extents extents = OVL_EXTENTS_UNKNOWN;
	uint64_t at = 77;
	int dir, fd;

	kit_run("mkdir h; : > h/empty; truncate -s 1M h/hole; echo x > h/data;"
		"truncate -s 1M h/late; echo x | dd of=h/late bs=512K seek=1 conv=notrunc 2>/dev/null; sync h/late");
	dir = kit_open("h");
	ck_assert_int_eq(open_as(dir, "empty", &fd), 0);
	ck_assert_int_eq(ovl_reader_extents(reader, fd, &extents), 0);
	ck_assert_int_eq(extents, OVL_EXTENTS_NONE);
	reader->ops->close(reader, fd);
	ck_assert_int_eq(open_as(dir, "hole", &fd), 0);
	ck_assert_int_eq(ovl_reader_extents(reader, fd, &extents), 0);
	ck_assert_int_eq(extents, OVL_EXTENTS_NONE);
	ck_assert_int_eq(reader->ops->seek_data(reader, fd, 0, &at), -ENXIO);
	ck_assert_uint_eq(at, 77);
	reader->ops->close(reader, fd);
	ck_assert_int_eq(open_as(dir, "data", &fd), 0);
	ck_assert_int_eq(ovl_reader_extents(reader, fd, &extents), 0);
	ck_assert_int_eq(extents, OVL_EXTENTS_SOME);
	reader->ops->close(reader, fd);
	ck_assert_int_eq(open_as(dir, "late", &fd), 0);
	ck_assert_int_eq(ovl_reader_extents(reader, fd, &extents), 0);
	ck_assert_int_eq(extents, OVL_EXTENTS_SOME);
	ck_assert_int_eq(reader->ops->seek_data(reader, fd, 0, &at), 0);
	ck_assert_uint_eq(at, 512 * 1024);
	reader->ops->close(reader, fd);
	ck_assert_int_eq(ovl_reader_extents(reader, fd, &extents), -EBADF);
	close(dir);
}
END_TEST

/* ---- Handles ---- */

START_TEST(test_reader_handles)
{
	static const char *const names[] = { "f", "d", "l", "p", "c" };
	struct ovl_stat want, st, untouched;
	struct ovl_fid fid, again;
	int dir, fd = -77;
	size_t i;

	kit_private_mounts();
	kit_run("mkdir -p hm; mount -t tmpfs t hm; cd hm; echo > f; mkdir d; ln -s x l; mkfifo p; mknod c c 0 0");
	dir = kit_open("hm");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_int_eq(reader->ops->encode(reader, dir, names[i], &fid), 0);
		ck_assert_uint_gt(fid.len, 0);
		ck_assert_int_eq(reader->ops->decode(reader, dir, &fid, &st, &fd), 0);
		ck_assert_int_eq(reader->ops->stat(reader, dir, names[i], &want), 0);
		ck_assert_uint_eq(st.ino, want.ino);
		ck_assert_uint_eq(st.dev, want.dev);
		ck_assert_uint_eq(st.mode, want.mode);
		ck_assert_int_eq(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
		reader->ops->close(reader, fd);
	}
	ck_assert_int_eq(reader->ops->encode(reader, dir, "", &fid), 0);
	ck_assert_int_eq(reader->ops->decode(reader, dir, &fid, &st, NULL), 0);
	ck_assert_int_eq(reader->ops->stat(reader, dir, "", &want), 0);
	ck_assert_uint_eq(st.ino, want.ino);

	/* gone, made up, too long, of another file system */
	fd = -77;
	memset(&untouched, 0x5a, sizeof(untouched));
	st = untouched;
	ck_assert_int_eq(reader->ops->encode(reader, dir, "f", &fid), 0);
	again = fid;
	ck_assert_int_eq(unlinkat(dir, "f", 0), 0);
	ck_assert_int_eq(reader->ops->decode(reader, dir, &fid, &st, &fd), -ESTALE);
	memset(fid.data, 0xee, fid.len);
	ck_assert_int_eq(reader->ops->decode(reader, dir, &fid, &st, &fd), -ESTALE);
	fid.len = 0;
	ck_assert_int_eq(reader->ops->decode(reader, dir, &fid, &st, &fd), -ESTALE);
	fid.len = 129;
	ck_assert_int_eq(reader->ops->decode(reader, dir, &fid, &st, &fd), -ESTALE);
	again.type = 0x91;
	ck_assert_int_eq(reader->ops->decode(reader, dir, &again, &st, &fd), -ESTALE);
	ck_assert_mem_eq(&st, &untouched, sizeof(st));
	ck_assert_int_eq(fd, -77);
	ck_assert_int_eq(reader->ops->encode(reader, dir, "none", &fid), -ENOENT);
	close(dir);

	kit_run("mkdir -p ramfs; mount -t ramfs r ramfs; echo > ramfs/f");
	dir = kit_open("ramfs");
	ck_assert_int_eq(reader->ops->encode(reader, dir, "f", &fid), -EOPNOTSUPP);
	/* a file system without xattrs has none */
	{
		struct ovl_buf b = { 0 };

		ck_assert_int_eq(reader->ops->list_xattrs(reader, dir, "f", &b), 0);
		ck_assert_uint_eq(b.len, 0);
		ovl_buf_done(&b);
	}
	close(dir);
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
	const TTest *const anybody[] = {
		test_reader_open_dir,       test_reader_open_dir_long,  test_reader_read_dir,
		test_reader_read_dir_types, test_reader_read_dir_error, test_reader_stat,
		test_reader_open_file,      test_reader_extents,
	};
	const TTest *const sandboxed[] = { test_reader_open_dir_walk };
	const TTest *const refused[] = { test_reader_open_dir_eperm };
	const TTest *const root[] = { test_reader_mounts, test_reader_open_file_no_proc,
				      test_reader_handles };
	Suite *suite = suite_create("io/reader");

	add(suite, "reader", anybody, ARRAY_LEN(anybody));
	add(suite, "walk", sandboxed, ARRAY_LEN(sandboxed));
	add(suite, "refused", refused, ARRAY_LEN(refused));
	if (kit_is_root())
		add(suite, "root", root, ARRAY_LEN(root));
	else
		kit_skip("mounts, handles", "not root");
	return ovl_unit_main(suite);
}
