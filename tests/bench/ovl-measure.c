/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-measure - run a command and print what it took
 *
 *	ovl-measure [-c] COMMAND [ARG...]
 *
 * Prints "SECONDS USER SYSTEM PEAK STATUS": wall clock and processor time in seconds, the peak of
 * its resident memory in KiB, its exit status. Its standard output goes to /dev/null.
 * -c drops the kernel's caches before it starts.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void drop_caches(void)
{
	_cleanup_close_ int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	sync();
	if (fd < 0 || write(fd, "3", 1) != 1)
		ovl_tool_die("drop_caches");
}

static void run(char **command)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(99);
	execvp(command[0], command);
	_exit(errno == ENOENT ? 127 : 126);
}

int main(int argc, char **argv)
{
	bool cold = argc > 1 && !strcmp(argv[1], "-c");
	char **command = argv + 1 + cold;
	struct rusage usage;
	double begin, end;
	int status;
	pid_t pid;

	if (argc < 2 + cold) {
		fputs("usage: ovl-measure [-c] COMMAND [ARG...]\n", stderr);
		return 99;
	}
	if (cold)
		drop_caches();
	begin = now();
	pid = fork();
	if (!pid)
		run(command);
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
		ovl_tool_die("%s", command[0]);
	end = now();
	printf("%.3f %.3f %.3f %ld %d\n", end - begin, seconds(usage.ru_utime),
	       seconds(usage.ru_stime), usage.ru_maxrss,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
