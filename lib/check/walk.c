/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walk one layer, directory by directory, with a few threads. visit.c looks at the entries.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/walk.h"

#include "base/banned.h"

int ovl_walk_job_new(struct ovl_scan_dir *dir, struct ovl_walk_job **ret)
{
	struct ovl_walk_job *job = calloc(1, sizeof(*job));

	if (!job) {
		ovl_scan_unref(dir);
		return -ENOMEM;
	}
	job->dir = dir;
	*ret = job;
	return 0;
}

void ovl_walk_job_free(struct ovl_walk_job *job)
{
	ovl_scan_unref(job->dir);
	free(job);
}

/* The directory itself: its layer's root is checked as an object, an upper one when it is done. */
static int check_dir_end(struct ovl_walk_dir *w)
{
	struct ovl_walk *walk = w->walk;
	struct ovl_obs obs = { .kind = OVL_KIND_DIR };
	struct ovl_view v = { .stack = walk->run->stack,
			      .profile = walk->run->options->profile,
			      .facts = &walk->run->facts,
			      .loc = { walk->layer->number, w->dir->dir->path },
			      .role = walk->layer->role,
			      .obs = &obs,
			      .dir = w->dir,
			      .dirfd = w->fd,
			      .name = "",
			      .shared = &w->thread->shared };
	int r;

	if (w->dir->quiet || walk->layer->role != OVL_ROLE_UPPER)
		return 0;
	r = ovl_collect_dir(walk->run, w->dir);
	if (r == 0)
		r = ovl_run_scope(walk->run, OVL_SCOPE_DIR, &v, w->sink);
	ovl_view_forget(&w->thread->shared);
	return r;
}

static int read_entries(struct ovl_walk_dir *w)
{
	struct ovl_reader *reader = w->walk->run->stack->reader;
	struct ovl_dirstream stream = { .buf = w->thread->dirbuf, .room = OVL_DIRBUF_SIZE };
	struct ovl_loc loc = { w->walk->layer->number, w->dir->dir->path };
	struct ovl_dirent d;
	unsigned n = 0;
	int r;

	while ((r = reader->ops->read_dir(reader, w->fd, &stream, &d)) > 0) {
		if ((++n & 1023) == 0 && ovl_run_cancelled(w->walk->run))
			return -ECANCELED;
		r = ovl_visit_entry(w, &d);
		if (r < 0)
			return r;
	}
	if (r == 0)
		return 0;
	ovl_visit_note_missed(w->walk);
	return ovl_sink_unreadable(w->sink, loc, "read directory", r);
}

static int run_job(struct ovl_pool *pool, struct ovl_job *job, unsigned thread, void *ctx)
{
	struct ovl_walk_job *wj = (struct ovl_walk_job *)job;
	struct ovl_walk *walk = ctx;
	struct ovl_run *run = walk->run;
	struct ovl_reader *reader = run->stack->reader;
	struct ovl_walk_dir w = { .walk = walk,
				  .thread = &walk->thread[thread],
				  .sink = &run->sink[thread],
				  .dir = wj->dir };
	int r = ovl_run_cancelled(run) ? -ECANCELED : ovl_dir_pin(w.dir->dir, &w.fd);

	if (r == 0) {
		if (reader->ops->enter)
			reader->ops->enter(reader, w.fd);
		r = read_entries(&w);
		if (r == 0)
			r = check_dir_end(&w);
		if (reader->ops->leave)
			reader->ops->leave(reader, w.fd);
		ovl_dir_unpin(w.dir->dir);
		if (walk->layer->role == OVL_ROLE_UPPER)
			ovl_scan_drop_entry(w.dir); /* each subdirectory was looked up above */
	} else if (r != -ECANCELED && r != -ENOMEM) {
		ovl_visit_note_missed(walk);
		r = ovl_sink_unreadable(w.sink,
					(struct ovl_loc){ walk->layer->number, w.dir->dir->path },
					"open directory", r);
	}
	for (struct ovl_job *j = w.first; j; j = j->next)
		__atomic_add_fetch(&run->dirs_known, 1, __ATOMIC_RELAXED);
	if (w.first)
		ovl_pool_add_list(pool, w.first, w.last);
	ovl_run_progress(run, OVL_PASS_WALK,
			 __atomic_add_fetch(&run->dirs_done, 1, __ATOMIC_RELAXED),
			 __atomic_load_n(&run->dirs_known, __ATOMIC_RELAXED));
	ovl_walk_job_free(wj);
	return r < 0 ? r : w.sink->error;
}

static void drop_job(struct ovl_job *job, void *ctx)
{
	(void)ctx;
	ovl_walk_job_free((struct ovl_walk_job *)job);
}

static int thread_start(unsigned thread, void *ctx)
{
	struct ovl_walk *walk = ctx;
	struct ovl_reader *reader = walk->run->stack->reader;
	_cleanup_free_ unsigned char *dirbuf = malloc(OVL_DIRBUF_SIZE);
	int r;

	if (!dirbuf)
		return -ENOMEM;
	r = reader->ops->thread_start ? reader->ops->thread_start(reader) : 0;
	if (r == 0)
		walk->thread[thread].dirbuf = TAKE_PTR(dirbuf);
	return r;
}

static void thread_stop(unsigned thread, void *ctx)
{
	struct ovl_walk *walk = ctx;
	struct ovl_reader *reader = walk->run->stack->reader;

	if (reader->ops->thread_stop)
		reader->ops->thread_stop(reader);
	free(walk->thread[thread].dirbuf);
	ovl_buf_done(&walk->thread[thread].names);
	ovl_view_shared_done(&walk->thread[thread].shared);
}

/* The kernel makes work/ in the work base at the first mount, and never removes it. */
static bool was_mounted(struct ovl_stack *stack)
{
	struct ovl_stat st;

	return stack->work.root.fd >= 0 &&
	       stack->reader->ops->stat(stack->reader, stack->work.root.fd, "work", &st) == 0;
}

/* The root of a layer is an object too. */
static int start_at_root(struct ovl_walk *walk, struct ovl_walk_job **ret)
{
	struct ovl_run *run = walk->run;
	struct ovl_stack *stack = run->stack;
	struct ovl_view_shared shared = { 0 };
	struct ovl_obs obs;
	struct ovl_view v = { .stack = stack,
			      .profile = run->options->profile,
			      .facts = &run->facts,
			      .loc = { walk->layer->number, NULL },
			      .role = walk->layer->role,
			      .obs = &obs,
			      .has_stat = true,
			      .dirfd = walk->layer->root.fd,
			      .name = "",
			      .shared = &shared };
	struct ovl_scan_dir *root;
	int r;

	*ret = NULL;
	r = ovl_reader_observe(stack->reader, v.dirfd, "", stack->config.userxattr, &shared.scratch,
			       &obs);
	if (r < 0) {
		ovl_visit_note_missed(walk);
		r = ovl_sink_unreadable(&run->sink[0], v.loc, "read", r);
		goto out;
	}
	walk->stripped = walk->layer->role == OVL_ROLE_UPPER && obs.xmask == 0 &&
			 was_mounted(stack);
	root = ovl_scan_new(NULL, ovl_dir_ref(stack->root_dir[walk->layer->number]));
	if (!root) {
		r = -ENOMEM;
		goto out;
	}
	ovl_scan_note(root, &obs);
	r = ovl_run_object(run, &v, &run->sink[0]);
	if (r < 0)
		ovl_scan_unref(root);
	else
		r = ovl_walk_job_new(root, ret);
out:
	ovl_view_shared_done(&shared);
	return r;
}

int ovl_walk_layer(struct ovl_run *run, int layer)
{
	static const struct ovl_pool_ops ops = { .run = run_job,
						 .drop = drop_job,
						 .thread_start = thread_start,
						 .thread_stop = thread_stop };
	struct ovl_walk walk = { .run = run, .layer = ovl_stack_layer(run->stack, layer) };
	struct ovl_walk_job *first;
	int r;

	walk.count_names = layer == OVL_LAYER_UPPER && run->plain_index.n > 0;
	walk.want_names = layer != OVL_LAYER_UPPER && run->facts.wanted.n > 0;
	walk.thread = calloc(run->threads, sizeof(*walk.thread));
	if (!walk.thread)
		return -ENOMEM;
	r = start_at_root(&walk, &first);
	if (r == 0 && first && run->options->quick) {
		ovl_walk_job_free(first); /* the root is all that is looked at */
	} else if (r == 0 && first) {
		run->dirs_known++;
		r = ovl_pool_run(run->threads, &ops, &walk, &first->job);
	}
	free(walk.thread);
	return r;
}
