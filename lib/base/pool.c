/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A few threads that work off a stack of jobs. See pool.h.
 *
 * One mutex guards all of struct ovl_pool. A thread sleeps only while the stack is empty and some
 * other thread still runs a job, which might add more. Three things wake sleepers: new jobs, an
 * error, and the end of the last job.
 */
#include "base/pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/cleanup.h"

#include "base/banned.h"

struct ovl_pool {
	const struct ovl_pool_ops *ops;
	void *ctx;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct ovl_job *top; /* of the stack */
	unsigned running;    /* jobs being run */
	unsigned sleeping;   /* threads in pthread_cond_wait() */
	int error;           /* the first; stops the pool */
};

struct worker {
	struct ovl_pool *pool;
	pthread_t thread;
	unsigned number;
};

static void fail_locked(struct ovl_pool *pool, int error)
{
	if (pool->error == 0)
		pool->error = error;
	if (pool->sleeping)
		pthread_cond_broadcast(&pool->wake);
}

static void fail(struct ovl_pool *pool, int error)
{
	pthread_mutex_lock(&pool->lock);
	fail_locked(pool, error);
	pthread_mutex_unlock(&pool->lock);
}

/* The next job, or NULL when the pool is done or stopped. Called with the lock held. */
static struct ovl_job *next_locked(struct ovl_pool *pool)
{
	struct ovl_job *job;

	while (!pool->top && pool->running > 0 && pool->error == 0) {
		pool->sleeping++;
		pthread_cond_wait(&pool->wake, &pool->lock);
		pool->sleeping--;
	}
	if (pool->error != 0 || !pool->top)
		return NULL;
	job = pool->top;
	pool->top = job->next;
	job->next = NULL;
	return job;
}

static void work(struct ovl_pool *pool, unsigned number)
{
	struct ovl_job *job;
	int r;

	if (pool->ops->thread_start) {
		r = pool->ops->thread_start(number, pool->ctx);
		if (r < 0) {
			fail(pool, r);
			return;
		}
	}

	pthread_mutex_lock(&pool->lock);
	while ((job = next_locked(pool))) {
		pool->running++;
		pthread_mutex_unlock(&pool->lock);
		r = pool->ops->run(pool, job, number, pool->ctx);
		pthread_mutex_lock(&pool->lock);
		pool->running--;
		if (r < 0)
			fail_locked(pool, r);
		else if (pool->running == 0 && !pool->top && pool->sleeping)
			pthread_cond_broadcast(&pool->wake);
	}
	pthread_mutex_unlock(&pool->lock);

	if (pool->ops->thread_stop)
		pool->ops->thread_stop(number, pool->ctx);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	work(w->pool, w->number);
	return NULL;
}

/*
 * Starts the threads beside the caller's. One that cannot be made is done without: the work takes
 * longer, that is all. Returns how many there are.
 */
static unsigned start_workers(struct ovl_pool *pool, struct worker *w, unsigned n)
{
	sigset_t all, old;
	unsigned i;

	/* Signals are for the thread that called us; the others must not take them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (i = 0; i < n; i++) {
		w[i].pool = pool;
		w[i].number = i + 1;
		if (pthread_create(&w[i].thread, NULL, worker_main, &w[i]) != 0)
			break;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return i;
}

static void drop_all(const struct ovl_pool_ops *ops, void *ctx, struct ovl_job *job)
{
	struct ovl_job *next;

	for (; job; job = next) {
		next = job->next;
		ops->drop(job, ctx);
	}
}

int ovl_pool_run(unsigned threads, const struct ovl_pool_ops *ops, void *ctx, struct ovl_job *first)
{
	_cleanup_free_ struct worker *workers = NULL;
	struct ovl_pool pool = {
		.ops = ops,
		.ctx = ctx,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.wake = PTHREAD_COND_INITIALIZER,
		.top = first,
	};
	unsigned others = 0, i;

	assert(threads >= 1);
	if (threads > 1) {
		workers = calloc(threads - 1, sizeof(*workers));
		if (!workers) {
			drop_all(ops, ctx, first);
			return -ENOMEM;
		}
		others = start_workers(&pool, workers, threads - 1);
	}
	work(&pool, 0);
	for (i = 0; i < others; i++)
		pthread_join(workers[i].thread, NULL);

	drop_all(ops, ctx, pool.top);
	pthread_cond_destroy(&pool.wake);
	pthread_mutex_destroy(&pool.lock);
	return pool.error;
}

void ovl_pool_add(struct ovl_pool *pool, struct ovl_job *job)
{
	ovl_pool_add_list(pool, job, job);
}

void ovl_pool_add_list(struct ovl_pool *pool, struct ovl_job *first, struct ovl_job *last)
{
	pthread_mutex_lock(&pool->lock);
	last->next = pool->top;
	pool->top = first;
	if (pool->sleeping > 0) {
		if (first == last)
			pthread_cond_signal(&pool->wake);
		else
			pthread_cond_broadcast(&pool->wake);
	}
	pthread_mutex_unlock(&pool->lock);
}
