/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-faults - make every question that the check asks of the layers fail once, one at a time
 *
 *	ovl-faults [-e ERRNO] [-s STEP] OPTIONS   OPTIONS as for fsck.overlay -o
 *	ovl-faults -r SEEDS [-j THREADS] OPTIONS  many at random, instead of one at a time
 *
 * The overlay must be free of problems. Then, for the first, the second ... call of the reader,
 * that call fails with EIO, EACCES, ENOMEM and ESTALE in turn (-e: with this one number only; -s:
 * only every STEP-th call), and the check has to notice: opening or checking the stack fails, or
 * there is a problem in the report. A run that calls the overlay clean although a part of it could
 * not be read is printed, as is what failed in it.
 *
 * Exit status: 0; 1 if something was printed; 99 trouble.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/reader.h"
#include "overlayfs/check.h"
#include "overlayfs/stack.h"
#include "tool.h"

/** A reader that fails on demand; the lock is for all fields below it. */
struct faulty {
	struct ovl_reader reader;
	struct ovl_reader *real;
	pthread_mutex_t lock;
	unsigned long calls;   /* so far */
	unsigned long fail_at; /* number of the call that fails; 0: see rng */
	uint32_t one_in;       /* not 0: how many fail at random */
	struct ovl_rng rng;
	int err;
	char *failed; /* the last one that did; NULL: none so far */
};

static const int errnos[] = { EIO, EACCES, ENOMEM, ESTALE };

static void describe(struct faulty *f, const char *what, int dir, const char *name)
{
	char link[64], place[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, place, sizeof(place) - 1);
	place[n < 0 ? 0 : n] = '\0';
	free(f->failed);
	f->failed = ovl_tool_format("%s of '%s' in '%s'", what, name, place);
}

/* Returns the errno with which this call is to fail, or 0. */
static int fault(struct ovl_reader *r, const char *what, int dir, const char *name)
{
	struct faulty *f = (struct faulty *)r;
	int err = 0;

	pthread_mutex_lock(&f->lock);
	f->calls++;
	if (f->one_in && ovl_tool_chance(&f->rng, 1, f->one_in))
		err = errnos[ovl_tool_random(&f->rng, ARRAY_LEN(errnos))];
	else if (f->calls == f->fail_at)
		err = f->err;
	if (err)
		describe(f, what, dir, name);
	pthread_mutex_unlock(&f->lock);
	return -err;
}

static struct ovl_reader *real_of(struct ovl_reader *r)
{
	return ((struct faulty *)r)->real;
}

static int faulty_open_dir(struct ovl_reader *r, int dir, const char *path, int *ret_dir)
{
	int err = fault(r, "open directory", dir, path);

	return err ? err : real_of(r)->ops->open_dir(real_of(r), dir, path, ret_dir);
}

static void faulty_close(struct ovl_reader *r, int fd)
{
	real_of(r)->ops->close(real_of(r), fd);
}

static void faulty_enter(struct ovl_reader *r, int dir)
{
	real_of(r)->ops->enter(real_of(r), dir);
}

static void faulty_leave(struct ovl_reader *r, int dir)
{
	real_of(r)->ops->leave(real_of(r), dir);
}

static int faulty_read_dir(struct ovl_reader *r, int dir, struct ovl_dirstream *s,
			   struct ovl_dirent *ret)
{
	int err = fault(r, "read directory", dir, "");

	return err ? err : real_of(r)->ops->read_dir(real_of(r), dir, s, ret);
}

static int faulty_stat(struct ovl_reader *r, int dir, const char *name, struct ovl_stat *ret)
{
	int err = fault(r, "stat", dir, name);

	return err ? err : real_of(r)->ops->stat(real_of(r), dir, name, ret);
}

static int faulty_list_xattrs(struct ovl_reader *r, int dir, const char *name, struct ovl_buf *buf)
{
	int err = fault(r, "list xattrs", dir, name);

	return err ? err : real_of(r)->ops->list_xattrs(real_of(r), dir, name, buf);
}

static int faulty_get_xattr(struct ovl_reader *r, int dir, const char *name, const char *xattr,
			    struct ovl_buf *buf)
{
	int err = fault(r, xattr, dir, name);

	return err ? err : real_of(r)->ops->get_xattr(real_of(r), dir, name, xattr, buf);
}

static int faulty_read_link(struct ovl_reader *r, int dir, const char *name, struct ovl_buf *buf)
{
	int err = fault(r, "read link", dir, name);

	return err ? err : real_of(r)->ops->read_link(real_of(r), dir, name, buf);
}

static int faulty_open_file(struct ovl_reader *r, int dir, const char *name, uint64_t dev,
			    uint64_t ino, int *ret_fd)
{
	int err = fault(r, "open file", dir, name);

	return err ? err : real_of(r)->ops->open_file(real_of(r), dir, name, dev, ino, ret_fd);
}

static int64_t faulty_pread(struct ovl_reader *r, int fd, void *buf, size_t len, uint64_t offset)
{
	int err = fault(r, "read file", fd, "");

	return err ? err : real_of(r)->ops->pread(real_of(r), fd, buf, len, offset);
}

static int faulty_seek_data(struct ovl_reader *r, int fd, uint64_t offset, uint64_t *ret)
{
	int err = fault(r, "seek data", fd, "");

	return err ? err : real_of(r)->ops->seek_data(real_of(r), fd, offset, ret);
}

static int faulty_encode(struct ovl_reader *r, int dir, const char *name, struct ovl_fid *ret)
{
	int err = fault(r, "encode handle", dir, name);

	return err ? err : real_of(r)->ops->encode(real_of(r), dir, name, ret);
}

static int faulty_decode(struct ovl_reader *r, int dir, const struct ovl_fid *fid,
			 struct ovl_stat *ret_stat, int *ret_fd)
{
	int err = fault(r, "decode handle", dir, "");

	if (err == -ESTALE)
		err = -EIO; /* here it is an answer: the object is gone */
	return err ? err : real_of(r)->ops->decode(real_of(r), dir, fid, ret_stat, ret_fd);
}

static int faulty_measure_verity(struct ovl_reader *r, int fd, uint8_t *ret_algo,
				 unsigned char ret_digest[64], unsigned *ret_len)
{
	int err = fault(r, "measure verity", fd, "");

	return err ? err :
		     real_of(r)->ops->measure_verity(real_of(r), fd, ret_algo, ret_digest, ret_len);
}

static int faulty_thread_start(struct ovl_reader *r)
{
	return real_of(r)->ops->thread_start(real_of(r));
}

static void faulty_thread_stop(struct ovl_reader *r)
{
	real_of(r)->ops->thread_stop(real_of(r));
}

static const struct ovl_reader_ops faulty_ops = {
	.open_dir = faulty_open_dir,
	.close = faulty_close,
	.enter = faulty_enter,
	.leave = faulty_leave,
	.read_dir = faulty_read_dir,
	.stat = faulty_stat,
	.list_xattrs = faulty_list_xattrs,
	.get_xattr = faulty_get_xattr,
	.read_link = faulty_read_link,
	.open_file = faulty_open_file,
	.pread = faulty_pread,
	.seek_data = faulty_seek_data,
	.encode = faulty_encode,
	.decode = faulty_decode,
	.measure_verity = faulty_measure_verity,
	.thread_start = faulty_thread_start,
	.thread_stop = faulty_thread_stop,
};

/* One check of the overlay. Does it say that anything is wrong? */
static bool complains(struct faulty *f, const struct ovl_config *config, unsigned threads)
{
	const struct ovl_check_options options = { .threads = threads };
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_report *report = NULL;
	struct ovl_stack *stack = NULL;
	const struct ovl_counts *counts;
	bool bad = true;
	int r;

	f->calls = 0;
	r = ovl_stack_open(config, &f->reader, &stack, &e);
	if (r == 0)
		r = ovl_check(stack, &options, &report, &e);
	if (r < 0 && !e.text)
		ovl_tool_die("an error without a text, after %s", f->failed);
	if (r == 0) {
		counts = ovl_report_counts(report);
		bad = counts->unreadable || counts->by_severity[OVL_SEV_WARNING] ||
		      counts->by_severity[OVL_SEV_ERROR];
	}
	ovl_report_free(report);
	ovl_stack_close(stack);
	ovl_error_done(&e);
	return bad;
}

static int tell_if_silent(struct faulty *f, bool complained, const char *how)
{
	int bad = f->failed && !complained;

	if (bad)
		printf("called clean: %s: %s\n", how, f->failed);
	free(f->failed);
	f->failed = NULL;
	return bad;
}

static int sweep(struct faulty *f, const struct ovl_config *config, int only, unsigned long step)
{
	unsigned long runs = 0, silent = 0;
	char *how;

	if (complains(f, config, 1))
		ovl_tool_die("the overlay has problems without any failure");
	for (f->fail_at = 1;; f->fail_at += step) {
		for (size_t i = 0; i < ARRAY_LEN(errnos); i++) {
			f->err = only ? only : errnos[i];
			how = ovl_tool_format("call %lu, %s", f->fail_at, strerrorname_np(f->err));
			bool complained = complains(f, config, 1);

			runs++;
			if (!f->failed) {
				free(how);
				printf("%lu runs, %lu calls, %lu silent\n", runs, f->calls, silent);
				return silent > 0;
			}
			silent += (unsigned long)tell_if_silent(f, complained, how);
			free(how);
			if (only)
				break;
		}
	}
}

static int play(struct faulty *f, const struct ovl_config *config, uint64_t seeds, unsigned threads)
{
	unsigned long silent = 0;
	char *how;

	for (uint64_t seed = 1; seed <= seeds; seed++) {
		f->rng = (struct ovl_rng){ seed };
		f->one_in = 1u << (2 + seed % 9);
		how = ovl_tool_format("seed %llu", (unsigned long long)seed);
		silent += (unsigned long)tell_if_silent(f, complains(f, config, threads), how);
		free(how);
	}
	printf("%llu runs, %lu silent\n", (unsigned long long)seeds, silent);
	return silent > 0;
}

int main(int argc, char **argv)
{
	struct faulty f = { .reader = { &faulty_ops }, .real = ovl_reader_linux() };
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_config config = { 0 };
	uint64_t seeds = 0, step = 1, only = 0, threads = 4;
	int opt, bad;

	while ((opt = getopt(argc, argv, "e:s:r:j:")) != -1) {
		if (opt == 'e')
			only = ovl_tool_number(optarg, 4095);
		else if (opt == 's')
			step = ovl_tool_number(optarg, 1000000);
		else if (opt == 'r')
			seeds = ovl_tool_number(optarg, 1000000);
		else if (opt == 'j')
			threads = ovl_tool_number(optarg, 64);
		else
			argc = 0;
	}
	if (argc - optind != 1 || step == 0) {
		fputs("usage: ovl-faults [-e ERRNO] [-s STEP] OPTIONS\n"
		      "       ovl-faults -r SEEDS [-j THREADS] OPTIONS\n",
		      stderr);
		return 99;
	}
	if (ovl_config_parse(&config, argv[optind], &e) < 0) {
		errno = 0;
		ovl_tool_die("%s", e.text);
	}
	pthread_mutex_init(&f.lock, NULL);
	if (seeds)
		bad = play(&f, &config, seeds, (unsigned)threads);
	else
		bad = sweep(&f, &config, (int)only, step);
	pthread_mutex_destroy(&f.lock);
	ovl_config_done(&config);
	return bad;
}
