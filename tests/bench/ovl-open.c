/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-open - open every file below a directory for writing, and write nothing
 *
 *	ovl-open [-j THREADS] DIR
 *
 * Through an overlay that copies data up: what somebody can do without a converter. At the end the
 * file system is synced, as it is after a conversion.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"
#include "walk.h"

/** The files, and how many of them are taken. */
struct work {
	char **files;
	size_t count;
	size_t next;
	pthread_mutex_t lock;
};

static int visit(void *arg, const struct ovl_walk_at *at)
{
	struct work *w = arg;

	if (S_ISDIR(at->st->st_mode))
		return 1;
	if (S_ISREG(at->st->st_mode)) {
		/* Doubled from time to time. */
		if (!(w->count & (w->count + 1)))
			w->files = ovl_tool_realloc(w->files, 2 * w->count + 2, sizeof(char *));
		w->files[w->count++] = ovl_tool_format(".%.*s", (int)at->path_len, at->path);
	}
	return 0;
}

static int failed(void *arg, const struct ovl_walk_at *at, int err)
{
	(void)arg;
	errno = err;
	ovl_tool_die("%.*s", (int)at->path_len, at->path);
}

static const char *take(struct work *w)
{
	const char *file = NULL;

	pthread_mutex_lock(&w->lock);
	if (w->next < w->count)
		file = w->files[w->next++];
	pthread_mutex_unlock(&w->lock);
	return file;
}

static void *open_all(void *arg)
{
	const char *file;

	while ((file = take(arg))) {
		int fd = open(file, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			ovl_tool_die("%s", file);
		close(fd);
	}
	return NULL;
}

static void run(struct work *w, unsigned threads)
{
	pthread_t *thread = ovl_tool_realloc(NULL, threads, sizeof(*thread));

	for (unsigned i = 0; i < threads; i++) {
		errno = pthread_create(&thread[i], NULL, open_all, w);
		if (errno)
			ovl_tool_die("a thread");
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	free(thread);
}

int main(int argc, char **argv)
{
	static const struct ovl_walk_ops ops = { .visit = visit, .failed = failed };
	struct work w = { .lock = PTHREAD_MUTEX_INITIALIZER };
	_cleanup_close_ int root = -EBADF;
	unsigned threads = 1;
	int opt, r;

	while ((opt = getopt(argc, argv, "j:")) == 'j')
		threads = (unsigned)ovl_tool_number(optarg, 1024);
	if (opt != -1 || optind != argc - 1 || !threads) {
		fputs("usage: ovl-open [-j THREADS] DIR\n", stderr);
		return 99;
	}
	if (chdir(argv[optind]) < 0)
		ovl_tool_die("%s", argv[optind]);
	root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = root < 0 ? -errno : ovl_walk(root, &ops, &w);
	if (r < 0) {
		errno = -r;
		ovl_tool_die("%s", argv[optind]);
	}
	run(&w, threads);
	if (syncfs(root) < 0)
		ovl_tool_die("syncfs");
	for (size_t i = 0; i < w.count; i++)
		free(w.files[i]);
	free(w.files);
	return 0;
}
