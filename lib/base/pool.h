/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A few threads that work off a stack of jobs; jobs may add jobs.
 *
 * Last in, first out: for a tree walk this is depth first, which keeps the number of waiting
 * directories near depth times width instead of the width of the whole tree.
 */
#ifndef OVL_BASE_POOL_H
#define OVL_BASE_POOL_H

#include <stdbool.h>

/** Embed it in what the job needs. */
struct ovl_job {
	struct ovl_job *next;
};

struct ovl_pool;

struct ovl_pool_ops {
	/** Do one job; it is freed by this function. A negative errno stops the pool. */
	int (*run)(struct ovl_pool *pool, struct ovl_job *job, unsigned thread, void *ctx);
	/** Free a job that will not be run, because the pool was stopped. */
	void (*drop)(struct ovl_job *job, void *ctx);
	/** Called in each thread before its first and after its last job; may be NULL. */
	int (*thread_start)(unsigned thread, void *ctx);
	void (*thread_stop)(unsigned thread, void *ctx);
};

/**
 * ovl_pool_run - run jobs until none is left
 * @threads: number of threads, at least 1. The caller's is one of them, number 0; with 1 everything
 *           runs there. Threads that cannot be made are done without. The others block all signals.
 * @first: jobs to begin with, linked; taken, also on failure
 *
 * Returns 0, or the first negative errno that a job or thread_start() returned, or -ENOMEM. Where
 * thread_start() failed, thread_stop() is not called.
 */
int ovl_pool_run(unsigned threads, const struct ovl_pool_ops *ops, void *ctx,
		 struct ovl_job *first);

/** ovl_pool_add - add one job, from inside run(); takes it */
void ovl_pool_add(struct ovl_pool *pool, struct ovl_job *job);

/** ovl_pool_add_list - add linked jobs, the first of them to be run first; takes them */
void ovl_pool_add_list(struct ovl_pool *pool, struct ovl_job *first, struct ovl_job *last);

#endif
