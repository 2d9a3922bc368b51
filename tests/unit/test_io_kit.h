/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the room io share: a folder of their own, mounts that go away by themselves,
 * and kernels that lack a system call.
 */
#ifndef TESTS_UNIT_TEST_IO_KIT_H
#define TESTS_UNIT_TEST_IO_KIT_H

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tools/tool.h"
#include "unit/unit.h"

#ifndef SYS_getxattrat
#define SYS_getxattrat 464
#define SYS_listxattrat 465
#endif

static char kit_dir[64];

/* Unchecked fixture: the folder outlives the processes of the tests, which start in it. */
static inline void kit_setup(void)
{
	snprintf(kit_dir, sizeof(kit_dir), "/tmp/ovl-test-io.XXXXXX");
	if (!mkdtemp(kit_dir) || chdir(kit_dir) < 0)
		ovl_tool_die("cannot make %s", kit_dir);
}

static inline void kit_teardown(void)
{
	_cleanup_free_ char *command = ovl_tool_format("rm -rf '%s'", kit_dir);

	if (chdir("/") < 0 || system(command) != 0)
		ovl_tool_die("cannot remove %s", kit_dir);
}

/* A shell command that must succeed. */
static inline void __attribute__((format(printf, 1, 2))) kit_run(const char *fmt, ...)
{
	char command[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	ck_assert_msg(system(command) == 0, "failed: %s", command);
}

/* What is mounted from here on is gone with this process. */
static inline void kit_private_mounts(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	/* the working directory moved along, but to be sure that it is below the new mounts */
	ck_assert_int_eq(chdir(kit_dir), 0);
}

/* For what runs at the end of the process, such as a leak checker. */
static inline void kit_mount_proc(void)
{
	ck_assert_int_eq(mount("proc", "/proc", "proc", 0, NULL), 0);
}

/* From here on a system call fails with @error, as on a kernel that does not have it. */
static inline void kit_deny(long number, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static inline void kit_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* A directory of this process, opened for reading. */
static inline int kit_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Loudly: a test that cannot be made here is a test that nobody made. */
static inline void kit_skip(const char *what, const char *why)
{
	printf("# SKIP %s: %s\n", what, why);
	fprintf(stderr, "SKIP %s: %s\n", what, why);
}

static inline bool kit_is_root(void)
{
	return geteuid() == 0;
}

/* In the folder of the tests: whether user.* xattrs can be set. */
static inline bool kit_has_user_xattrs(void)
{
	char path[96];
	int fd, r;

	snprintf(path, sizeof(path), "/tmp/ovl-test-xattr.XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return false;
	r = fsetxattr(fd, "user.test", "x", 1, 0);
	close(fd);
	unlink(path);
	return r == 0;
}

#endif
