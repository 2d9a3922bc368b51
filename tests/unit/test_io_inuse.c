/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <sys/wait.h>

#include "io/inuse.h"
#include "io/root.h"
#include "unit/oom.h"
#include "unit/test_io_kit.h"

/* A tmpfs "t" with layers, in a mount namespace of this process. */
static void make_layers(void)
{
	kit_private_mounts();
	kit_run("mkdir -p t; mount -t tmpfs t t");
	ck_assert_int_eq(chdir("t"), 0);
	kit_run("mkdir -p l l2 u/sub w m free 'a,b:c\\d' other/w");
}

static void mount_overlay(void)
{
	kit_run("mount -t overlay o -o \"lowerdir=$PWD/l:$PWD/l2,upperdir=$PWD/u,workdir=$PWD/w\" m");
}

/* ---- The probe ---- */

static void check_used(enum ovl_inuse want)
{
	ck_assert_int_eq(ovl_inuse_probe("u"), want);
	ck_assert_int_eq(ovl_inuse_probe("u/sub"), want);
	ck_assert_int_eq(ovl_inuse_probe("w"), want);
	ck_assert_int_eq(ovl_inuse_probe("w/work"), want);
	/* a use as lower, and what is above a layer, is no use */
	ck_assert_int_eq(ovl_inuse_probe("l"), OVL_INUSE_NO);
	ck_assert_int_eq(ovl_inuse_probe("."), OVL_INUSE_NO);
	ck_assert_int_eq(ovl_inuse_probe("free"), OVL_INUSE_NO);
	ck_assert_int_eq(ovl_inuse_probe("a,b:c\\d"), OVL_INUSE_NO);
}

START_TEST(test_probe)
{
	int held;

	make_layers();
	kit_run("mkdir w/work");
	check_used(OVL_INUSE_NO);
	mount_overlay();
	check_used(OVL_INUSE_YES);
	/* lazily unmounted, but still open: no mount table has it */
	held = kit_open("m");
	kit_run("umount -l m; ! grep -q \"$PWD/m\" /proc/self/mountinfo");
	check_used(OVL_INUSE_YES);
	close(held);
	check_used(OVL_INUSE_NO);
}
END_TEST

START_TEST(test_probe_detached)
{
	int context, mnt;

	make_layers();
	kit_run("mkdir w/work");
	context = fsopen("overlay", FSOPEN_CLOEXEC);
	ck_assert_int_eq(fsconfig(context, FSCONFIG_SET_STRING, "lowerdir", "l", 0), 0);
	ck_assert_int_eq(fsconfig(context, FSCONFIG_SET_STRING, "upperdir", "u", 0), 0);
	ck_assert_int_eq(fsconfig(context, FSCONFIG_SET_STRING, "workdir", "w", 0), 0);
	ck_assert_int_eq(fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0), 0);
	mnt = fsmount(context, FSMOUNT_CLOEXEC, 0);
	ck_assert_int_ge(mnt, 0);
	close(context);
	check_used(OVL_INUSE_YES);
	close(mnt);
	check_used(OVL_INUSE_NO);
}
END_TEST

/* A process with the overlay in a mount namespace of its own, until its end is wanted. */
static pid_t start_other(int *ret_end)
{
	int ready[2], end[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(end), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(end[1]);
		if (unshare(CLONE_NEWNS) == 0) {
			mount_overlay();
			if (write(ready[1], "x", 1) == 1 && read(end[0], &c, 1) >= 0)
				_exit(0);
		}
		_exit(1);
	}
	close(end[0]);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	*ret_end = end[1];
	return pid;
}

static void end_other(pid_t pid, int end)
{
	int status;

	close(end);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(test_probe_other_namespace)
{
	pid_t pid;
	int end;

	make_layers();
	kit_run("mkdir w/work");
	pid = start_other(&end);
	kit_run("! grep -q \"$PWD/m \" /proc/self/mountinfo");
	check_used(OVL_INUSE_YES);
	end_other(pid, end);
	check_used(OVL_INUSE_NO);
}
END_TEST

START_TEST(test_probe_unknown)
{
	make_layers();
	kit_run("mkdir r x; mount -t ramfs r r; mkdir r/d; touch file; mkfifo fifo");
	/* no file handles: the kernel goes on with index=off */
	ck_assert_int_eq(ovl_inuse_probe("r/d"), OVL_INUSE_UNKNOWN);
	ck_assert_int_eq(ovl_inuse_probe("none"), OVL_INUSE_UNKNOWN);
	ck_assert_int_eq(ovl_inuse_probe("file"), OVL_INUSE_UNKNOWN);
	ck_assert_int_eq(ovl_inuse_probe("fifo"), OVL_INUSE_UNKNOWN);
	kit_deny(SYS_fsopen, ENOSYS);
	ck_assert_int_eq(ovl_inuse_probe("u"), OVL_INUSE_UNKNOWN);
}
END_TEST

static int count_open(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* No mount, no descriptor, and not one time or xattr of the directory. */
START_TEST(test_probe_leaves_nothing)
{
	struct timespec old[2] = { { 1000, 5 }, { 2000, 6 } };
	struct stat before, after;
	int fds;

	if (system("command -v mkfs.ext4 > /dev/null") != 0) {
		kit_skip("what a probe leaves", "mkfs.ext4");
		return;
	}
	kit_private_mounts();
	kit_run("mkdir p; truncate -s 16M p.img; mkfs.ext4 -q p.img; mount -o loop,strictatime p.img p;"
		"mkdir p/d p/d/sub");
	ck_assert_int_eq(setxattr("p/d", "trusted.overlay.opaque", "y", 1, 0), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, "p/d", old, 0), 0);
	ck_assert_int_eq(stat("p/d", &before), 0);
	kit_run("cat /proc/self/mountinfo > before");
	fds = count_open();
	ck_assert_int_eq(ovl_inuse_probe("p/d"), OVL_INUSE_NO);
	ck_assert_int_eq(count_open(), fds);
	kit_run("cat /proc/self/mountinfo | cmp - before");
	ck_assert_int_eq(stat("p/d", &after), 0);
	ck_assert_mem_eq(&before.st_atim, &after.st_atim, sizeof(before.st_atim));
	ck_assert_mem_eq(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
	ck_assert_mem_eq(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim));
	ck_assert_uint_eq(before.st_nlink, after.st_nlink);
	/* the file system is not held either */
	kit_run("umount p");
}
END_TEST

/* ---- The scan ---- */

struct layers {
	struct ovl_root root[3];
	const struct ovl_root *list[3];
};

static void open_layers(struct layers *l, const char *const paths[3])
{
	struct ovl_error e = OVL_ERROR_INIT;
	int i;

	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(ovl_root_open(paths[i], "layer", &l->root[i], &e), 0);
		l->list[i] = &l->root[i];
	}
}

static void close_layers(struct layers *l)
{
	int i;

	for (i = 0; i < 3; i++)
		ovl_root_done(&l->root[i]);
}

static const char *const uwl[3] = { "u", "w", "l2" };

static void check_users(const struct layers *l, int pid, size_t want)
{
	static const int as[] = { OVL_USED_AS_UPPER, OVL_USED_AS_WORK, OVL_USED_AS_LOWER };
	struct ovl_mount_user *users = NULL;
	size_t n = 77, i;
	bool seen[3] = { false };

	ck_assert_int_eq(ovl_inuse_scan(l->list, 3, &users, &n), 0);
	ck_assert_uint_eq(n, want);
	for (i = 0; i < n; i++) {
		ck_assert_int_ge(users[i].which, 0);
		ck_assert_int_lt(users[i].which, 3);
		ck_assert(!seen[users[i].which]);
		seen[users[i].which] = true;
		ck_assert_int_eq((int)users[i].as, as[users[i].which]);
		ck_assert_int_eq(users[i].pid, pid);
		ck_assert_ptr_nonnull(strstr(users[i].mountpoint, "/t/m"));
	}
	ovl_inuse_users_free(users, n);
}

START_TEST(test_scan)
{
	struct layers l;
	pid_t pid;
	int end;

	make_layers();
	open_layers(&l, uwl);
	check_users(&l, 0, 0);
	mount_overlay();
	check_users(&l, 0, 3);
	/* seen in two places and two namespaces, and still one overlay */
	kit_run("mkdir m2; mount --bind m m2");
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) == 0)
			pause();
		_exit(1);
	}
	usleep(200000);
	check_users(&l, 0, 3);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	kit_run("umount m2; umount m");
	check_users(&l, 0, 0);
	pid = start_other(&end);
	check_users(&l, pid, 3);
	end_other(pid, end);
	check_users(&l, 0, 0);
	close_layers(&l);
}
END_TEST

/* Its paths mean something only from its own root. */
START_TEST(test_scan_chroot)
{
	struct ovl_mount_user *users;
	int ready[2];
	struct layers l;
	pid_t pid;
	size_t n;
	char c;

	make_layers();
	open_layers(&l, uwl);
	kit_run("mkdir -p u2 w2; ln -s /l2 abs");
	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		/* "/" must be a mount for the kernel to show the mounts below it */
		if (unshare(CLONE_NEWNS) < 0 || mount(".", ".", NULL, MS_BIND, NULL) < 0 ||
		    chdir("../t") < 0 || chroot(".") < 0 || chdir("/") < 0 ||
		    mount("o", "/m", "overlay", 0, "lowerdir=/abs:/l,upperdir=/u,workdir=/w") < 0 ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_int_eq(ovl_inuse_scan(l.list, 3, &users, &n), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(users[0].pid, pid);
	ck_assert_str_eq(users[0].mountpoint, "/m");
	ovl_inuse_users_free(users, n);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close_layers(&l);
}
END_TEST

/* Escapes of the mount table and of overlayfs, and layers that no path leads to. */
START_TEST(test_scan_names)
{
	static const char *const paths[3] = { "u,p \\x", "w\nk", "l:o" };
	struct ovl_mount_user *users;
	struct layers l;
	size_t n;

	make_layers();
	kit_run("mkdir 'u,p \\x' 'w\nk' 'l:o'");
	open_layers(&l, paths);
	kit_run("mount -t overlay o -o \"lowerdir=$PWD/l\\:o:$PWD/l,upperdir=$PWD/u\\,p \\\\\\\\x,workdir=$PWD/w\nk\" m");
	ck_assert_int_eq(ovl_inuse_scan(l.list, 3, &users, &n), 0);
	ck_assert_uint_eq(n, 3);
	ovl_inuse_users_free(users, n);
	kit_run("umount m; mount -t overlay o -o 'lowerdir=l\\:o:l,upperdir=u,workdir=w' m");
	ck_assert_int_eq(ovl_inuse_scan(l.list, 3, &users, &n), 0);
	ck_assert_uint_eq(n, 0);
	ovl_inuse_users_free(users, n);
	kit_run("umount m; mount -t overlay o -o \"lowerdir=$PWD/l:$PWD/gone,upperdir=$PWD/u,workdir=$PWD/w\" m "
		"2>/dev/null || mkdir gone; mount -t overlay o -o \"lowerdir=$PWD/gone:$PWD/l\\:o\" m;"
		"rmdir gone; mkfifo gone");
	ck_assert_int_eq(ovl_inuse_scan(l.list, 3, &users, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(users[0].which, 2);
	ck_assert_int_eq((int)users[0].as, OVL_USED_AS_LOWER);
	ovl_inuse_users_free(users, n);
	close_layers(&l);
}
END_TEST

START_TEST(test_scan_many)
{
	struct layers l;

	make_layers();
	open_layers(&l, uwl);
	kit_run("mkdir many; for i in $(seq 40); do mkdir many/$i;"
		"mount -t overlay o -o \"lowerdir=$PWD/l:$PWD/free\" many/$i; done");
	mount_overlay();
	check_users(&l, 0, 3);
	close_layers(&l);
}
END_TEST

#if OVL_OOM
/* Half a list of users would be a lie. */
START_TEST(test_scan_no_memory)
{
	struct ovl_mount_user *users = NULL;
	struct layers l;
	size_t count = 0;
	int r;

	if (!ovl_oom_works())
		return;
	make_layers();
	open_layers(&l, uwl);
	mount_overlay();
	OVL_OOM_LOOP(n)
	{
		ovl_oom_arm(n);
		r = ovl_inuse_scan(l.list, 3, &users, &count);
		if (!ovl_oom_disarm())
			break;
		/* a stream does without its buffer: then all must be there */
		if (r == 0) {
			ck_assert_uint_eq(count, 3);
			ovl_inuse_users_free(users, count);
			users = NULL;
			continue;
		}
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(users);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(count, 3);
	ovl_inuse_users_free(users, count);
	close_layers(&l);
}
END_TEST
#endif

START_TEST(test_scan_unprivileged)
{
	struct ovl_root root = OVL_ROOT_INIT;
	const struct ovl_root *list[1] = { &root };
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_mount_user *users;
	size_t n;

	kit_run("mkdir -p mine");
	ck_assert_int_eq(ovl_root_open("mine", "layer", &root, &e), 0);
	ck_assert_int_eq(ovl_inuse_scan(list, 1, &users, &n), 0);
	ck_assert_uint_eq(n, 0);
	ovl_inuse_users_free(users, n);
	if (!kit_is_root())
		ck_assert_int_eq(ovl_inuse_probe("mine"), OVL_INUSE_UNKNOWN);
	ovl_root_done(&root);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("io/inuse");
	TCase *tc = tcase_create("inuse");

	tcase_add_unchecked_fixture(tc, kit_setup, kit_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_scan_unprivileged);
	if (kit_is_root()) {
		tcase_add_test(tc, test_probe);
		tcase_add_test(tc, test_probe_detached);
		tcase_add_test(tc, test_probe_other_namespace);
		tcase_add_test(tc, test_probe_unknown);
		tcase_add_test(tc, test_probe_leaves_nothing);
		tcase_add_test(tc, test_scan);
		tcase_add_test(tc, test_scan_chroot);
		tcase_add_test(tc, test_scan_names);
		tcase_add_test(tc, test_scan_many);
#if OVL_OOM
		tcase_add_test(tc, test_scan_no_memory);
#endif
	} else {
		kit_skip("live overlays", "not root");
	}
	suite_add_tcase(suite, tc);
	return ovl_unit_main(suite);
}
