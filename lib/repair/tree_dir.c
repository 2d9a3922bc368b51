/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directories of a tree on its way. See tree_state.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "io/beneath.h"
#include "repair/tree_state.h"

#include "base/banned.h"

/* Descriptors of directories that wait for what is in them; beyond that they are opened again. */
enum { MAX_OPEN = 8192, FEW = 6 /* of all that there may be, a part; twice as many at most */ };

/* Of those beyond, each of so many levels is open nevertheless. */
enum { STRIDE = 64 };

unsigned ovl_tree_budget(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return 64;
	return lim.rlim_cur / FEW < MAX_OPEN ? (unsigned)(lim.rlim_cur / FEW) : MAX_OPEN;
}

/* An item: u64 inode, u32 mode, u64 sum, u64 objects, u16 length of the name, the name, NUL. */
static int put_item(struct ovl_buf *list, const char *name, const struct ovl_stat *st,
		    const struct ovl_manifest *manifest)
{
	const size_t before = list->len, len = strlen(name);
	const uint16_t short_len = (uint16_t)len;
	int r = len < UINT16_MAX ? ovl_buf_add(list, &st->ino, sizeof(st->ino)) : -ENAMETOOLONG;

	if (r == 0)
		r = ovl_buf_add(list, &st->mode, sizeof(st->mode));
	if (r == 0)
		r = ovl_buf_add(list, &manifest->sum, sizeof(manifest->sum));
	if (r == 0)
		r = ovl_buf_add(list, &manifest->n, sizeof(manifest->n));
	if (r == 0)
		r = ovl_buf_add(list, &short_len, sizeof(short_len));
	if (r == 0)
		r = ovl_buf_add(list, name, len + 1);
	if (r < 0 && list->data)
		list->len = before;
	return r;
}

static bool take(struct ovl_bytes *in, void *ret, size_t len)
{
	if (in->len < len)
		return false;
	memcpy(ret, in->data, len);
	in->data += len;
	in->len -= len;
	return true;
}

int ovl_tree_next(struct ovl_bytes *list, struct ovl_tree_item *ret)
{
	struct ovl_bytes in = *list;
	uint16_t len;

	if (in.len == 0)
		return 0;
	if (!take(&in, &ret->ino, sizeof(ret->ino)) || !take(&in, &ret->mode, sizeof(ret->mode)) ||
	    !take(&in, &ret->manifest.sum, sizeof(ret->manifest.sum)) ||
	    !take(&in, &ret->manifest.n, sizeof(ret->manifest.n)) ||
	    !take(&in, &len, sizeof(len)) || in.len <= len || in.data[len] != '\0' ||
	    strnlen((const char *)in.data, len) != len)
		return -EINVAL;
	ret->name = (const char *)in.data;
	ret->len = len;
	if (len == 0 || strchr(ret->name, '/') || strcmp(ret->name, ".") == 0 ||
	    strcmp(ret->name, "..") == 0)
		return -EINVAL;
	*list = (struct ovl_bytes){ in.data + len + 1, in.len - len - 1 };
	return 1;
}

int ovl_tree_add(struct ovl_tree_dir *dir, const char *name, const struct ovl_stat *st)
{
	struct ovl_manifest one = { ovl_manifest_hash(dir->key, name, st), 1 };
	int r = 0;

	if (dir->item) {
		__atomic_add_fetch(&dir->item->sum, one.sum, __ATOMIC_RELAXED);
		__atomic_add_fetch(&dir->item->n, 1, __ATOMIC_RELAXED);
		return 0;
	}
	pthread_mutex_lock(&dir->tree->lock);
	r = put_item(&dir->tree->list, name, st, &one);
	pthread_mutex_unlock(&dir->tree->lock);
	return r;
}

static int add_item(struct ovl_tree *tree, const char *name, const struct ovl_stat *st,
		    const struct ovl_manifest *manifest)
{
	int r;

	pthread_mutex_lock(&tree->lock);
	r = put_item(&tree->list, name, st, manifest);
	pthread_mutex_unlock(&tree->lock);
	return r;
}

/* ---- Descriptors ---- */

/* Among many that cannot all be open, some are, so that none is far below one. */
static bool may_stay_open(const struct ovl_tree_dir *dir)
{
	const struct ovl_tree *tree = dir->tree;

	return tree->open < tree->budget ||
	       (dir->depth % STRIDE == 0 && tree->open < 2 * tree->budget);
}

/* The next one above that is open, or the top; it stays so until ovl_tree_dir_unpin(). Under the lock. */
static struct ovl_tree_dir *pin_above(struct ovl_tree_dir *dir)
{
	struct ovl_tree_dir *above = dir->parent;

	while (above->parent && above->fd < 0)
		above = above->parent;
	above->pins++;
	return above;
}

/* From a directory above, "a/b/c" */
static int path_below(const struct ovl_tree_dir *above, const struct ovl_tree_dir *dir,
		      struct ovl_buf *ret)
{
	const size_t n = dir->depth - above->depth;
	_cleanup_free_ const struct ovl_path **part = calloc(n, sizeof(*part));
	const struct ovl_path *p = dir->path;
	int r = part ? 0 : -ENOMEM;

	for (size_t i = n; r == 0 && i-- > 0; p = p->parent)
		part[i] = p;
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (i > 0)
			r = ovl_buf_addc(ret, '/');
		if (r == 0)
			r = ovl_buf_add(ret, part[i]->name, part[i]->len);
	}
	return r;
}

static int open_below(struct ovl_tree_dir *above, const struct ovl_tree_dir *dir, int *ret_fd)
{
	_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 };
	int r = path_below(above, dir, &path);

	return r == 0 ? ovl_beneath_open_dir(above->parent ? above->fd : above->tree->top,
					     path.data, ret_fd) :
			r;
}

int ovl_tree_dir_pin(struct ovl_tree_dir *dir, int *ret_fd)
{
	struct ovl_tree *tree = dir->tree;
	struct ovl_tree_dir *above = NULL;
	_cleanup_close_ int fd = -EBADF;
	int r;

	pthread_mutex_lock(&tree->lock);
	dir->pins++;
	*ret_fd = dir->parent ? dir->fd : tree->top;
	if (*ret_fd < 0 && dir->parent)
		above = pin_above(dir);
	pthread_mutex_unlock(&tree->lock);
	if (!above)
		return 0;
	r = open_below(above, dir, &fd);
	ovl_tree_dir_unpin(above);
	pthread_mutex_lock(&tree->lock);
	if (r == 0 && dir->fd < 0) {
		dir->fd = TAKE_FD(fd);
		tree->open++;
	}
	if (r < 0)
		dir->pins--;
	*ret_fd = dir->fd;
	pthread_mutex_unlock(&tree->lock);
	return r;
}

void ovl_tree_dir_unpin(struct ovl_tree_dir *dir)
{
	struct ovl_tree *tree = dir->tree;
	int fd = -1;

	pthread_mutex_lock(&tree->lock);
	if (--dir->pins == 0 && dir->fd >= 0) {
		tree->open--;
		if (may_stay_open(dir))
			tree->open++;
		else
			fd = TAKE_FD(dir->fd);
	}
	pthread_mutex_unlock(&tree->lock);
	if (fd >= 0)
		close(fd);
}

void ovl_tree_dir_give(struct ovl_tree_dir *dir, int fd)
{
	pthread_mutex_lock(&dir->tree->lock);
	if (may_stay_open(dir)) {
		dir->fd = TAKE_FD(fd);
		dir->tree->open++;
	}
	pthread_mutex_unlock(&dir->tree->lock);
	if (fd >= 0)
		close(fd);
}

static void close_dir(struct ovl_tree_dir *dir)
{
	if (dir->fd < 0)
		return;
	close(dir->fd);
	dir->fd = -1;
	pthread_mutex_lock(&dir->tree->lock);
	dir->tree->open--;
	pthread_mutex_unlock(&dir->tree->lock);
}

int ovl_tree_source(struct ovl_stack *stack, struct ovl_entry *entry, struct ovl_loc loc,
		    struct ovl_dir **ret, int *ret_fd)
{
	struct ovl_dir *dir = NULL;
	int r;

	for (size_t i = 0; i < entry->n_lower && !dir; i++)
		if (entry->lower[i]->layer == loc.layer &&
		    entry->lower[i]->path == loc.path->parent)
			dir = ovl_dir_ref(entry->lower[i]);
	if (!dir)
		dir = ovl_dir_new(stack, loc.layer, loc.path->parent);
	if (!dir)
		return -ENOMEM;
	r = ovl_dir_pin(dir, ret_fd);
	if (r < 0)
		ovl_dir_unref(dir);
	else
		*ret = dir;
	return r;
}

/* ---- Beginning and end ---- */

struct ovl_tree_dir *ovl_tree_dir_new(struct ovl_tree *tree, struct ovl_tree_dir *parent,
				      struct ovl_entry *entry, const char *name)
{
	struct ovl_tree_dir *dir = calloc(1, sizeof(*dir));

	if (!dir)
		return NULL;
	dir->tree = tree;
	dir->refs = 1;
	dir->fd = -1;
	dir->entry = ovl_entry_ref(entry);
	if (!parent)
		return dir;
	dir->depth = parent->depth + 1;
	dir->path = ovl_path_new(parent->path, name, strlen(name));
	dir->key = ovl_manifest_key(parent->key, name);
	dir->item = parent->item ? parent->item : calloc(1, sizeof(*dir->item));
	if (!dir->path || !dir->item) {
		if (!parent->item)
			free(dir->item);
		ovl_path_unref(dir->path);
		ovl_entry_unref(dir->entry);
		free(dir);
		return NULL;
	}
	/* Names in it go by those in the top: the item is not one of them itself. */
	dir->parent = ovl_tree_dir_ref(parent);
	return dir;
}

struct ovl_tree_dir *ovl_tree_dir_ref(struct ovl_tree_dir *dir)
{
	__atomic_add_fetch(&dir->refs, 1, __ATOMIC_RELAXED);
	return dir;
}

/* Nothing more is going to be made in it. */
static int dress(struct ovl_tree_dir *dir, struct ovl_stat *ret_st)
{
	struct ovl_tree *tree = dir->tree;
	_cleanup_(ovl_copy_done) struct ovl_copy c = OVL_COPY_INIT(tree->stack);
	struct ovl_reader *reader = tree->stack->reader;
	struct ovl_dir *source;
	int from, fd, r;

	r = ovl_tree_source(tree->stack, dir->parent->entry, dir->source, &source, &from);
	if (r < 0)
		return r;
	c.plain = true;
	r = ovl_copy_hold(&c, from, dir->source.path->name, dir->source_ino);
	if (r == 0)
		r = ovl_copy_open(&c);
	if (r == 0)
		r = ovl_tree_dir_pin(dir, &fd);
	if (r == 0) {
		r = ovl_copy_dress(&c, fd, fd);
		if (r == 0)
			r = reader->ops->stat(reader, fd, "", ret_st);
		ovl_tree_dir_unpin(dir);
	}
	ovl_dir_unpin(source);
	ovl_dir_unref(source);
	return r;
}

static int finish(struct ovl_tree_dir *dir)
{
	const char *name = dir->path->name;
	struct ovl_stat st;
	int r = dress(dir, &st);

	if (r < 0)
		return r;
	if (dir->parent->item)
		return ovl_tree_add(dir->parent, name, &st);
	dir->item->sum += ovl_manifest_hash(0, name, &st);
	dir->item->n++;
	return add_item(dir->tree, name, &st, dir->item);
}

static void dir_free(struct ovl_tree_dir *dir)
{
	close_dir(dir);
	if (dir->parent && !dir->parent->item)
		free(dir->item);
	ovl_entry_unref(dir->entry);
	ovl_path_unref((struct ovl_path *)dir->source.path);
	ovl_path_unref(dir->path);
	free(dir);
}

int ovl_tree_dir_end(struct ovl_tree_dir *dir)
{
	int r = 0;

	while (dir && __atomic_sub_fetch(&dir->refs, 1, __ATOMIC_ACQ_REL) == 0) {
		struct ovl_tree_dir *parent = dir->parent;

		if (parent && r == 0 && !dir->tree->counts &&
		    !__atomic_load_n(&dir->tree->failed, __ATOMIC_RELAXED))
			r = finish(dir);
		if (r < 0)
			__atomic_store_n(&dir->tree->failed, true, __ATOMIC_RELAXED);
		dir_free(dir);
		dir = parent;
	}
	return r;
}
