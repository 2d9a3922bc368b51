/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-floor - the least that any check of layers must do, to compare with
 *
 *	ovl-floor [-j THREADS] DIR...
 *
 * Reads every directory below the given ones with getdents64() and lists the xattrs of every
 * entry once, with the cheapest calls there are: fchdir() into the directory (each thread has a
 * working directory of its own) and llistxattr() of the bare name. Nothing is stat()ed, kept or
 * compared. Prints how many entries it saw.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tool.h"

enum {
	BUFFER = 256 << 10, /* of names read at once */
	LIST = 512,         /* of xattr names; more is an error that we do not care about */
};

struct linux_dirent64 {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

struct dir {
	int fd;
	atomic_int users;
};

/** A directory to read, or names of it that were read already. */
struct job {
	struct job *next;
	struct dir *dir;
	char *names;
	long len;
};

struct floor {
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct job *jobs;
	unsigned busy;
	atomic_int idle;
	atomic_ulong entries;
};

static void put_dir(struct dir *dir)
{
	if (atomic_fetch_sub(&dir->users, 1) == 1) {
		close(dir->fd);
		free(dir);
	}
}

static void add_job(struct floor *f, struct dir *dir, char *names, long len)
{
	struct job *job = ovl_tool_realloc(NULL, 1, sizeof(*job));

	*job = (struct job){ .dir = dir, .names = names, .len = len };
	pthread_mutex_lock(&f->lock);
	job->next = f->jobs;
	f->jobs = job;
	pthread_cond_signal(&f->news);
	pthread_mutex_unlock(&f->lock);
}

static void add_dir(struct floor *f, int at, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC;
	struct dir *dir = ovl_tool_realloc(NULL, 1, sizeof(*dir));

	dir->fd = openat(at, name, flags);
	if (dir->fd < 0)
		ovl_tool_die("%s", name);
	atomic_init(&dir->users, 1);
	add_job(f, dir, NULL, 0);
}

/** Does what is to be done with names; the working directory is theirs. */
static void look_at(struct floor *f, const struct dir *dir, const char *names, long len)
{
	unsigned long entries = 0;
	char list[LIST];

	for (long at = 0; at < len;) {
		const struct linux_dirent64 *entry = (const void *)(names + at);

		at += entry->reclen;
		if (!strcmp(entry->name, ".") || !strcmp(entry->name, ".."))
			continue;
		entries++;
		if (llistxattr(entry->name, list, sizeof(list)) < 0 && errno != ERANGE)
			ovl_tool_die("%s", entry->name);
		if (entry->type == 4) /* DT_DIR */
			add_dir(f, dir->fd, entry->name);
	}
	atomic_fetch_add(&f->entries, entries);
}

/** Reads a directory; names are handed to another thread if one waits. */
static void read_dir(struct floor *f, struct dir *dir)
{
	char *names = ovl_tool_realloc(NULL, 1, BUFFER);
	long len;

	while ((len = syscall(SYS_getdents64, dir->fd, names, BUFFER)) > 0) {
		if (atomic_load(&f->idle) && len > BUFFER / 2) {
			atomic_fetch_add(&dir->users, 1);
			add_job(f, dir, names, len);
			names = ovl_tool_realloc(NULL, 1, BUFFER);
		} else {
			look_at(f, dir, names, len);
		}
	}
	if (len < 0)
		ovl_tool_die("reading a directory");
	free(names);
}

static struct job *next_job(struct floor *f)
{
	struct job *job;

	pthread_mutex_lock(&f->lock);
	f->busy--;
	atomic_fetch_add(&f->idle, 1);
	while (!f->jobs && f->busy)
		pthread_cond_wait(&f->news, &f->lock);
	atomic_fetch_sub(&f->idle, 1);
	job = f->jobs;
	if (job) {
		f->jobs = job->next;
		f->busy++;
	} else {
		pthread_cond_broadcast(&f->news);
	}
	pthread_mutex_unlock(&f->lock);
	return job;
}

static void *work(void *arg)
{
	struct floor *f = arg;
	struct job *job;

	if (unshare(CLONE_FS) < 0)
		ovl_tool_die("a working directory for each thread");
	while ((job = next_job(f))) {
		if (fchdir(job->dir->fd) < 0)
			ovl_tool_die("fchdir");
		if (job->names)
			look_at(f, job->dir, job->names, job->len);
		else
			read_dir(f, job->dir);
		put_dir(job->dir);
		free(job->names);
		free(job);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct floor f = { .lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER };
	struct rlimit files = { 1 << 20, 1 << 20 };
	unsigned threads = 1;
	pthread_t *thread;
	int opt;

	while ((opt = getopt(argc, argv, "j:")) != -1) {
		if (opt != 'j') {
			fputs("usage: ovl-floor [-j THREADS] DIR...\n", stderr);
			return 99;
		}
		threads = (unsigned)ovl_tool_number(optarg, 256);
	}
	setrlimit(RLIMIT_NOFILE, &files); /* if it may not, opening fails loudly later on */
	for (int i = optind; i < argc; i++)
		add_dir(&f, AT_FDCWD, argv[i]);

	threads = threads ? threads : 1;
	f.busy = threads;
	thread = ovl_tool_realloc(NULL, threads, sizeof(*thread));
	for (unsigned i = 0; i < threads; i++) {
		errno = pthread_create(&thread[i], NULL, work, &f);
		if (errno)
			ovl_tool_die("a thread");
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	free(thread);
	printf("%lu entries\n", atomic_load(&f.entries));
	return 0;
}
