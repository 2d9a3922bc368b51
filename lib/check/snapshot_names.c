/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What names stand for. See snapshot_names.h.
 */
#include "check/snapshot_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/crowd.h"

#include "base/banned.h"

enum { SHARE = 64 }; /* names that are worth a thread */

/** A name that gives an error. */
struct failure {
	const char *name; /* borrowed */
	int err;
};

/** One thread, and what it found out about its share of the names. */
struct summer {
	const struct ovl_snapshot_names *n;
	size_t from, to;
	struct ovl_buf names, value, text; /* scratch */
	struct ovl_key sum;
	ovl_name_vec dir;
	OVL_VEC(struct failure) failed;
	ovl_snapshot_link_vec link;
};

void ovl_names_done(ovl_name_vec *names, size_t from)
{
	for (size_t i = from; i < names->len; i++)
		free(names->data[i]);
	ovl_vec_done(names);
}

static void summer_done(struct summer *s)
{
	ovl_buf_done(&s->names);
	ovl_buf_done(&s->value);
	ovl_buf_done(&s->text);
	ovl_names_done(&s->dir, 0);
	ovl_vec_done(&s->failed);
	ovl_vec_done(&s->link);
}

/* The order of names must not matter, so sums are added. */
static void add_to(struct ovl_key *sum, struct ovl_key key)
{
	sum->a += key.a;
	sum->b += key.b;
}

static void add_text(struct summer *s)
{
	add_to(&s->sum, ovl_map_hash(s->text.data, s->text.len));
}

static bool is_ours(const char *xattr)
{
	return strncmp(xattr, "trusted.overlay.", strlen("trusted.overlay.")) == 0 ||
	       strncmp(xattr, "user.overlay.", strlen("user.overlay.")) == 0;
}

/* @name: in the overlay */
static int add_xattrs(struct summer *s, const char *name, int dir, const char *real)
{
	struct ovl_reader *reader = s->n->stack->reader;
	int r = reader->ops->list_xattrs(reader, dir, real, &s->names);

	if (r == -EOPNOTSUPP)
		return 0;
	for (size_t i = 0; r == 0 && i < s->names.len; i += strlen(s->names.data + i) + 1) {
		const char *xattr = s->names.data + i;

		if (is_ours(xattr))
			continue;
		r = reader->ops->get_xattr(reader, dir, real, xattr, &s->value);
		ovl_buf_clear(&s->text);
		if (r == 0)
			r = ovl_buf_addf(&s->text, "%s/%s=", name, xattr);
		if (r == 0)
			r = ovl_buf_add(&s->text, s->value.data, s->value.len);
		if (r == 0)
			add_text(s);
	}
	return r;
}

static int add_error(struct summer *s, const char *name, int err)
{
	int r;

	ovl_buf_clear(&s->text);
	r = ovl_buf_addf(&s->text, "%s error %d", name, err);
	if (r == 0)
		add_text(s);
	return r;
}

/* Of directories, size and links are those of one layer, and no two are alike. */
static int add_stat(struct summer *s, const char *name, const struct ovl_stat *st, bool is_dir)
{
	int r;

	ovl_buf_clear(&s->text);
	r = ovl_buf_addf(&s->text, "%s %o %u %u %llu %llu %lld.%u", name, st->mode, st->uid,
			 st->gid, (unsigned long long)(is_dir ? 0 : st->size),
			 (unsigned long long)st->rdev, (long long)st->mtime_sec, st->mtime_nsec);
	if (r == 0)
		add_text(s);
	return r;
}

static int add_target(struct summer *s, const char *name, int dir, const char *real)
{
	struct ovl_reader *reader = s->n->stack->reader;
	int r = reader->ops->read_link(reader, dir, real, &s->value);

	ovl_buf_clear(&s->text);
	if (r == 0)
		r = ovl_buf_addf(&s->text, "%s -> ", name);
	if (r == 0)
		r = ovl_buf_add(&s->text, s->value.data, s->value.len);
	if (r == 0)
		add_text(s);
	return r;
}

/* An object of a layer, as the overlay shows it under @name. What cannot be read is an error there. */
static int add_object(struct summer *s, const char *name, int dir, const char *real,
		      const struct ovl_stat *st, bool is_dir)
{
	int r = add_xattrs(s, name, dir, real);

	if (r == 0)
		r = add_stat(s, name, st, is_dir);
	if (r == 0 && S_ISLNK(st->mode))
		r = add_target(s, name, dir, real);
	return r == 0 || r == -ENOMEM ? r : add_error(s, name, r);
}

/* Which file stands in for a lower one with several names, if the index is in force. */
static const char *stand_in(const struct summer *s, const struct ovl_hit *hit)
{
	const struct ovl_found *top;
	uint64_t *value;

	if (hit->has_upper || hit->is_dir || s->n->stack->config.index != OVL_ON)
		return NULL;
	top = &hit->lower[0];
	value = ovl_map_get(s->n->index, (struct ovl_key){ top->stat.dev, top->stat.ino });
	return value ? (const char *)(uintptr_t)*value : NULL;
}

/* @several: whatever its link count is */
static int add_link(struct summer *s, const char *name, const struct ovl_stat *st, bool several)
{
	const struct ovl_snapshot_names *n = s->n;
	struct ovl_snapshot_link link = { .inode = { st->dev, st->ino }, .layer = n->layer };
	const uint64_t *twin = n->twins ? ovl_map_get(&n->twins->copy, link.inode) : NULL;
	int r;

	if (twin)
		link.inode = n->twins->of.data[*twin];
	several |= twin || st->nlink > 1;
	if (S_ISDIR(st->mode) || (!several && !n->like))
		return 0;
	ovl_buf_clear(&s->text);
	r = ovl_buf_add(&s->text, &n->key, sizeof(n->key));
	if (r == 0)
		r = ovl_buf_adds(&s->text, name);
	if (r < 0)
		return r;
	link.name = ovl_map_hash(s->text.data, s->text.len);
	if (!several && !ovl_snapshot_has_link(n->like, link.name))
		return 0;
	return ovl_vec_push(&s->link, link);
}

static int add_indexed(struct summer *s, const char *name, const char *entry)
{
	struct ovl_reader *reader = s->n->stack->reader;
	int dir = s->n->stack->index.root.fd;
	struct ovl_stat st;
	int r = reader->ops->stat(reader, dir, entry, &st);

	if (r < 0)
		return add_error(s, name, r);
	r = add_object(s, name, dir, entry, &st, false);
	return r == 0 ? add_link(s, name, &st, true) : r;
}

/* What is there in the topmost directory was told of there, or hides this one. */
static bool is_covered(const struct summer *s, const char *name)
{
	struct ovl_reader *reader = s->n->stack->reader;
	struct ovl_stat st;

	return s->n->above >= 0 && reader->ops->stat(reader, s->n->above, name, &st) == 0;
}

static int add_hit(struct summer *s, const char *name, const struct ovl_hit *hit)
{
	const struct ovl_found *top = hit->has_upper ? &hit->upper :
				      hit->n_lower   ? &hit->lower[0] :
						       NULL;
	const char *entry;
	char *copy;
	int r;

	if (hit->result == -ENOENT)
		return 0;
	if (hit->result < 0)
		return ovl_vec_push(&s->failed, ((struct failure){ name, hit->result }));
	if (!top || top->layer != s->n->layer)
		return 0;
	entry = stand_in(s, hit);
	r = entry ? add_indexed(s, name, entry) :
		    add_object(s, name, s->n->dir, name, &top->stat, hit->is_dir);
	if (r == 0 && !entry)
		r = add_link(s, name, &top->stat, false);
	if (r < 0 || !hit->is_dir)
		return r;
	copy = strdup(name);
	r = copy ? ovl_vec_push(&s->dir, copy) : -ENOMEM;
	if (r < 0)
		free(copy);
	return r;
}

static int sum_up(void *ctx, size_t i)
{
	struct summer *s = &((struct summer *)ctx)[i];
	int r = 0;

	for (size_t at = s->from; r == 0 && at < s->to; at++) {
		const char *name = s->n->name.data[at];
		struct ovl_hit hit;

		if (is_covered(s, name))
			continue;
		r = ovl_lookup(s->n->stack, s->n->entry, name, NULL, NULL, &hit);
		if (r < 0)
			break;
		r = add_hit(s, name, &hit);
		ovl_hit_done(&hit);
	}
	return r;
}

/* Adds the share of one thread. */
static int collect(struct summer *s, struct ovl_snapshot_sum *sum)
{
	uint64_t *told;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->failed.len; i++) {
		const struct failure *f = &s->failed.data[i];

		r = ovl_map_put(&sum->failed, ovl_map_hash(f->name, strlen(f->name)), 0, &told);
		if (r > 0)
			r = add_error(s, f->name, f->err);
	}
	for (size_t i = 0; r >= 0 && i < s->dir.len; i++) {
		r = ovl_vec_push(&sum->dir, s->dir.data[i]);
		if (r == 0)
			s->dir.data[i] = NULL;
	}
	for (size_t i = 0; r >= 0 && i < s->link.len; i++)
		r = ovl_vec_push(&sum->link, s->link.data[i]);
	add_to(&sum->sum, s->sum);
	return r < 0 ? r : 0;
}

int ovl_snapshot_sum_up(const struct ovl_snapshot_names *names, unsigned threads,
			struct ovl_snapshot_sum *sum)
{
	size_t len = names->name.len, n = len / SHARE < threads ? len / SHARE + 1 : threads;
	_cleanup_free_ struct summer *s = calloc(n, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		s[i].n = names;
		s[i].from = len * i / n;
		s[i].to = len * (i + 1) / n;
	}
	r = ovl_crowd((unsigned)n, n, sum_up, s);
	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = collect(&s[i], sum);
		summer_done(&s[i]);
	}
	return r;
}
