/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories with a cached descriptor. The cache is a list in order of last use.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "stack/dir.h"

#include "base/banned.h"

enum {
	/* Below this depth a directory is opened from the root of its layer in one call. */
	SHALLOW = 32,
	/* Names are joined up to this many bytes for one call; the kernel takes PATH_MAX. */
	CHUNK = 4000,
	/* Descriptors left to the rest of the program: layer roots, files being read, output. */
	RESERVED_FDS = 1200,
	MAX_BUDGET = 20000,
};

/* Where there are few, the cache gets a part of them; what is too much still turns out later. */
static size_t budget_of(size_t limit)
{
	if (limit / 4 + RESERVED_FDS > limit)
		return limit / 4 + 1;
	return limit - RESERVED_FDS < MAX_BUDGET ? limit - RESERVED_FDS : MAX_BUDGET;
}

int ovl_dir_cache_init(struct ovl_dir_cache *cache)
{
	struct rlimit lim;
	size_t limit = 1024;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		if (lim.rlim_cur < lim.rlim_max) {
			lim.rlim_cur = lim.rlim_max;
			if (setrlimit(RLIMIT_NOFILE, &lim) < 0)
				getrlimit(RLIMIT_NOFILE, &lim);
		}
		limit = lim.rlim_cur;
	}
	cache->budget = budget_of(limit);
	return -pthread_mutex_init(&cache->lock, NULL);
}

void ovl_dir_cache_done(struct ovl_dir_cache *cache)
{
	assert(cache->n_open == 0);
	pthread_mutex_destroy(&cache->lock);
}

static void cache_remove(struct ovl_dir_cache *cache, struct ovl_dir *d)
{
	if (d->newer)
		d->newer->older = d->older;
	else
		cache->newest = d->older;
	if (d->older)
		d->older->newer = d->newer;
	else
		cache->oldest = d->newer;
	d->newer = d->older = NULL;
}

static void cache_add(struct ovl_dir_cache *cache, struct ovl_dir *d)
{
	d->older = cache->newest;
	d->newer = NULL;
	if (cache->newest)
		cache->newest->newer = d;
	else
		cache->oldest = d;
	cache->newest = d;
}

/* Takes idle descriptors beyond the budget out of the cache; the caller closes them unlocked. */
static int cache_evict(struct ovl_dir_cache *cache)
{
	struct ovl_dir *victim = cache->oldest;
	int fd;

	if (cache->n_open < cache->budget || !victim)
		return -1;
	cache_remove(cache, victim);
	cache->n_open--;
	fd = victim->fd;
	victim->fd = -1;
	return fd;
}

/*
 * There was no descriptor left: others use more than was thought, so the cache has to do with half of
 * what it has. False if that was not the error, or nothing could be closed.
 */
static bool cache_shrink(struct ovl_stack *stack, int err)
{
	struct ovl_dir_cache *cache = &stack->cache;
	bool closed = false;
	int fd;

	if (err != -EMFILE && err != -ENFILE)
		return false;
	pthread_mutex_lock(&cache->lock);
	if (cache->oldest)
		cache->budget = cache->n_open / 2 + 1;
	while ((fd = cache_evict(cache)) >= 0) {
		stack->reader->ops->close(stack->reader, fd);
		closed = true;
	}
	pthread_mutex_unlock(&cache->lock);
	return closed;
}

struct ovl_dir *ovl_dir_new(struct ovl_stack *stack, int layer, struct ovl_path *path)
{
	struct ovl_dir *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->stack = stack;
	d->layer = layer;
	d->refs = 1;
	d->path = ovl_path_ref(path);
	d->fd = -1;
	return d;
}

struct ovl_dir *ovl_dir_ref(struct ovl_dir *d)
{
	__atomic_add_fetch(&d->refs, 1, __ATOMIC_RELAXED);
	return d;
}

struct ovl_dir *ovl_dir_unref(struct ovl_dir *d)
{
	struct ovl_stack *stack;

	if (!d || __atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return NULL;
	assert(d->pins == 0);
	stack = d->stack;
	/* Another thread may be about to evict this very descriptor: decide under the lock. */
	pthread_mutex_lock(&stack->cache.lock);
	if (d->fd >= 0) {
		cache_remove(&stack->cache, d);
		stack->cache.n_open--;
	}
	pthread_mutex_unlock(&stack->cache.lock);
	if (d->fd >= 0)
		stack->reader->ops->close(stack->reader, d->fd);
	ovl_path_unref(d->path);
	free(d);
	return NULL;
}

/* Opens a path below a layer root in as few calls as the length of its names allows. */
static int open_from_root(struct ovl_stack *stack, int layer, const struct ovl_path *path,
			  int *ret_fd)
{
	struct ovl_reader *r = stack->reader;
	_cleanup_free_ const struct ovl_path **names = NULL;
	_cleanup_(ovl_buf_done) struct ovl_buf chunk = { 0 };
	long n = ovl_path_names(path, &names);
	int base = ovl_stack_layer(stack, layer)->root.fd, owned = -1, next, err = 0;

	if (n < 0)
		return (int)n;
	for (long i = 0; i < n || i == 0;) {
		ovl_buf_clear(&chunk);
		for (; i < n && (chunk.len == 0 || chunk.len + names[i]->len + 1 <= CHUNK); i++) {
			if (chunk.len > 0)
				err = ovl_buf_addc(&chunk, '/');
			if (err == 0)
				err = ovl_buf_add(&chunk, names[i]->name, names[i]->len);
			if (err < 0)
				goto out;
		}
		err = r->ops->open_dir(r, base, chunk.data ? chunk.data : "", &next);
		if (err < 0)
			goto out;
		if (owned >= 0)
			r->ops->close(r, owned);
		base = owned = next;
		if (n == 0)
			break;
	}
	*ret_fd = TAKE_FD(owned);
out:
	if (owned >= 0)
		r->ops->close(r, owned);
	return err;
}

int ovl_dir_pin(struct ovl_dir *d, int *ret_fd)
{
	struct ovl_dir_cache *cache = &d->stack->cache;
	struct ovl_reader *r = d->stack->reader;
	int fd = -1, evicted, err;

	pthread_mutex_lock(&cache->lock);
	if (d->fd >= 0) {
		if (d->pins++ == 0)
			cache_remove(cache, d);
		*ret_fd = d->fd;
		pthread_mutex_unlock(&cache->lock);
		return 0;
	}
	evicted = cache_evict(cache);
	pthread_mutex_unlock(&cache->lock);
	if (evicted >= 0)
		r->ops->close(r, evicted);

	do
		err = open_from_root(d->stack, d->layer, d->path, &fd);
	while (cache_shrink(d->stack, err));
	if (err < 0)
		return err;

	pthread_mutex_lock(&cache->lock);
	if (d->fd < 0) {
		d->fd = fd;
		cache->n_open++;
		fd = -1;
	} else if (d->pins == 0) {
		cache_remove(cache, d); /* another thread opened it meanwhile */
	}
	d->pins++;
	*ret_fd = d->fd;
	pthread_mutex_unlock(&cache->lock);
	if (fd >= 0)
		r->ops->close(r, fd);
	return 0;
}

void ovl_dir_unpin(struct ovl_dir *d)
{
	struct ovl_dir_cache *cache = &d->stack->cache;

	pthread_mutex_lock(&cache->lock);
	assert(d->pins > 0 && d->fd >= 0);
	if (--d->pins == 0)
		cache_add(cache, d);
	pthread_mutex_unlock(&cache->lock);
}

int ovl_dir_child(struct ovl_dir *parent, struct ovl_path *path, struct ovl_dir **ret)
{
	struct ovl_dir_cache *cache = &parent->stack->cache;
	struct ovl_reader *r = parent->stack->reader;
	_cleanup_(ovl_dir_unrefp) struct ovl_dir *d = NULL;
	int base, fd = -1, evicted, err;

	assert(path && path->parent == parent->path);
	d = ovl_dir_new(parent->stack, parent->layer, path);
	if (!d)
		return -ENOMEM;
	if (ovl_path_depth(path) > SHALLOW) {
		err = ovl_dir_pin(parent, &base);
		if (err < 0)
			return err;
		do
			err = r->ops->open_dir(r, base, path->name, &fd);
		while (cache_shrink(parent->stack, err));
		ovl_dir_unpin(parent);
		if (err < 0)
			return err;
		pthread_mutex_lock(&cache->lock);
		evicted = cache_evict(cache);
		d->fd = fd;
		cache->n_open++;
		cache_add(cache, d);
		pthread_mutex_unlock(&cache->lock);
		if (evicted >= 0)
			r->ops->close(r, evicted);
	}
	*ret = TAKE_PTR(d);
	return 0;
}
