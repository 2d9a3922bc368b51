/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts inside of layers. See submounts.h.
 *
 * A mount point is compared with all layers at once: each directory above it, by name, is looked for
 * in a map.
 */
#include "io/submounts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

#include "base/banned.h"

struct search {
	const struct ovl_root *const *roots;
	struct ovl_map dirs;   /* hash of (mount, path) -> index of the root; "" for "/" */
	struct ovl_map mounts; /* ids of the mounts that the roots are on */
	struct ovl_buf key;
};

static void search_done(struct search *s)
{
	ovl_map_done(&s->dirs);
	ovl_map_done(&s->mounts);
	ovl_buf_done(&s->key);
}

static int key_of(struct search *s, uint64_t mount, const char *path, size_t len,
		  struct ovl_key *ret)
{
	int r;

	ovl_buf_clear(&s->key);
	r = ovl_buf_add(&s->key, &mount, sizeof(mount));
	if (r == 0)
		r = ovl_buf_add(&s->key, path, len);
	if (r == 0)
		*ret = ovl_map_hash(s->key.data, s->key.len);
	return r;
}

/* The path of a root as the mount table would name it; nothing if it is not to be had there. */
static int path_of(const struct ovl_root *root, struct ovl_buf *path)
{
	char link[sizeof("/proc/self/fd/") + 12];
	ssize_t n;
	int r;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", root->plain);
	ovl_buf_clear(path);
	r = ovl_buf_reserve(path, PATH_MAX);
	if (r < 0)
		return r;
	n = readlink(link, path->data, PATH_MAX);
	if (n < 0)
		return -errno;
	path->len = n == 1 ? 0 : (size_t)n;
	path->data[path->len] = '\0';
	return 0;
}

static int add_roots(struct search *s, size_t n)
{
	_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 };
	struct ovl_key key;
	uint64_t *value;
	int r;

	for (size_t i = 0; i < n; i++) {
		const struct ovl_root *root = s->roots[i];

		if (root->plain < 0 || root->mnt_id == 0)
			continue;
		r = path_of(root, &path);
		if (r == 0)
			r = key_of(s, root->mnt_id, path.data, path.len, &key);
		if (r == 0)
			r = ovl_map_put(&s->dirs, key, i, &value);
		if (r >= 0)
			r = ovl_map_put(&s->mounts, (struct ovl_key){ root->mnt_id, 0 }, 0, &value);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The root that is the nearest one above the mount point: 1 and @ret, 0, -ENOMEM. */
static int find_root(struct search *s, const struct ovl_mounttable_row *row,
		     struct ovl_submount *ret)
{
	size_t len = strlen(row->target);
	const uint64_t *which;
	struct ovl_key key;
	int r;

	while (len > 0) {
		len--;
		if (row->target[len] != '/')
			continue;
		r = key_of(s, row->parent, row->target, len, &key);
		if (r < 0)
			return r;
		which = ovl_map_get(&s->dirs, key);
		if (which) {
			*ret = (struct ovl_submount){ .which = (size_t)*which,
						      .below_slash = len == 0,
						      .path = row->target + len + 1,
						      .fs_type = row->fs_type };
			return 1;
		}
	}
	return 0;
}

int ovl_submounts_each(const struct ovl_mounttable *mounts, const struct ovl_root *const *roots,
		       size_t n, int (*fn)(void *ctx, const struct ovl_submount *submount),
		       void *ctx)
{
	_cleanup_(search_done) struct search s = { .roots = roots };
	const struct ovl_mounttable_row *row;
	struct ovl_submount found;
	int r = add_roots(&s, n);

	for (size_t i = 0; r == 0 && i < mounts->row.len; i++) {
		row = &mounts->row.data[i];
		if (!ovl_map_get(&s.mounts, (struct ovl_key){ row->parent, 0 }))
			continue;
		r = find_root(&s, row, &found);
		if (r > 0)
			r = fn(ctx, &found);
	}
	return r;
}
