/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pool.h"
#include "unit/oom.h"
#include "unit/unit.h"

enum { THREADS_MAX = 16 };

/* What the jobs of a test share. Counters are changed atomically: many threads do it. */
struct world {
	unsigned long made, ran, dropped;
	unsigned started[THREADS_MAX], stopped[THREADS_MAX];
	unsigned long ran_in[THREADS_MAX];
	pthread_t caller;
	unsigned fail_start;   /* the thread whose thread_start() fails, plus 1 */
	unsigned long fail_at; /* the job with this number fails */
	unsigned depth, width; /* of the tree of jobs */
	unsigned order[64];    /* tags in the order in which they ran */
	unsigned n_order;
};

struct tree_job {
	struct ovl_job job; /* first, so that one is the other */
	unsigned level;
	unsigned tag;
};

static struct tree_job *job_new(struct world *w, unsigned level, unsigned tag)
{
	struct tree_job *j = calloc(1, sizeof(*j));

	ck_assert_ptr_nonnull(j);
	j->level = level;
	j->tag = tag;
	__atomic_add_fetch(&w->made, 1, __ATOMIC_RELAXED);
	return j;
}

static int start(unsigned thread, void *ctx)
{
	struct world *w = ctx;

	ck_assert_uint_lt(thread, THREADS_MAX);
	w->started[thread]++;
	return w->fail_start == thread + 1 ? -EPERM : 0;
}

static void stop(unsigned thread, void *ctx)
{
	struct world *w = ctx;

	ck_assert_uint_eq(w->started[thread], 1);
	w->stopped[thread]++;
}

static void drop(struct ovl_job *job, void *ctx)
{
	struct world *w = ctx;

	w->dropped++;
	free(job);
}

/* A tree: each job adds @width jobs, down to @depth; by turns as a list and one by one. */
static int run_tree(struct ovl_pool *pool, struct ovl_job *job, unsigned thread, void *ctx)
{
	struct tree_job *j = (struct tree_job *)job, *first = NULL, *last = NULL, *next;
	struct world *w = ctx;
	unsigned level = j->level, i;
	unsigned long ran;

	free(j);
	w->ran_in[thread]++;
	ran = __atomic_add_fetch(&w->ran, 1, __ATOMIC_RELAXED);
	if (w->fail_at && ran == w->fail_at)
		return -EIO;
	if (level == w->depth)
		return 0;
	for (i = 0; i < w->width; i++) {
		next = job_new(w, level + 1, 0);
		if (level % 2) {
			ovl_pool_add(pool, &next->job);
			continue;
		}
		next->job.next = first ? &first->job : NULL;
		first = next;
		if (!last)
			last = next;
	}
	if (first)
		ovl_pool_add_list(pool, &first->job, &last->job);
	return 0;
}

static const struct ovl_pool_ops tree_ops = { run_tree, drop, start, stop };

static const unsigned thread_counts[] = { 1, 2, 3, 8, THREADS_MAX };

static void check_threads(const struct world *w, unsigned threads)
{
	unsigned i;

	for (i = 0; i < THREADS_MAX; i++) {
		ck_assert_uint_eq(w->started[i], i < threads);
		ck_assert_uint_eq(w->stopped[i], i < threads && w->fail_start != i + 1);
	}
}

START_TEST(test_pool_tree)
{
	unsigned threads = thread_counts[_i], i;
	struct world w = { .depth = 6, .width = 5 };
	unsigned long sum = 0;

	ck_assert_int_eq(ovl_pool_run(threads, &tree_ops, &w, &job_new(&w, 0, 0)->job), 0);
	ck_assert_uint_eq(w.made, (5UL * 5 * 5 * 5 * 5 * 5 * 5 - 1) / 4);
	ck_assert_uint_eq(w.ran, w.made);
	ck_assert_uint_eq(w.dropped, 0);
	for (i = 0; i < THREADS_MAX; i++)
		sum += w.ran_in[i];
	ck_assert_uint_eq(sum, w.made);
	check_threads(&w, threads);
}
END_TEST

START_TEST(test_pool_nothing)
{
	struct world w = { 0 };

	ck_assert_int_eq(ovl_pool_run(thread_counts[_i], &tree_ops, &w, NULL), 0);
	ck_assert_uint_eq(w.ran, 0);
	check_threads(&w, thread_counts[_i]);
}
END_TEST

/* The first error stops the pool; every job has been run or dropped, none both, none neither. */
START_TEST(test_pool_error)
{
	unsigned threads = thread_counts[_i];
	struct world w = { .depth = 6, .width = 5, .fail_at = 100 };

	ck_assert_int_eq(ovl_pool_run(threads, &tree_ops, &w, &job_new(&w, 0, 0)->job), -EIO);
	ck_assert_uint_eq(w.ran + w.dropped, w.made);
	ck_assert_uint_gt(w.dropped, 0);
	ck_assert_uint_lt(w.ran, 100 + threads);
	check_threads(&w, threads);
}
END_TEST

START_TEST(test_pool_error_first_job)
{
	struct world w = { .fail_at = 1 };
	struct tree_job *a = job_new(&w, 0, 0), *b = job_new(&w, 0, 0);

	a->job.next = &b->job;
	ck_assert_int_eq(ovl_pool_run(1, &tree_ops, &w, &a->job), -EIO);
	ck_assert_uint_eq(w.ran, 1);
	ck_assert_uint_eq(w.dropped, 1);
}
END_TEST

START_TEST(test_pool_start_fails)
{
	unsigned threads = thread_counts[_i];
	struct world w = { .depth = 4, .width = 4, .fail_start = threads };

	ck_assert_int_eq(ovl_pool_run(threads, &tree_ops, &w, &job_new(&w, 0, 0)->job), -EPERM);
	ck_assert_uint_eq(w.ran + w.dropped, w.made);
	check_threads(&w, threads);
}
END_TEST

START_TEST(test_pool_no_thread_functions)
{
	static const struct ovl_pool_ops ops = { run_tree, drop, NULL, NULL };
	struct world w = { .depth = 3, .width = 3 };

	ck_assert_int_eq(ovl_pool_run(4, &ops, &w, &job_new(&w, 0, 0)->job), 0);
	ck_assert_uint_eq(w.ran, 40);
}
END_TEST

static int run_ordered(struct ovl_pool *pool, struct ovl_job *job, unsigned thread, void *ctx)
{
	struct tree_job *j = (struct tree_job *)job, *a, *b, *c;
	struct world *w = ctx;
	unsigned tag = j->tag;

	ck_assert_uint_eq(thread, 0);
	ck_assert(pthread_equal(pthread_self(), w->caller));
	w->order[w->n_order++] = tag;
	free(j);
	if (tag == 1) {
		a = job_new(w, 0, 11);
		b = job_new(w, 0, 12);
		c = job_new(w, 0, 13);
		a->job.next = &b->job;
		b->job.next = &c->job;
		ovl_pool_add_list(pool, &a->job, &c->job);
	} else if (tag == 12) {
		ovl_pool_add(pool, &job_new(w, 0, 121)->job);
		ovl_pool_add(pool, &job_new(w, 0, 122)->job);
	}
	return 0;
}

/* Last in, first out; a list from its first on; in the caller's own thread. */
START_TEST(test_pool_order)
{
	static const struct ovl_pool_ops ops = { run_ordered, drop, start, stop };
	static const unsigned expected[] = { 1, 11, 12, 122, 121, 13, 2 };
	struct world w = { .caller = pthread_self() };
	struct tree_job *first = job_new(&w, 0, 1), *second = job_new(&w, 0, 2);

	first->job.next = &second->job;
	ck_assert_int_eq(ovl_pool_run(1, &ops, &w, &first->job), 0);
	ck_assert_uint_eq(w.n_order, ARRAY_LEN(expected));
	ck_assert_mem_eq(w.order, expected, sizeof(expected));
}
END_TEST

static int run_meeting(struct ovl_pool *pool, struct ovl_job *job, unsigned thread, void *ctx)
{
	struct world *w = ctx;

	(void)pool;
	(void)thread;
	free(job);
	/* Nobody leaves before all are here: this needs as many threads as jobs. */
	__atomic_add_fetch(&w->ran, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&w->ran, __ATOMIC_SEQ_CST) < w->width)
		sched_yield();
	return 0;
}

START_TEST(test_pool_in_parallel)
{
	static const struct ovl_pool_ops ops = { run_meeting, drop, start, stop };
	struct world w = { .width = 6 };
	struct tree_job *first = NULL, *j;
	unsigned i;

	for (i = 0; i < w.width; i++) {
		j = job_new(&w, 0, 0);
		j->job.next = first ? &first->job : NULL;
		first = j;
	}
	ck_assert_int_eq(ovl_pool_run(w.width, &ops, &w, &first->job), 0);
	ck_assert_uint_eq(w.ran, w.width);
}
END_TEST

/* One job adds one job and so on: all threads but one sleep most of the time, and must wake. */
START_TEST(test_pool_chain)
{
	struct world w = { .depth = 20000, .width = 1 };

	ck_assert_int_eq(ovl_pool_run(4, &tree_ops, &w, &job_new(&w, 0, 0)->job), 0);
	ck_assert_uint_eq(w.ran, 20001);
}
END_TEST

START_TEST(test_pool_again_and_again)
{
	int i;

	for (i = 0; i < 500; i++) {
		struct world w = { .depth = 2, .width = 3 };

		ck_assert_int_eq(ovl_pool_run(3, &tree_ops, &w, &job_new(&w, 0, 0)->job), 0);
		ck_assert_uint_eq(w.ran, 13);
	}
}
END_TEST

static int run_signals(struct ovl_pool *pool, struct ovl_job *job, unsigned thread, void *ctx)
{
	struct world *w = ctx;
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	w->order[thread] = (unsigned)sigismember(&set, SIGINT) + 1;
	return run_meeting(pool, job, thread, ctx);
}

START_TEST(test_pool_signals)
{
	static const struct ovl_pool_ops ops = { run_signals, drop, start, stop };
	struct world w = { .width = 2 };
	struct tree_job *a = job_new(&w, 0, 0), *b = job_new(&w, 0, 0);
	sigset_t before, after;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	a->job.next = &b->job;
	ck_assert_int_eq(ovl_pool_run(2, &ops, &w, &a->job), 0);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	ck_assert_uint_eq(w.order[0], (unsigned)sigismember(&before, SIGINT) + 1);
	ck_assert_uint_eq(w.order[1], 2); /* blocked */
	ck_assert_int_eq(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
}
END_TEST

#if OVL_OOM
START_TEST(test_pool_oom)
{
	struct world w = { .depth = 3, .width = 3 };
	struct tree_job *first = job_new(&w, 0, 0);
	int r;

	ovl_oom_arm(1);
	r = ovl_pool_run(4, &tree_ops, &w, &first->job);
	ck_assert(ovl_oom_disarm());
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert_uint_eq(w.ran, 0);
	ck_assert_uint_eq(w.dropped, 1);
}
END_TEST
#endif

int main(void)
{
	Suite *s = suite_create("base/pool");
	TCase *t = tcase_create("pool");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_pool_tree, 0, ARRAY_LEN(thread_counts));
	tcase_add_loop_test(t, test_pool_nothing, 0, ARRAY_LEN(thread_counts));
	tcase_add_loop_test(t, test_pool_error, 0, ARRAY_LEN(thread_counts));
	tcase_add_test(t, test_pool_error_first_job);
	tcase_add_loop_test(t, test_pool_start_fails, 0, ARRAY_LEN(thread_counts));
	tcase_add_test(t, test_pool_no_thread_functions);
	tcase_add_test(t, test_pool_order);
	tcase_add_test(t, test_pool_in_parallel);
	tcase_add_test(t, test_pool_chain);
	tcase_add_test(t, test_pool_again_and_again);
	tcase_add_test(t, test_pool_signals);
#if OVL_OOM
	if (ovl_oom_works())
		tcase_add_test(t, test_pool_oom);
#endif
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
