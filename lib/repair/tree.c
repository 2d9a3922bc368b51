/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trees. See tree.h.
 *
 * A job reads the names of a directory and makes jobs of some names each; such a job looks each name up,
 * copies what is a file, and makes a directory for what is one, whose names are the next job.
 */
#include "repair/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "io/beneath.h"
#include "repair/tree_state.h"

#include "base/banned.h"

enum { NAMES = 4096 }; /* bytes of names that make a job */

/** Names of a directory: all of them, as it has them itself, or some that were read. */
struct work {
	struct ovl_job job;
	struct ovl_tree_dir *dir; /* counted */
	struct ovl_buf names;     /* each with its NUL; empty: read them */
};

static struct ovl_job *work_new(struct ovl_tree_dir *dir, struct ovl_buf *names)
{
	struct work *work = calloc(1, sizeof(*work));

	if (!work)
		return NULL;
	work->dir = ovl_tree_dir_ref(dir);
	if (names) {
		work->names = *names;
		*names = (struct ovl_buf){ 0 };
	}
	return &work->job;
}

/* @r: how it went; 0 or the first that went wrong */
static int work_end(struct work *work, int r)
{
	int end;

	if (r < 0)
		__atomic_store_n(&work->dir->tree->failed, true, __ATOMIC_RELAXED);
	end = ovl_tree_dir_end(work->dir);
	ovl_buf_done(&work->names);
	free(work);
	return r < 0 ? r : end;
}

static int tell(struct ovl_tree *tree, struct ovl_tree_dir *dir, const char *name, const char *why,
		int r)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int err = 0;

	if (dir->path)
		err = ovl_path_add_escaped(&b, dir->path);
	if (err == 0)
		err = ovl_buf_addc(&b, '/');
	if (err == 0)
		err = ovl_buf_add_escaped(&b, name, strlen(name));
	if (err == 0)
		err = ovl_buf_addf(&b, " %s", why);
	pthread_mutex_lock(&tree->lock);
	if (err == 0 && !tree->trees->why)
		tree->trees->why = ovl_buf_take(&b);
	pthread_mutex_unlock(&tree->lock);
	return r;
}

/* ---- Files ---- */

/** Where a file that is shown comes from. */
struct origin {
	struct ovl_loc loc; /* of the object; borrowed */
	uint64_t ino;
	const struct ovl_found *data; /* its content, if that is elsewhere; borrowed */
};

static int open_content(struct ovl_tree_dir *dir, const struct origin *from, struct ovl_copy *c)
{
	struct ovl_dir *in;
	int fd, r;

	if (!from->data)
		return ovl_copy_open(c);
	r = ovl_tree_source(dir->tree->stack, dir->entry,
			    (struct ovl_loc){ from->data->layer, from->data->path }, &in, &fd);
	if (r < 0)
		return r;
	r = ovl_copy_open_data(c, fd, from->data->path->name, from->data->stat.ino);
	ovl_dir_unpin(in);
	ovl_dir_unref(in);
	return r;
}

/* What is to be known of it once it is made. */
static int note_made(struct ovl_tree_dir *dir, int to, const char *name, int object)
{
	struct ovl_reader *reader = dir->tree->stack->reader;
	struct ovl_stat st;
	int r = object >= 0 ? reader->ops->stat(reader, object, "", &st) :
			      reader->ops->stat(reader, to, name, &st);

	return r == 0 ? ovl_tree_add(dir, name, &st) : r;
}

static int copy_held(struct ovl_tree_dir *dir, int to, const char *name, const struct origin *from,
		     struct ovl_copy *c)
{
	_cleanup_close_ int fd = -EBADF, object = -EBADF;
	int r = open_content(dir, from, c);

	if (r == 0)
		r = ovl_copy_make(c, to, name, &fd);
	if (r == 0 && fd < 0)
		r = ovl_write_hold(to, name, &object, NULL);
	if (r == 0)
		r = ovl_copy_dress(c, fd >= 0 ? fd : object, fd);
	return r == 0 ? note_made(dir, to, name, fd >= 0 ? fd : object) : r;
}

static int copy_object(struct ovl_tree_dir *dir, int to, const char *name,
		       const struct origin *from)
{
	_cleanup_(ovl_copy_done) struct ovl_copy c = OVL_COPY_INIT(dir->tree->stack);
	struct ovl_dir *in;
	int fd, r = ovl_tree_source(dir->tree->stack, dir->entry, from->loc, &in, &fd);

	if (r < 0)
		return r;
	c.plain = true;
	r = ovl_copy_hold(&c, fd, from->loc.path->name, from->ino);
	if (r == 0)
		r = copy_held(dir, to, name, from, &c);
	ovl_dir_unpin(in);
	ovl_dir_unref(in);
	return r;
}

/*
 * A lower file with several names of which one was changed: with index=on all of them show what is in
 * the index. @path: of the entry there, counted
 */
static int take_indexed(struct ovl_tree_dir *dir, const char *name, const struct ovl_hit *hit,
			const char *entry, struct origin *from, struct ovl_path **ret_path)
{
	struct ovl_tree *tree = dir->tree;
	struct ovl_reader *reader = tree->stack->reader;
	struct ovl_obs_scratch scratch = { 0 };
	struct ovl_obs obs;
	int r = ovl_reader_observe(reader, tree->stack->index.root.fd, entry,
				   tree->stack->config.userxattr, &scratch, &obs);

	if (r == 0 && obs.kind != hit->lower[0].kind)
		r = tell(tree, dir, name, "is something else in the index", -ESTALE);
	if (r == 0) {
		from->ino = obs.stat.ino;
		if (!ovl_obs_has(&obs, OVL_X_METACOPY))
			from->data = NULL;
		else if (!from->data)
			from->data = &hit->lower[0];
		*ret_path = ovl_path_new(NULL, entry, strlen(entry));
		from->loc = (struct ovl_loc){ OVL_LAYER_INDEX, *ret_path };
		r = *ret_path ? 0 : -ENOMEM;
	}
	ovl_obs_scratch_done(&scratch);
	return r;
}

static int copy_file(struct ovl_tree_dir *dir, int to, const char *name, const struct ovl_hit *hit)
{
	const struct ovl_found *lower = &hit->lower[0];
	struct origin from = { .loc = { lower->layer, lower->path }, .ino = lower->stat.ino };
	const struct ovl_key inode = { lower->stat.dev, lower->stat.ino };
	const char *entry = ovl_tree_indexed(dir->tree->links, inode);
	struct ovl_found storage = { 0 };
	struct ovl_path *path = NULL;
	int r = 0;

	if (lower->metacopy || hit->lazy_data)
		r = ovl_lookup_data(dir->tree->stack, hit, &storage, &from.data);
	if (r < 0 && r != -ENOMEM)
		return tell(dir->tree, dir, name, "has no data", r);
	if (r == 0 && entry)
		r = take_indexed(dir, name, hit, entry, &from, &path);
	if (r == 0)
		r = copy_object(dir, to, name, &from);
	ovl_found_done(&storage);
	ovl_path_unref(path);
	return r;
}

static int take_file(struct ovl_tree_dir *dir, int to, const char *name, const struct ovl_hit *hit)
{
	const struct ovl_stat *st = &hit->lower[0].stat;
	size_t place = 0;
	int r;

	if (st->nlink < 2)
		return copy_file(dir, to, name, hit);
	r = ovl_tree_link(dir, name, (struct ovl_key){ st->dev, st->ino }, &place);
	if (r <= 0)
		return r;
	r = copy_file(dir, to, name, hit);
	return r == 0 ? ovl_tree_linked(dir, name, place) : r;
}

/* ---- Directories ---- */

static int take_dir(struct ovl_pool *pool, struct ovl_tree_dir *dir, int to, const char *name,
		    const struct ovl_hit *hit)
{
	struct ovl_tree *tree = dir->tree;
	struct ovl_tree_dir *sub = NULL;
	struct ovl_entry *entry;
	struct ovl_job *job;
	int fd, r = ovl_lookup_entry(tree->stack, dir->entry, hit, &entry);

	if (r < 0)
		return r;
	r = ovl_write_make_dir(to, name, 0700);
	if (r == 0)
		r = ovl_beneath_open_dir(to, name, &fd);
	if (r == 0) {
		sub = ovl_tree_dir_new(tree, dir, entry, name);
		if (sub)
			ovl_tree_dir_give(sub, fd);
		else
			close(fd);
		r = sub ? 0 : -ENOMEM;
	}
	ovl_entry_unref(entry);
	if (r < 0)
		return r;
	sub->source = (struct ovl_loc){ hit->lower[0].layer, ovl_path_ref(hit->lower[0].path) };
	sub->source_ino = hit->lower[0].stat.ino;
	job = work_new(sub, NULL);
	if (job)
		ovl_pool_add(pool, job);
	else
		__atomic_store_n(&tree->failed, true, __ATOMIC_RELAXED);
	r = ovl_tree_dir_end(sub); /* the job has it now */
	return job ? r : -ENOMEM;
}

/* Is it the layer itself that has it? In the top only: what is below is not in the layer. */
static bool is_own(const struct ovl_tree_dir *dir, const struct ovl_hit *hit)
{
	return hit->has_upper ||
	       (!dir->parent && hit->n_lower > 0 && hit->lower[0].layer == dir->tree->layer);
}

static int take_name(struct ovl_pool *pool, struct ovl_tree_dir *dir, int to, const char *name)
{
	struct ovl_hit hit;
	int r = ovl_lookup(dir->tree->stack, dir->entry, name, NULL, NULL, &hit);

	if (r < 0)
		return r;
	if (hit.result == -ENOENT)
		r = 0; /* hidden by a whiteout */
	else if (hit.result < 0)
		r = tell(dir->tree, dir, name, "cannot be looked up: put it right first",
			 hit.result);
	else if (is_own(dir, &hit))
		r = 0;
	else
		r = hit.is_dir ? take_dir(pool, dir, to, name, &hit) :
				 take_file(dir, to, name, &hit);
	ovl_hit_done(&hit);
	return r;
}

static int take_names(struct ovl_pool *pool, struct work *work)
{
	struct ovl_tree *tree = work->dir->tree;
	const struct ovl_buf *names = &work->names;
	int fd, r = ovl_tree_dir_pin(work->dir, &fd);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < names->len; i += strlen(names->data + i) + 1)
		r = take_name(pool, work->dir, fd, names->data + i);
	ovl_tree_dir_unpin(work->dir);
	if (r == 0 && tree->trees->cancelled && tree->trees->cancelled(tree->trees->cancelled_ctx))
		r = -ECANCELED;
	return r;
}

/* ---- Names ---- */

/** The names of one directory, as they are read. */
struct reading {
	struct ovl_pool *pool;
	struct ovl_tree_dir *dir;
	struct ovl_map seen; /* hashes of names, if several directories are read */
	struct ovl_buf names;
	unsigned char *buf; /* of the stream */
};

static int hand_out(struct reading *rd)
{
	struct ovl_job *job;

	if (rd->names.len == 0)
		return 0;
	job = work_new(rd->dir, &rd->names);
	if (!job)
		return -ENOMEM;
	ovl_pool_add(rd->pool, job);
	return 0;
}

static int read_names(struct reading *rd, struct ovl_dir *from, bool several)
{
	struct ovl_reader *reader = from->stack->reader;
	struct ovl_dirstream stream = { .buf = rd->buf, .room = OVL_DIRBUF_SIZE };
	struct ovl_dirent d;
	int pinned, fd, r = ovl_dir_pin(from, &pinned);

	if (r < 0)
		return r;
	r = reader->ops->open_dir(reader, pinned, "", &fd);
	ovl_dir_unpin(from);
	if (r < 0)
		return r;
	while ((r = reader->ops->read_dir(reader, fd, &stream, &d)) > 0) {
		uint64_t *value;

		r = several ? ovl_map_put(&rd->seen, ovl_map_hash(d.name, d.len), 1, &value) : 1;
		if (r > 0)
			r = ovl_buf_add(&rd->names, d.name, d.len + 1);
		if (r == 0 && rd->names.len > NAMES)
			r = hand_out(rd);
		if (r < 0)
			break;
	}
	reader->ops->close(reader, fd);
	return r;
}

/* The layer's own directory is left out: it is the one in the top only. */
static int read_dir(struct ovl_pool *pool, struct ovl_tree_dir *dir)
{
	struct reading rd = { .pool = pool, .dir = dir, .buf = malloc(OVL_DIRBUF_SIZE) };
	const struct ovl_entry *entry = dir->entry;
	size_t i = !dir->parent && entry->n_lower > 0 &&
				   entry->lower[0]->layer == dir->tree->layer ?
			   1 :
			   0;
	const bool several = entry->n_lower - i > 1;
	int r = rd.buf ? 0 : -ENOMEM;

	for (; r == 0 && i < entry->n_lower; i++)
		r = read_names(&rd, entry->lower[i], several);
	if (r == 0)
		r = hand_out(&rd);
	ovl_map_done(&rd.seen);
	ovl_buf_done(&rd.names);
	free(rd.buf);
	return r;
}

/* ---- The whole ---- */

static struct work *work_of(struct ovl_job *job)
{
	return (struct work *)(void *)((char *)job - offsetof(struct work, job));
}

static int run(struct ovl_pool *pool, struct ovl_job *job, unsigned thread, void *ctx)
{
	struct work *work = work_of(job);

	(void)thread;
	(void)ctx;
	return work_end(work,
			work->names.len > 0 ? take_names(pool, work) : read_dir(pool, work->dir));
}

static void drop(struct ovl_job *job, void *ctx)
{
	(void)ctx;
	(void)work_end(work_of(job), -ECANCELED);
}

static int thread_start(unsigned thread, void *ctx)
{
	struct ovl_tree *tree = ctx;
	struct ovl_reader *reader = tree->stack->reader;

	return thread > 0 && reader->ops->thread_start ? reader->ops->thread_start(reader) : 0;
}

static void thread_stop(unsigned thread, void *ctx)
{
	struct ovl_tree *tree = ctx;
	struct ovl_reader *reader = tree->stack->reader;

	if (thread > 0 && reader->ops->thread_stop)
		reader->ops->thread_stop(reader);
}

static int copy_all(struct ovl_tree *tree, struct ovl_entry *entry)
{
	static const struct ovl_pool_ops ops = { run, drop, thread_start, thread_stop };
	struct ovl_tree_dir *top = ovl_tree_dir_new(tree, NULL, entry, "");
	struct ovl_job *job = top ? work_new(top, NULL) : NULL;
	int r = job ? ovl_pool_run(tree->trees->threads > 0 ? tree->trees->threads : 1, &ops, tree,
				   job) :
		      -ENOMEM;

	for (size_t i = 0; i < tree->later.len; i++) {
		struct ovl_tree_later *later = &tree->later.data[i];
		int end;

		if (r == 0)
			r = ovl_tree_link_to(later->dir, later->name, later->place);
		if (r < 0)
			tree->failed = true;
		end = ovl_tree_dir_end(later->dir);
		r = r < 0 ? r : end;
		free(later->name);
	}
	ovl_vec_done(&tree->later);
	if (top)
		(void)ovl_tree_dir_end(top);
	return r;
}

static int open_top(struct ovl_tree *tree, const struct ovl_place *at)
{
	_cleanup_(ovl_reach_done) struct ovl_reach reach = OVL_REACH_INIT;
	int r = ovl_trees_reach(tree->trees, at, &reach);

	if (r == 0)
		r = ovl_write_make_dir(reach.dir, reach.name, 0700);
	if (r == 0)
		r = ovl_beneath_open_dir(reach.dir, reach.name, &tree->top);
	return r == 0 ? ovl_copy_remove_acls(tree->top) : r;
}

/* What is merged in the directory, from its layer down. */
static int find_entry(struct ovl_tree *tree, const struct ovl_place *source, struct ovl_entry **ret)
{
	struct ovl_path *path;
	struct ovl_hit hit = { 0 };
	int r = ovl_path_parse(source->path, &path);

	if (r < 0)
		return r;
	*ret = NULL;
	r = ovl_lookup_path(tree->stack, source->tree, path, &hit, ret);
	if (r == 0 && !*ret)
		r = hit.result < 0 ? hit.result : -ESTALE;
	ovl_hit_done(&hit);
	ovl_path_unref(path);
	return r;
}

int ovl_tree_make(struct ovl_trees *trees, struct ovl_op *op)
{
	struct ovl_tree tree = { .trees = trees,
				 .stack = trees->stack,
				 .links = op->links,
				 .layer = op->source.tree,
				 .name = strrchr(op->at.path, '/') + 1,
				 .top = -1,
				 .lock = PTHREAD_MUTEX_INITIALIZER };
	struct ovl_entry *entry = NULL;
	int r = op->links && op->source.path ? find_entry(&tree, &op->source, &entry) : -EINVAL;

	if (r == 0)
		r = open_top(&tree, &op->at);
	if (r == 0)
		r = copy_all(&tree, entry);
	ovl_entry_unref(entry);
	if (tree.top >= 0)
		close(tree.top);
	pthread_mutex_destroy(&tree.lock);
	if (r == 0) {
		ovl_buf_done(&op->new_value);
		op->new_value = tree.list;
		op->has_new = true;
	} else {
		ovl_buf_done(&tree.list);
	}
	return r;
}
