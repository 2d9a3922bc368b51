/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#include "io/mountid.h"
#include "io/root.h"
#include "io/reader.h"
#include "unit/test_io_kit.h"

static int open_root(const char *path, struct ovl_root *ret, char *text, size_t room)
{
	struct ovl_error e = OVL_ERROR_INIT;
	int r = ovl_root_open(path, "lower layer", ret, &e);

	if (text)
		snprintf(text, room, "%s", e.text ? e.text : "");
	ck_assert_int_eq(r, e.code);
	ovl_error_done(&e);
	return r;
}

START_TEST(test_root_refused)
{
	struct ovl_root root = OVL_ROOT_INIT;
	char text[512];

	kit_run("mkdir r; echo > r/file; mkfifo r/fifo; ln -s file r/link; ln -s nowhere r/dangling");
	ck_assert_int_eq(open_root("r/none", &root, text, sizeof(text)), -ENOENT);
	ck_assert_str_eq(text, "cannot open lower layer 'r/none': No such file or directory");
	ck_assert_int_eq(open_root("r/file", &root, text, sizeof(text)), -ENOTDIR);
	/* an open that waits for a writer would run into the time limit */
	ck_assert_int_eq(open_root("r/fifo", &root, text, sizeof(text)), -ENOTDIR);
	ck_assert_str_eq(text, "cannot open lower layer 'r/fifo': Not a directory");
	ck_assert_int_eq(open_root("r/link", &root, text, sizeof(text)), -ENOTDIR);
	ck_assert_int_eq(open_root("r/dangling", &root, text, sizeof(text)), -ENOENT);
	ck_assert_int_eq(open_root("r/\n\033x", &root, text, sizeof(text)), -ENOENT);
	ck_assert_str_eq(text,
			 "cannot open lower layer 'r/\\012\\033x': No such file or directory");
	ck_assert_int_eq(root.fd, -1);
	ck_assert_int_eq(root.plain, -1);
}
END_TEST

START_TEST(test_root_open)
{
	struct ovl_root root = OVL_ROOT_INIT, zeroed = { 0 };
	struct stat st;
	uint64_t id;

	kit_run("mkdir -p o/d; ln -s o l");
	ck_assert_int_eq(open_root("l", &root, NULL, 0), 0);
	ck_assert_int_eq(stat("o", &st), 0);
	ck_assert_uint_eq(root.stat.ino, st.st_ino);
	ck_assert_uint_eq(root.stat.dev, st.st_dev);
	ck_assert(S_ISDIR(root.stat.mode));
	ck_assert_int_eq(root.clone, kit_is_root());
	ck_assert_int_eq(faccessat(root.fd, "d", F_OK, 0), 0);
	ck_assert_int_eq(fcntl(root.fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(root.plain, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(ovl_mountid_get(root.plain, &id), 0);
	ck_assert_uint_eq(root.mnt_id, id);
	ovl_root_done(&root);
	ck_assert_int_eq(root.fd, -1);
	ovl_root_done(&root);
	ovl_root_done(&zeroed);
	ovl_root_done(NULL);
	ck_assert_int_ne(fcntl(0, F_GETFD), -1);
}
END_TEST

START_TEST(test_root_mountid)
{
	uint64_t a, b;
	int fd, proc;

	fd = open(".", O_PATH | O_CLOEXEC);
	proc = open("/proc", O_PATH | O_CLOEXEC);
	ck_assert_int_eq(ovl_mountid_get(fd, &a), 0);
	ck_assert_int_eq(ovl_mountid_same(fd, fd), 1);
	ck_assert_int_eq(ovl_mountid_same(fd, proc), 0);
	/* by fdinfo the same */
	kit_deny(SYS_statx, ENOSYS);
	ck_assert_int_eq(ovl_mountid_get(fd, &b), 0);
	ck_assert_uint_eq(a, b);
	ck_assert_int_eq(ovl_mountid_same(fd, proc), 0);
	ck_assert_int_eq(ovl_mountid_get(12345, &b), -ENODATA);
	close(fd);
	close(proc);
}
END_TEST

/* ---- As root: what the clone hides and forbids ---- */

START_TEST(test_root_clone)
{
	struct ovl_root root = OVL_ROOT_INIT;
	struct statvfs fs;
	struct stat st;
	int fd;

	kit_private_mounts();
	kit_run("mkdir c; mount -t tmpfs -o strictatime t c; mkdir -p c/sub; echo covered > c/sub/x;"
		"echo y > c/y; mount -t tmpfs t2 c/sub");
	ck_assert_int_eq(stat("c/sub/x", &st), -1);
	ck_assert_int_eq(open_root("c", &root, NULL, 0), 0);
	ck_assert(root.clone);
	ck_assert(!root.mount_read_only);
	/* what is mounted inside is not there, what it covers is */
	ck_assert_int_eq(fstatat(root.fd, "sub/x", &st, 0), 0);
	/* and nothing can be written through it, by whoever */
	ck_assert_int_eq(mkdirat(root.fd, "new", 0755), -1);
	ck_assert_int_eq(errno, EROFS);
	ck_assert_int_eq(openat(root.fd, "y", O_WRONLY), -1);
	ck_assert_int_eq(errno, EROFS);
	ck_assert_int_eq(fstatvfs(root.fd, &fs), 0);
	ck_assert_uint_eq(fs.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME),
			  ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME);
	/* the mount as everybody sees it is as it was */
	fd = open("c/y", O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	close(fd);
	kit_run("umount c/sub");
	/* nothing of it is left when it is closed, or this would say "busy" */
	ovl_root_done(&root);
	kit_run("umount c");
}
END_TEST

START_TEST(test_root_atime)
{
	struct ovl_root root = OVL_ROOT_INIT;
	struct ovl_reader *r = ovl_reader_linux();
	unsigned char buf[4096];
	struct ovl_dirstream s = { .buf = buf, .room = sizeof(buf) };
	struct timespec old[2] = { { 1000, 5 }, { 2000, 6 } };
	struct ovl_dirent d;
	struct stat st;
	int fd;

	kit_private_mounts();
	kit_run("mkdir a; mount -t tmpfs -o strictatime t a; mkdir a/d; echo > a/d/x");
	ck_assert_int_eq(utimensat(AT_FDCWD, "a", old, 0), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, "a/d", old, 0), 0);
	ck_assert_int_eq(open_root("a", &root, NULL, 0), 0);
	while (r->ops->read_dir(r, root.fd, &s, &d) > 0)
		;
	ck_assert_int_eq(r->ops->open_dir(r, root.fd, "d", &fd), 0);
	s.pos = s.end = 0;
	while (r->ops->read_dir(r, fd, &s, &d) > 0)
		;
	r->ops->close(r, fd);
	ovl_root_done(&root);
	ck_assert_int_eq(stat("a", &st), 0);
	ck_assert_int_eq(st.st_atim.tv_sec, 1000);
	ck_assert_int_eq(stat("a/d", &st), 0);
	ck_assert_int_eq(st.st_atim.tv_sec, 1000);
}
END_TEST

/* without open_tree() the plain directory must do */
START_TEST(test_root_no_clone)
{
	struct ovl_root root = OVL_ROOT_INIT;
	struct stat st;

	kit_run("mkdir -p n/d");
	kit_deny(SYS_open_tree, ENOSYS);
	ck_assert_int_eq(open_root("n", &root, NULL, 0), 0);
	ck_assert(!root.clone);
	ck_assert_int_eq(fstatat(root.fd, "d", &st, 0), 0);
	ovl_root_done(&root);
}
END_TEST

START_TEST(test_root_read_only)
{
	struct ovl_root root = OVL_ROOT_INIT;

	kit_private_mounts();
	kit_run("mkdir p; mount -t tmpfs t p; mkdir p/d; mount --bind p/d p/d; mount -o remount,bind,ro p/d");
	ck_assert_int_eq(open_root("p", &root, NULL, 0), 0);
	ck_assert(!root.mount_read_only);
	ck_assert_uint_eq(root.fs_type, TMPFS_MAGIC);
	ovl_root_done(&root);
	ck_assert_int_eq(open_root("p/d", &root, NULL, 0), 0);
	ck_assert(root.mount_read_only);
	ovl_root_done(&root);
}
END_TEST

START_TEST(test_root_trusted)
{
	int fd, uid = (int)getuid();

	if (kit_is_root())
		ck_assert_int_eq(ovl_root_trusted_visible(), 1);
	/* root of a user namespace of its own is not enough */
	if (unshare(CLONE_NEWUSER) < 0) {
		kit_skip("trusted in a user namespace", "no user namespaces");
		return;
	}
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		ck_assert_int_gt(dprintf(fd, "0 %d 1", uid), 0);
		close(fd);
	}
	ck_assert_int_eq(ovl_root_trusted_visible(), 0);
}
END_TEST

/* ---- The uuid is the one that overlayfs stores ---- */

static const struct fs {
	const char *name;
	const char *make; /* mounts it at "l", with the file l/f */
	const char *needs;
	bool has_handles;
	bool is_null;
} file_systems[] = {
	{ "ext4", "truncate -s 16M i; mkfs.ext4 -q i; mount -o loop i l; echo > l/f", "mkfs.ext4",
	  true, false },
	{ "xfs", "truncate -s 320M i; mkfs.xfs -q i; mount -o loop i l; echo > l/f", "mkfs.xfs",
	  true, false },
	{ "btrfs", "truncate -s 128M i; mkfs.btrfs -q i > log 2>&1; mount -o loop i l; echo > l/f",
	  "mkfs.btrfs", true, false },
	{ "btrfs with a changed fsid",
	  "truncate -s 128M i; mkfs.btrfs -q i > log 2>&1; btrfstune -m i; mount -o loop i l; echo > l/f",
	  "btrfstune", true, false },
	{ "btrfs twice",
	  "truncate -s 128M i; mkfs.btrfs -q i > log 2>&1; cp i j; mkdir k; mount -o loop i k;"
	  "mount -o loop j l; echo > l/f",
	  "mkfs.btrfs", true, false },
	{ "tmpfs", "mount -t tmpfs t l; echo > l/f", "true", true, false },
	{ "ramfs", "mount -t ramfs r l; echo > l/f", "true", false, true },
	{ "squashfs",
	  "mkdir s; echo > s/f; mksquashfs s i -quiet -no-progress > log; mount -o loop,ro i l",
	  "mksquashfs", true, true },
	{ "squashfs without handles",
	  "mkdir s; echo > s/f; mksquashfs s i -quiet -no-progress -no-exports > log; mount -o loop,ro i l",
	  "mksquashfs", false, true },
	{ "erofs", "mkdir s; echo > s/f; mkfs.erofs i s > log 2>&1; mount -o loop,ro i l",
	  "mkfs.erofs", true, false },
	{ "overlay with handles",
	  "mkdir a; mount -t tmpfs t a; mkdir a/l a/u a/w; echo > a/l/f;"
	  "mount -t overlay o -o lowerdir=a/l,upperdir=a/u,workdir=a/w,nfs_export=on,uuid=on l",
	  "true", true, false },
	{ "overlay without uuid",
	  "mkdir a; mount -t tmpfs t a; mkdir a/l a/u a/w; echo > a/l/f;"
	  "mount -t overlay o -o lowerdir=a/l,upperdir=a/u,workdir=a/w,nfs_export=on,uuid=null l",
	  "true", true, true },
	{ "overlay without handles",
	  "mkdir a; mount -t tmpfs t a; mkdir a/l a/u a/w; echo > a/l/f;"
	  "mount -t overlay o -o lowerdir=a/l,upperdir=a/u,workdir=a/w l",
	  "true", false, false },
};

/* Linux 6.9: before, only what stands on a disk can be known. */
static bool has_getfsuuid(void)
{
	struct {
		uint8_t len, uuid[16];
	} u;
	int fd = memfd_create("test", MFD_CLOEXEC);
	bool has = ioctl(fd, _IOR(0x15, 0, u), &u) == 0;

	close(fd);
	return has;
}

START_TEST(test_root_uuid)
{
	const struct fs *fs = &file_systems[_i];
	static const uint8_t null[16];
	struct ovl_root root = OVL_ROOT_INIT;
	unsigned char origin[256];
	char command[256];
	ssize_t len;

	snprintf(command, sizeof(command), "command -v %s > /dev/null", fs->needs);
	if (system(command) != 0) {
		kit_skip(fs->name, fs->needs);
		return;
	}
	kit_private_mounts();
	snprintf(command, sizeof(command), "uuid%d", _i);
	ck_assert_int_eq(mkdir(command, 0755), 0);
	ck_assert_int_eq(chdir(command), 0);
	kit_run("mkdir l x m");
	if (system(fs->make) != 0) {
		kit_skip(fs->name, "this kernel does not mount it");
		return;
	}

	ck_assert_int_eq(open_root("l", &root, NULL, 0), 0);
	ck_assert_int_eq(root.has_handles, fs->has_handles);
	if (!root.has_uuid && !has_getfsuuid()) {
		ck_assert(root.fs_type == TMPFS_MAGIC || root.fs_type == OVERLAYFS_SUPER_MAGIC);
		kit_skip(fs->name, "this kernel does not tell the uuid");
		ovl_root_done(&root);
		return;
	}
	ck_assert(root.has_uuid);
	/* a copy-up stores the handle, or that there is none */
	kit_run("mount -t tmpfs t x; mkdir x/u x/w;"
		"mount -t overlay o -o lowerdir=l,upperdir=x/u,workdir=x/w m; chmod 600 m/f");
	len = getxattr("x/u/f", "trusted.overlay.origin", origin, sizeof(origin));
	ck_assert_int_eq(len > 0, fs->has_handles);
	if (len > 0) {
		ck_assert_int_gt(len, 21);
		ck_assert_mem_eq(origin + 5, root.uuid, 16);
	}
	if (fs->is_null)
		ck_assert_mem_eq(root.uuid, null, 16);
	else
		ck_assert_mem_ne(root.uuid, null, 16);
	ovl_root_done(&root);
}
END_TEST

/* On a kernel that cannot be asked the disk is. */
static const struct {
	const char *name, *make, *needs;
	int r;
} old_kernel[] = {
	{ "ext4", "truncate -s 16M i; mkfs.ext4 -q i; mount -o loop i l", "mkfs.ext4", 0 },
	{ "xfs", "truncate -s 320M i; mkfs.xfs -q i; mount -o loop i l", "mkfs.xfs", 0 },
	{ "squashfs", "mkdir s; mksquashfs s i -quiet -no-progress > log; mount -o loop,ro i l",
	  "mksquashfs", 0 },
	{ "tmpfs", "mount -t tmpfs t l", "true", -ENODATA },
};

START_TEST(test_root_uuid_old_kernel)
{
	uint8_t want[16], got[16];
	char text[64];
	int fd;

	snprintf(text, sizeof(text), "command -v %s > /dev/null", old_kernel[_i].needs);
	if (system(text) != 0) {
		kit_skip(old_kernel[_i].name, old_kernel[_i].needs);
		return;
	}
	kit_private_mounts();
	snprintf(text, sizeof(text), "old%d", _i);
	ck_assert_int_eq(mkdir(text, 0755), 0);
	ck_assert_int_eq(chdir(text), 0);
	kit_run("mkdir l; %s", old_kernel[_i].make);
	fd = kit_open("l");
	memset(want, 0xa5, sizeof(want));
	ck_assert_int_eq(ovl_root_uuid(fd, want), has_getfsuuid() ? 0 : old_kernel[_i].r);
	memset(got, 0x5a, sizeof(got));
	/* Neither GETFSUUID nor any other ioctl: the rest must be found out without. */
	kit_deny(SYS_ioctl, ENOTTY);
	ck_assert_int_eq(ovl_root_uuid(fd, got), old_kernel[_i].r);
	ck_assert_int_eq(memcmp(want, got, 16) == 0, old_kernel[_i].r == 0);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("io/root");
	TCase *tc = tcase_create("root");

	tcase_add_unchecked_fixture(tc, kit_setup, kit_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_root_refused);
	tcase_add_test(tc, test_root_open);
	tcase_add_test(tc, test_root_mountid);
	tcase_add_test(tc, test_root_no_clone);
	tcase_add_test(tc, test_root_trusted);
	if (kit_is_root()) {
		tcase_add_test(tc, test_root_clone);
		tcase_add_test(tc, test_root_atime);
		tcase_add_test(tc, test_root_read_only);
		tcase_add_loop_test(tc, test_root_uuid, 0, (int)ARRAY_LEN(file_systems));
		tcase_add_loop_test(tc, test_root_uuid_old_kernel, 0, (int)ARRAY_LEN(old_kernel));
	} else {
		kit_skip("clones, uuids", "not root");
	}
	suite_add_tcase(suite, tc);
	return ovl_unit_main(suite);
}
