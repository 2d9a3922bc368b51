/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a tree, and whatever else is no directory. See tree_state.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "repair/tree_state.h"

#include "base/banned.h"

int ovl_tree_tell(struct ovl_tree *tree, struct ovl_tree_dir *dir, const char *name,
		  const char *why, int r)
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
		r = ovl_tree_tell(tree, dir, name, "is something else in the index", -ESTALE);
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

void ovl_tree_note(struct ovl_tree *tree, const struct ovl_stat *content)
{
	const uint64_t bytes = content && S_ISREG(content->mode) ? content->blocks * 512 : 0;

	__atomic_add_fetch(&tree->inodes, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&tree->bytes, bytes, __ATOMIC_RELAXED);
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
		return ovl_tree_tell(dir->tree, dir, name, "has no data", r);
	if (r == 0)
		ovl_tree_note(dir->tree, from.data ? &from.data->stat : &lower->stat);
	if (r == 0 && entry)
		r = take_indexed(dir, name, hit, entry, &from, &path);
	if (r == 0 && !dir->tree->counts)
		r = copy_object(dir, to, name, &from);
	ovl_found_done(&storage);
	ovl_path_unref(path);
	return r;
}

int ovl_tree_take_file(struct ovl_tree_dir *dir, int to, const char *name,
		       const struct ovl_hit *hit)
{
	const struct ovl_stat *st = &hit->lower[0].stat;
	struct ovl_reader *reader = dir->tree->stack->reader;
	struct ovl_stat made;
	size_t place = 0;
	int r;

	if (st->nlink < 2)
		return copy_file(dir, to, name, hit);
	r = ovl_tree_link(dir, name, (struct ovl_key){ st->dev, st->ino }, &place);
	if (r <= 0)
		return r;
	r = copy_file(dir, to, name, hit);
	if (r < 0 || dir->tree->counts)
		return r;
	r = reader->ops->stat(reader, to, name, &made);
	return r == 0 ? ovl_tree_linked(dir, name, place, made.ino, &hit->lower[0]) : r;
}
