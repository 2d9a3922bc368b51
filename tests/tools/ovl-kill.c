/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-kill - run a program and kill it before one of its system calls that change something
 *
 *	ovl-kill N PROGRAM ARG...       SIGKILL before the N-th such call (1, 2, ...), which is not made
 *	ovl-kill N:ERRNO PROGRAM ARG... the N-th such call fails with this errno (ENOSPC, EIO ...) instead
 *	ovl-kill 0 PROGRAM ARG...       runs it to its end
 *	ovl-kill commit:FILE PROGRAM ARG...  the same; before each such call FILE is written to, and made
 *	                                durable, as another program might do just then: the file system may
 *	                                write with it what it likes of what was done so far
 *
 * What only reads is not counted: killing between two calls that change something leaves the same
 * disk behind. All threads are followed. On stderr: the number of such calls, and the name of the last
 * one, as "ovl-kill: 17 fdatasync". Exit status: that of the program; 137 if it was killed; 99 if it
 * could not be run.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool.h"

enum { SYSCALL_STOP = SIGTRAP | 0x80, MAX_TASKS = 64 };

/** A system call, as the machine that we run on holds it. */
struct call {
	long number;
	unsigned long arg[3];
};

#if defined(__x86_64__)
static int get_call(pid_t task, struct call *ret)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, task, NULL, &regs) < 0)
		return -errno;
	*ret = (struct call){ (long)regs.orig_rax, { regs.rdi, regs.rsi, regs.rdx } };
	return 0;
}

/* At the stop before a call: none is made. At the stop behind it: this is its result. */
static int set_call(pid_t task, bool before, long value)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, task, NULL, &regs) < 0)
		return -errno;
	if (before)
		regs.orig_rax = (unsigned long long)-1;
	else
		regs.rax = (unsigned long long)value;
	return ptrace(PTRACE_SETREGS, task, NULL, &regs) < 0 ? -errno : 0;
}
#else
static int get_call(pid_t task, struct call *ret)
{
	(void)task;
	(void)ret;
	return -ENOSYS;
}

static int set_call(pid_t task, bool before, long value)
{
	(void)task;
	(void)before;
	(void)value;
	return -ENOSYS;
}
#endif

static const struct {
	long number;
	const char *name;
} changing[] = {
#define CALL(name)                \
	{                         \
		SYS_##name, #name \
	}
	CALL(setxattr),        CALL(lsetxattr),
	CALL(fsetxattr),       CALL(removexattr),
	CALL(lremovexattr),    CALL(fremovexattr),
	CALL(renameat2),       CALL(renameat),
	CALL(linkat),          CALL(unlinkat),
	CALL(mknodat),         CALL(mkdirat),
	CALL(symlinkat),       CALL(ftruncate),
	CALL(fallocate),       CALL(copy_file_range),
	CALL(sendfile),        CALL(utimensat),
	CALL(fchown),          CALL(fchownat),
	CALL(fchmod),          CALL(fchmodat),
	CALL(fsync),           CALL(fdatasync),
	CALL(syncfs),          CALL(pwrite64),
	CALL(pwritev),
#ifdef SYS_rename /* older calls that newer machines never had */
	CALL(rename),          CALL(link),
	CALL(unlink),          CALL(mkdir),
	CALL(rmdir),           CALL(mknod),
	CALL(symlink),         CALL(chmod),
	CALL(chown),           CALL(lchown),
#endif
#undef CALL
	{ 463, "setxattrat" }, { 466, "removexattrat" },
};

static const char *changing_name(const struct call *c)
{
	const unsigned long ficlone = 0x40049409, ficlonerange = 0x4020940d;

	for (size_t i = 0; i < sizeof(changing) / sizeof(changing[0]); i++)
		if (changing[i].number == c->number)
			return changing[i].name;
	if (c->number == SYS_openat && (c->arg[2] & O_CREAT))
		return "openat";
	if (c->number == SYS_write && c->arg[0] > STDERR_FILENO)
		return "write";
	if (c->number == SYS_ioctl && (c->arg[1] == ficlone || c->arg[1] == ficlonerange))
		return "ioctl";
	return NULL;
}

/** A thread of the program. */
struct task {
	pid_t pid;
	bool inside; /* between the stop before a call and the one behind it */
	bool failing;
};

struct run {
	unsigned long stop_at;
	long fail_with; /* errno; 0: kill */
	int commit;     /* the file to write to, or -1 */
	unsigned long n;
	const char *last;
	struct task task[MAX_TASKS];
	size_t n_tasks;
};

static struct task *find_task(struct run *r, pid_t pid)
{
	for (size_t i = 0; i < r->n_tasks; i++)
		if (r->task[i].pid == pid)
			return &r->task[i];
	if (r->n_tasks == MAX_TASKS)
		ovl_tool_die("too many threads");
	r->task[r->n_tasks] = (struct task){ .pid = pid };
	return &r->task[r->n_tasks++];
}

static void commit(int fd)
{
	if (write(fd, "x", 1) != 1 || fsync(fd) < 0)
		ovl_tool_die("cannot write to the other file");
}

/* At a stop of a system call: true if the program is to be killed now. */
static bool at_call(struct run *r, struct task *t)
{
	struct call c = { 0 };
	const char *name;

	t->inside = !t->inside;
	if (!t->inside) {
		if (t->failing && set_call(t->pid, false, -r->fail_with) < 0)
			ovl_tool_die("cannot set a result");
		t->failing = false;
		return false;
	}
	if (get_call(t->pid, &c) < 0)
		ovl_tool_die("cannot read a system call: not this machine?");
	name = changing_name(&c);
	if (!name)
		return false;
	r->last = name;
	if (r->commit >= 0)
		commit(r->commit);
	if (++r->n != r->stop_at)
		return false;
	if (!r->fail_with)
		return true;
	t->failing = set_call(t->pid, true, 0) == 0;
	return false;
}

static int follow(struct run *r, pid_t child)
{
	int status, result = 99;

	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);
		int signal = 0;

		if (pid < 0)
			return result;
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (pid == child)
				result = WIFEXITED(status) ? WEXITSTATUS(status) :
							     128 + WTERMSIG(status);
			continue;
		}
		if (WSTOPSIG(status) == SYSCALL_STOP) {
			if (at_call(r, find_task(r, pid)))
				kill(child, SIGKILL);
		} else if (WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGSTOP) {
			signal = WSTOPSIG(status);
		}
		ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signal);
	}
}

static const struct {
	const char *name;
	int number;
} errors[] = { { "ENOSPC", ENOSPC }, { "EIO", EIO },
	       { "EROFS", EROFS },   { "EDQUOT", EDQUOT },
	       { "EPERM", EPERM },   { "EINTR", EINTR },
	       { "ENOMEM", ENOMEM }, { "EOPNOTSUPP", EOPNOTSUPP } };

static void parse(struct run *r, const char *word)
{
	const char commit_to[] = "commit:";
	char *end;

	if (strncmp(word, commit_to, strlen(commit_to)) == 0) {
		r->commit = open(word + strlen(commit_to),
				 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (r->commit < 0)
			ovl_tool_die("%s", word);
		return;
	}
	errno = 0;
	r->stop_at = strtoul(word, &end, 10);
	if (*end == ':')
		for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
			if (strcmp(end + 1, errors[i].name) == 0)
				r->fail_with = errors[i].number;
	if (errno || end == word || (*end && !r->fail_with))
		ovl_tool_die("neither NUMBER nor NUMBER:ERRNO: %s", word);
}

int main(int argc, char **argv)
{
	struct run r = { .commit = -1, .last = "nothing" };
	int status, result;
	pid_t child;

	if (argc < 3)
		ovl_tool_die("usage: ovl-kill N[:ERRNO]|commit:FILE PROGRAM ARG...");
	parse(&r, argv[1]);
	child = fork();
	if (child < 0)
		ovl_tool_die("fork: %s", strerror(errno));
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execv(argv[2], argv + 2);
		_exit(99);
	}
	if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status))
		ovl_tool_die("cannot trace: %s", strerror(errno));
	ptrace(PTRACE_SETOPTIONS, child, NULL,
	       (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			PTRACE_O_EXITKILL));
	ptrace(PTRACE_SYSCALL, child, NULL, NULL);
	result = follow(&r, child);
	fprintf(stderr, "ovl-kill: %lu %s\n", r.n, r.last);
	return result;
}
