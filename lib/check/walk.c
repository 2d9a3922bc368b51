/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walk one layer, directory by directory, with a few threads.
 *
 * An entry costs one xattr list and nothing else, unless it carries an overlay xattr or may be a
 * whiteout: then it is observed in full, its facts are collected and its checks are run. A plain
 * directory of the upper is looked up once, to know what it is merged with.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pool.h"
#include "check/engine.h"

#include "base/banned.h"

/** A directory that waits to be walked. */
struct walk_job {
	struct ovl_job job;
	struct ovl_scan_dir *dir;
};

/** What each thread keeps from one directory to the next. */
struct walk_thread {
	unsigned char *dirbuf;
	struct ovl_buf names; /* xattr list of the entry at hand */
	struct ovl_view_shared shared;
};

struct walk {
	struct ovl_run *run;
	const struct ovl_layer *layer;
	struct walk_thread *thread;
	bool count_names; /* there are plain index inodes whose names are counted here */
	bool want_names;  /* there are lower inodes whose names are collected here */
	bool stripped;    /* the layer seems to have lost its xattrs: look for hollow files */
};

/** One directory under work. */
struct walk_dir {
	struct walk *walk;
	struct walk_thread *thread;
	struct ovl_sink *sink;
	struct ovl_scan_dir *dir;
	int fd;
	struct ovl_job *first, *last; /* subdirectories found */
};

static int job_new(struct ovl_scan_dir *dir, struct walk_job **ret)
{
	struct walk_job *job = calloc(1, sizeof(*job));

	if (!job) {
		ovl_scan_unref(dir);
		return -ENOMEM;
	}
	job->dir = dir;
	*ret = job;
	return 0;
}

static void job_free(struct walk_job *job)
{
	ovl_scan_unref(job->dir);
	free(job);
}

static struct ovl_path *entry_path(const struct walk_dir *w, const struct ovl_dirent *d)
{
	return ovl_path_new(w->dir->dir->path, d->name, d->len);
}

/* A part of the layer stays unseen: there may be more names in it than are counted. */
static void note_missed(const struct walk *walk)
{
	if (walk->layer->role == OVL_ROLE_UPPER)
		ovl_facts_note_missed_upper(&walk->run->facts);
	else
		ovl_facts_note_missed(&walk->run->facts);
}

/* An entry could not be looked at: it vanished meanwhile, or something is wrong with it. */
static int entry_failed(struct walk_dir *w, const struct ovl_dirent *d, const char *what, int err)
{
	struct ovl_path *path = entry_path(w, d);
	struct ovl_loc loc = { w->walk->layer->number, path };
	int r = -ENOMEM;

	note_missed(w->walk);
	if (path)
		r = ovl_sink_unreadable(w->sink, loc, what, err);
	ovl_path_unref(path);
	return r;
}

/* A name of a lower inode that an origin leads to: remember where it is. */
static int note_wanted(struct walk_dir *w, const struct ovl_dirent *d)
{
	struct ovl_run *run = w->walk->run;
	struct ovl_reader *r = run->stack->reader;
	struct ovl_fact_name name = { .ino = d->ino };
	struct ovl_path *path;
	int err;

	if (!ovl_map_get(&run->facts.wanted, (struct ovl_key){ d->ino, 0 }))
		return 0;
	err = r->ops->stat(r, w->fd, d->name, &name.stat);
	if (err < 0)
		return entry_failed(w, d, "stat", err);
	path = entry_path(w, d);
	if (!path)
		return -ENOMEM;
	name.loc = (struct ovl_loc){ w->walk->layer->number, path };
	name.ino = name.stat.ino;
	err = ovl_facts_add_name(&run->facts, &name);
	ovl_path_unref(path);
	return err;
}

/* What every entry may have to do with facts, also a plain one. */
static int note_name(struct walk_dir *w, const struct ovl_dirent *d, bool plain)
{
	struct ovl_run *run = w->walk->run;

	if (w->walk->want_names)
		return note_wanted(w, d);
	if (plain && w->walk->count_names &&
	    ovl_map_get(&run->plain_index, (struct ovl_key){ d->ino, 0 }))
		return ovl_facts_count_name(&run->facts, d->ino, w->dir->dir->path, d->name,
					    d->len);
	return 0;
}

static int check_object(struct walk_dir *w, const struct ovl_view *v)
{
	int r = ovl_collect_object(w->walk->run, v, w->sink);

	return r < 0 ? r : ovl_run_object(w->walk->run, v, w->sink);
}

/* Makes the job for a subdirectory. @hit: its lookup, if it was made. */
static int add_subdir(struct walk_dir *w, struct ovl_path *path, const struct ovl_obs *obs,
		      const struct ovl_hit *hit, bool quiet, const struct ovl_dirent *d)
{
	struct walk_job *job;
	struct ovl_scan_dir *child;
	struct ovl_dir *dir;
	int r = ovl_dir_child(w->dir->dir, path, &dir);

	if (r < 0)
		return r == -ENOMEM ? r : entry_failed(w, d, "open directory", r);
	child = ovl_scan_new(w->dir, dir);
	if (!child)
		return -ENOMEM;
	ovl_scan_note(child, obs);
	child->quiet |= quiet;
	if (hit) {
		r = ovl_scan_set_entry(child, hit);
		if (hit->n_lower > 0)
			child->below_opaque = false; /* a redirect merges something in again */
	}
	if (r < 0) {
		ovl_scan_unref(child);
		return r;
	}
	r = job_new(child, &job);
	if (r < 0)
		return r;
	if (w->last)
		w->last->next = &job->job;
	else
		w->first = &job->job;
	w->last = &job->job;
	w->sink->counts.dirs++;
	return 0;
}

static bool is_layer_root(const struct walk_dir *w, const struct ovl_dirent *d)
{
	const struct ovl_stack *stack = w->walk->run->stack;

	return ovl_map_get(&stack->traps,
			   (struct ovl_key){ w->walk->layer->root.stat.dev, d->ino }) != NULL;
}

/* A subdirectory: look it up in the upper, check it, and queue it. */
static int visit_dir(struct walk_dir *w, const struct ovl_dirent *d, struct ovl_view *v)
{
	struct ovl_stack *stack = w->walk->run->stack;
	const struct ovl_hit *hit = NULL;
	struct ovl_loc storage = { OVL_LAYER_NONE, NULL };
	struct ovl_path *path;
	int r = 0, quiet;

	if (is_layer_root(w, d)) {
		if (v->role == OVL_ROLE_UPPER)
			ovl_facts_note_missed_upper(&w->walk->run->facts);
		return 0; /* another layer: it is walked as such; the layout checks report it */
	}
	if (v->role == OVL_ROLE_UPPER)
		r = ovl_view_below(v, &hit);
	if (r == -ENOMEM)
		return r;
	/* Layers agree on most paths: take the node that lookup made, and they share it. */
	path = hit && hit->has_upper ? ovl_path_ref(hit->upper.path) : ovl_path_ref(v->loc.path);
	v->loc.path = path;
	if (v->role == OVL_ROLE_UPPER && w->walk->run->facts.index_dir.n > 0)
		ovl_facts_saw_dir(&w->walk->run->facts, d->ino, path);
	quiet = ovl_storage_find(stack->reader, w->dir, w->fd, v->name, v->obs,
				 hit && hit->n_lower > 0, &storage);
	r = quiet < 0 ? quiet : 0;
	if (quiet > 0 && !w->dir->quiet)
		r = ovl_sink_add(w->sink, OVL_P_LAYER_NESTED_STORAGE, storage,
				 "layers of another overlay", "");
	ovl_path_unref((struct ovl_path *)storage.path);
	if (r == 0 && !quiet && !w->dir->quiet)
		r = check_object(w, v);
	if (r == 0)
		r = add_subdir(w, path, v->obs, hit, quiet > 0, d);
	ovl_path_unref(path);
	return r;
}

static bool is_foreign_name(const struct ovl_dirent *d)
{
	return d->len > 4 && memcmp(d->name, ".wh.", 4) == 0;
}

/* Observes an entry in full, unless it is a plain directory, of which nothing more is to be known. */
static int observe(struct walk_dir *w, const struct ovl_dirent *d, bool marked,
		   struct ovl_obs *ret, bool *ret_has_stat)
{
	struct ovl_stack *stack = w->walk->run->stack;

	*ret_has_stat = marked || d->type != OVL_DT_DIR;
	if (!*ret_has_stat) {
		*ret = (struct ovl_obs){ .kind = OVL_KIND_DIR };
		ret->names = ovl_buf_bytes(&w->thread->names);
		return 0;
	}
	return ovl_reader_observe(stack->reader, w->fd, d->name, stack->config.userxattr,
				  &w->thread->shared.scratch, ret);
}

/* Types of which no xattrs means nothing to see; a character device may be a whiteout. */
static bool is_settled(enum ovl_dtype type)
{
	return type == OVL_DT_REG || type == OVL_DT_LNK || type == OVL_DT_OTHER;
}

/*
 * A layer that was copied without its xattrs has lost the marks of its metacopy files: what is left
 * are files full of nothing. Such a file is looked at although no xattr makes it interesting.
 */
static int may_be_hollow(struct walk_dir *w, const struct ovl_dirent *d)
{
	struct ovl_reader *reader = w->walk->run->stack->reader;
	struct ovl_entry *e;
	struct ovl_stat st;
	int r;

	if (!w->walk->stripped || d->type != OVL_DT_REG)
		return 0;
	r = ovl_scan_entry(w->dir, &e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (e->n_lower == 0)
		return 0;
	r = reader->ops->stat(reader, w->fd, d->name, &st);
	if (r < 0)
		return entry_failed(w, d, "stat", r);
	return st.size > 0 && st.blocks == 0;
}

static int visit(struct walk_dir *w, const struct ovl_dirent *d)
{
	struct ovl_reader *reader = w->walk->run->stack->reader;
	struct ovl_obs obs;
	struct ovl_view v = { .stack = w->walk->run->stack,
			      .facts = &w->walk->run->facts,
			      .loc = { w->walk->layer->number, NULL },
			      .role = w->walk->layer->role,
			      .obs = &obs,
			      .dir = w->dir,
			      .dirfd = w->fd,
			      .name = d->name,
			      .shared = &w->thread->shared };
	int marked = ovl_reader_glance(reader, w->fd, d->name, &w->thread->names), r;
	bool plain;

	w->sink->counts.objects++;
	/* Without its xattrs nothing about an object is known: not even what is merged below it. */
	if (marked < 0)
		return entry_failed(w, d, "list xattrs", marked);
	plain = marked == 0 && !is_foreign_name(d);
	if (d->type == OVL_DT_DIR && w->walk->want_names) {
		r = note_wanted(w, d);
		if (r < 0)
			return r;
	}
	if (d->type != OVL_DT_DIR) {
		r = note_name(w, d, plain);
		if (r == 0 && plain && is_settled(d->type)) {
			r = may_be_hollow(w, d);
			if (r == 0)
				return 0;
		}
		if (r < 0)
			return r;
	}
	r = observe(w, d, marked != 0, &obs, &v.has_stat);
	if (r < 0)
		return entry_failed(w, d, "read", r);
	v.loc.path = entry_path(w, d);
	if (!v.loc.path)
		return -ENOMEM;
	if (obs.kind == OVL_KIND_DIR) {
		struct ovl_path *path = (struct ovl_path *)v.loc.path;

		r = visit_dir(w, d, &v);
		ovl_path_unref(path);
	} else {
		r = w->dir->quiet ? ovl_collect_name(w->walk->run, &v) : check_object(w, &v);
		ovl_path_unref((struct ovl_path *)v.loc.path);
	}
	ovl_view_forget(&w->thread->shared);
	return r;
}

/* The directory itself: its layer's root is checked as an object, an upper one when it is done. */
static int check_dir_end(struct walk_dir *w)
{
	struct walk *walk = w->walk;
	struct ovl_obs obs = { .kind = OVL_KIND_DIR };
	struct ovl_view v = { .stack = walk->run->stack,
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

static int read_entries(struct walk_dir *w)
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
		r = visit(w, &d);
		if (r < 0)
			return r;
	}
	if (r == 0)
		return 0;
	note_missed(w->walk);
	return ovl_sink_unreadable(w->sink, loc, "read directory", r);
}

static int run_job(struct ovl_pool *pool, struct ovl_job *job, unsigned thread, void *ctx)
{
	struct walk_job *wj = (struct walk_job *)job;
	struct walk *walk = ctx;
	struct ovl_run *run = walk->run;
	struct ovl_reader *reader = run->stack->reader;
	struct walk_dir w = { .walk = walk,
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
		note_missed(walk);
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
	job_free(wj);
	return r < 0 ? r : w.sink->error;
}

static void drop_job(struct ovl_job *job, void *ctx)
{
	(void)ctx;
	job_free((struct walk_job *)job);
}

static int thread_start(unsigned thread, void *ctx)
{
	struct walk *walk = ctx;
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
	struct walk *walk = ctx;
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
static int start_at_root(struct walk *walk, struct walk_job **ret)
{
	struct ovl_run *run = walk->run;
	struct ovl_stack *stack = run->stack;
	struct ovl_view_shared shared = { 0 };
	struct ovl_obs obs;
	struct ovl_view v = { .stack = stack,
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
	r = ovl_reader_observe(stack->reader, v.dirfd, "", stack->config.userxattr,
			       &shared.scratch, &obs);
	if (r < 0) {
		note_missed(walk);
		r = ovl_sink_unreadable(&run->sink[0], v.loc, "read", r);
		goto out;
	}
	walk->stripped = walk->layer->role == OVL_ROLE_UPPER && obs.xmask == 0 && was_mounted(stack);
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
		r = job_new(root, ret);
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
	struct walk walk = { .run = run, .layer = ovl_stack_layer(run->stack, layer) };
	struct walk_job *first;
	int r;

	walk.count_names = layer == OVL_LAYER_UPPER && run->plain_index.n > 0;
	walk.want_names = layer != OVL_LAYER_UPPER && run->facts.wanted.n > 0;
	walk.thread = calloc(run->threads, sizeof(*walk.thread));
	if (!walk.thread)
		return -ENOMEM;
	r = start_at_root(&walk, &first);
	if (r == 0 && first) {
		run->dirs_known++;
		r = ovl_pool_run(run->threads, &ops, &walk, &first->job);
	}
	free(walk.thread);
	return r;
}
