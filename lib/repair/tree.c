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

/* ---- Directories ---- */

/* A new directory, or none where it is counted only. */
static int make_dir(struct ovl_tree_dir *dir, int to, const char *name, struct ovl_entry *entry,
		    struct ovl_tree_dir **ret)
{
	struct ovl_tree *tree = dir->tree;
	int fd = -1, r = 0;

	ovl_tree_note(tree, NULL);
	if (!tree->counts) {
		r = ovl_write_make_dir(to, name, 0700);
		if (r == 0)
			r = ovl_beneath_open_dir(to, name, &fd);
	}
	if (r < 0)
		return r;
	*ret = ovl_tree_dir_new(tree, dir, entry, name);
	if (*ret && fd >= 0)
		ovl_tree_dir_give(*ret, fd);
	else if (fd >= 0)
		close(fd);
	return *ret ? 0 : -ENOMEM;
}

static int take_dir(struct ovl_pool *pool, struct ovl_tree_dir *dir, int to, const char *name,
		    const struct ovl_hit *hit)
{
	struct ovl_tree *tree = dir->tree;
	struct ovl_tree_dir *sub = NULL;
	struct ovl_entry *entry;
	struct ovl_job *job;
	int r = ovl_lookup_entry(tree->stack, dir->entry, hit, &entry);

	if (r < 0)
		return r;
	r = make_dir(dir, to, name, entry, &sub);
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
		r = ovl_tree_tell(dir->tree, dir, name, "cannot be looked up: put it right first",
				  hit.result);
	else if (is_own(dir, &hit))
		r = 0;
	else
		r = hit.is_dir ? take_dir(pool, dir, to, name, &hit) :
				 ovl_tree_take_file(dir, to, name, &hit);
	ovl_hit_done(&hit);
	return r;
}

static int take_names(struct ovl_pool *pool, struct work *work)
{
	struct ovl_tree *tree = work->dir->tree;
	const struct ovl_buf *names = &work->names;
	int fd = -1, r = tree->counts ? 0 : ovl_tree_dir_pin(work->dir, &fd);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < names->len; i += strlen(names->data + i) + 1)
		r = take_name(pool, work->dir, fd, names->data + i);
	if (!tree->counts)
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

static int begin(struct ovl_tree *tree, struct ovl_trees *trees, const struct ovl_op *op,
		 struct ovl_tree_links *links, struct ovl_entry **ret)
{
	*tree = (struct ovl_tree){ .trees = trees,
				   .stack = trees->stack,
				   .links = links,
				   .layer = op->source.tree,
				   .budget = ovl_tree_budget(),
				   .top = -1 };
	*ret = NULL;
	if (pthread_mutex_init(&tree->lock, NULL) != 0)
		return -ENOMEM;
	if (!links || !op->source.path)
		return -EINVAL;
	tree->trunk = ovl_tree_trunk_new(strrchr(op->at.path, '/') + 1, op->source.path);
	return tree->trunk ? find_entry(tree, &op->source, ret) : -ENOMEM;
}

static void end(struct ovl_tree *tree, struct ovl_entry *entry, struct ovl_op *op)
{
	op->inodes = tree->inodes;
	op->cost = tree->bytes;
	ovl_entry_unref(entry);
	if (tree->top >= 0)
		close(tree->top);
	ovl_tree_trunk_unref(tree->trunk);
	ovl_buf_done(&tree->list);
	pthread_mutex_destroy(&tree->lock);
}

int ovl_tree_make(struct ovl_trees *trees, struct ovl_op *op)
{
	struct ovl_entry *entry;
	struct ovl_tree tree;
	int r = begin(&tree, trees, op, op->links, &entry);

	if (r == 0)
		r = open_top(&tree, &op->at);
	if (r == 0)
		r = copy_all(&tree, entry);
	if (r == 0) {
		ovl_buf_done(&op->new_value);
		op->new_value = tree.list;
		op->has_new = true;
		tree.list = (struct ovl_buf){ 0 };
	}
	end(&tree, entry, op);
	return r;
}

int ovl_tree_count(struct ovl_stack *stack, struct ovl_op *op)
{
	struct ovl_tree_links *links = ovl_tree_links_new();
	struct ovl_entry *entry;
	struct ovl_trees trees;
	struct ovl_tree tree;
	int r;

	ovl_trees_init(&trees, stack);
	r = begin(&tree, &trees, op, links, &entry);
	tree.counts = true;
	if (r == 0)
		r = copy_all(&tree, entry);
	end(&tree, entry, op);
	ovl_tree_links_unref(links);
	ovl_trees_done(&trees);
	return r;
}
