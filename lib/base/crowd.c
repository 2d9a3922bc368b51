/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A crowd is a pool whose jobs are numbers.
 */
#include "base/crowd.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/pool.h"

#include "base/banned.h"

struct crowd {
	struct ovl_job *job; /* of each number */
	int (*one)(void *ctx, size_t i);
	void *ctx;
};

static int run(struct ovl_pool *pool, struct ovl_job *job, unsigned thread, void *ctx)
{
	const struct crowd *c = ctx;

	(void)pool;
	(void)thread;
	return c->one(c->ctx, (size_t)(job - c->job));
}

static void drop(struct ovl_job *job, void *ctx)
{
	(void)job; /* they are freed together */
	(void)ctx;
}

int ovl_crowd(unsigned threads, size_t n, int (*one)(void *ctx, size_t i), void *ctx)
{
	static const struct ovl_pool_ops ops = { .run = run, .drop = drop };
	_cleanup_free_ struct ovl_job *job = NULL;
	struct crowd c = { .one = one, .ctx = ctx };
	int r = 0;

	if (threads > n)
		threads = (unsigned)n;
	if (threads <= 1) {
		for (size_t i = 0; r == 0 && i < n; i++)
			r = one(ctx, i);
		return r;
	}
	job = calloc(n, sizeof(*job));
	if (!job)
		return -ENOMEM;
	for (size_t i = 0; i + 1 < n; i++)
		job[i].next = &job[i + 1];
	c.job = job;
	return ovl_pool_run(threads, &ops, &c, job);
}
