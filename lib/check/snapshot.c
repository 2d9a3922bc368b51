/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk of a snapshot. See snapshot.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "check/index_entry.h"
#include "check/snapshot_file.h"

#include "base/banned.h"

/** A directory of the walk, with those of its subdirectories that are still to come. */
struct frame {
	struct ovl_entry *entry; /* counted */
	OVL_VEC(char *) name;    /* sorted; owned */
	size_t at;
};

struct walk {
	struct ovl_stack *stack;
	const struct ovl_check_options *options;
	struct ovl_snapshot *snapshot;
	struct ovl_map index; /* lower (dev, ino) -> name of the entry in the index, owned */
	OVL_VEC(struct frame) frame;
	unsigned char *dirbuf;
	struct ovl_buf names, value, text; /* scratch */
	struct ovl_key sum;                /* of the directory that is read */
	struct ovl_map failed; /* names in it that give an error; several layers may have them */
};

static void frame_done(struct frame *f)
{
	for (size_t i = f->at; i < f->name.len; i++)
		free(f->name.data[i]);
	ovl_vec_done(&f->name);
	ovl_entry_unref(f->entry);
}

static void walk_done(struct walk *w)
{
	struct ovl_key key;
	uint64_t value;
	size_t pos = 0;

	for (size_t i = 0; i < w->frame.len; i++)
		frame_done(&w->frame.data[i]);
	ovl_vec_done(&w->frame);
	while (ovl_map_next(&w->index, &pos, &key, &value))
		free((char *)(uintptr_t)value);
	ovl_map_done(&w->index);
	ovl_map_done(&w->failed);
	ovl_buf_done(&w->names);
	ovl_buf_done(&w->value);
	ovl_buf_done(&w->text);
	free(w->dirbuf);
}

/* ---- One name ---- */

/* The order of names must not matter, so sums are added. */
static void add_sum(struct walk *w, const struct ovl_buf *b)
{
	struct ovl_key key = ovl_map_hash(b->data, b->len);

	w->sum.a += key.a;
	w->sum.b += key.b;
}

static bool is_ours(const char *xattr)
{
	return strncmp(xattr, "trusted.overlay.", strlen("trusted.overlay.")) == 0 ||
	       strncmp(xattr, "user.overlay.", strlen("user.overlay.")) == 0;
}

/* @name: in the overlay */
static int add_xattrs(struct walk *w, const char *name, int dir, const char *real)
{
	struct ovl_reader *reader = w->stack->reader;
	int r = reader->ops->list_xattrs(reader, dir, real, &w->names);

	if (r == -EOPNOTSUPP)
		return 0;
	for (size_t i = 0; r == 0 && i < w->names.len; i += strlen(w->names.data + i) + 1) {
		const char *xattr = w->names.data + i;

		if (is_ours(xattr))
			continue;
		r = reader->ops->get_xattr(reader, dir, real, xattr, &w->value);
		ovl_buf_clear(&w->text);
		if (r == 0)
			r = ovl_buf_addf(&w->text, "%s/%s=", name, xattr);
		if (r == 0)
			r = ovl_buf_add(&w->text, w->value.data, w->value.len);
		if (r == 0)
			add_sum(w, &w->text);
	}
	return r;
}

static int add_error(struct walk *w, const char *name, int err)
{
	int r;

	ovl_buf_clear(&w->text);
	r = ovl_buf_addf(&w->text, "%s error %d", name, err);
	if (r == 0)
		add_sum(w, &w->text);
	return r;
}

/* Of directories, size and links are those of one layer, and no two are alike. */
static int add_stat(struct walk *w, const char *name, const struct ovl_stat *st, bool is_dir)
{
	int r;

	ovl_buf_clear(&w->text);
	r = ovl_buf_addf(&w->text, "%s %o %u %u %llu %llu %lld.%u", name, st->mode, st->uid,
			 st->gid, (unsigned long long)(is_dir ? 0 : st->size),
			 (unsigned long long)st->rdev, (long long)st->mtime_sec, st->mtime_nsec);
	if (r == 0)
		add_sum(w, &w->text);
	return r;
}

/* An object of a layer, as the overlay shows it under @name. What cannot be read is an error there. */
static int add_object(struct walk *w, const char *name, int dir, const char *real,
		      const struct ovl_stat *st, bool is_dir)
{
	int r = add_xattrs(w, name, dir, real);

	if (r == 0)
		r = add_stat(w, name, st, is_dir);
	return r == 0 || r == -ENOMEM ? r : add_error(w, name, r);
}

/* Which file stands in for a lower one with several names, if the index is in force. */
static const char *stand_in(const struct walk *w, const struct ovl_hit *hit)
{
	const struct ovl_found *top;
	uint64_t *value;

	if (hit->has_upper || hit->is_dir || w->stack->config.index != OVL_ON)
		return NULL;
	top = &hit->lower[0];
	value = ovl_map_get(&w->index, (struct ovl_key){ top->stat.dev, top->stat.ino });
	return value ? (const char *)(uintptr_t)*value : NULL;
}

static int add_indexed(struct walk *w, const char *name, const char *entry)
{
	struct ovl_reader *reader = w->stack->reader;
	int dir = w->stack->index.root.fd;
	struct ovl_stat st;
	int r = reader->ops->stat(reader, dir, entry, &st);

	return r < 0 ? add_error(w, name, r) : add_object(w, name, dir, entry, &st, false);
}

/*
 * A name of one of the directories of an entry: told only where it is the topmost.
 * @layer: of that directory; @dir: pinned
 */
static int add_name(struct walk *w, struct frame *f, int layer, int dir, const char *name)
{
	const struct ovl_found *top;
	const char *entry;
	struct ovl_hit hit;
	uint64_t *told;
	char *copy;
	int r = ovl_lookup(w->stack, f->entry, name, NULL, NULL, &hit);

	if (r < 0)
		return r;
	top = hit.has_upper ? &hit.upper : hit.n_lower ? &hit.lower[0] : NULL;
	entry = hit.result == 0 ? stand_in(w, &hit) : NULL;
	if (hit.result == -ENOENT) {
		r = 0;
	} else if (hit.result < 0) {
		r = ovl_map_put(&w->failed, ovl_map_hash(name, strlen(name)), 0, &told);
		r = r > 0 ? add_error(w, name, hit.result) : r;
	} else if (top && top->layer == layer) {
		r = entry ? add_indexed(w, name, entry) :
			    add_object(w, name, dir, name, &top->stat, hit.is_dir);
		if (r == 0 && hit.is_dir) {
			copy = strdup(name);
			r = copy ? ovl_vec_push(&f->name, copy) : -ENOMEM;
			if (r < 0)
				free(copy);
		}
	}
	ovl_hit_done(&hit);
	return r;
}

/* ---- Directories ---- */

static int read_dir(struct walk *w, struct frame *f, struct ovl_dir *dir)
{
	struct ovl_reader *reader = w->stack->reader;
	struct ovl_dirstream stream = { .buf = w->dirbuf, .room = OVL_DIRBUF_SIZE };
	struct ovl_dirent d;
	int pinned, fd = -1, r = ovl_dir_pin(dir, &pinned);

	if (r < 0)
		return r;
	r = reader->ops->open_dir(reader, pinned, "", &fd);
	while (r == 0) {
		r = reader->ops->read_dir(reader, fd, &stream, &d);
		if (r <= 0)
			break;
		r = w->options->cancelled && w->options->cancelled(w->options->ctx) ?
			    -ECANCELED :
			    add_name(w, f, dir->layer, pinned, d.name);
	}
	if (fd >= 0)
		reader->ops->close(reader, fd);
	ovl_dir_unpin(dir);
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* @entry is taken. Reads a directory, writes its record, and waits for its subdirectories. */
static int enter(struct walk *w, struct ovl_entry *entry, const char *name)
{
	struct frame f = { .entry = entry };
	int r = 0;

	w->sum = (struct ovl_key){ 0, 0 };
	ovl_map_done(&w->failed);
	if (entry->upper)
		r = read_dir(w, &f, entry->upper);
	for (size_t i = 0; r == 0 && i < entry->n_lower; i++)
		r = read_dir(w, &f, entry->lower[i]);
	if (f.name.len > 1)
		qsort(f.name.data, f.name.len, sizeof(*f.name.data), compare_names);
	if (r == 0)
		r = ovl_snapshot_add(w->snapshot, (uint32_t)w->frame.len, name, strlen(name),
				     w->sum);
	if (r == 0)
		r = ovl_vec_push(&w->frame, f);
	if (r < 0)
		frame_done(&f);
	return r;
}

/* The next directory: 1, or 0 when there is none. */
static int step(struct walk *w)
{
	struct frame *f = &w->frame.data[w->frame.len - 1];
	_cleanup_free_ char *name = NULL;
	struct ovl_entry *entry;
	struct ovl_hit hit;
	int r;

	if (f->at == f->name.len) {
		frame_done(f);
		return --w->frame.len > 0;
	}
	name = f->name.data[f->at++];
	r = ovl_lookup(w->stack, f->entry, name, NULL, NULL, &hit);
	if (r < 0)
		return r;
	if (hit.result < 0 || !hit.is_dir) {
		r = -ESTALE; /* it was, a moment before */
	} else {
		r = ovl_lookup_entry(w->stack, f->entry, &hit, &entry);
		if (r == 0)
			r = enter(w, entry, name);
	}
	ovl_hit_done(&hit);
	return r < 0 ? r : 1;
}

/* ---- The index ---- */

static int note_entry(struct walk *w, const char *name)
{
	struct ovl_fact_index fact = { 0 };
	uint64_t *value;
	char *copy;
	int r;

	ovl_index_entry_decode(w->stack, name, &fact);
	if (fact.state != OVL_ORIGIN_FOUND || fact.lower_kind == OVL_KIND_DIR)
		return 0;
	r = ovl_map_put(&w->index, fact.lower, 0, &value);
	if (r <= 0)
		return r;
	copy = strdup(name);
	*value = (uint64_t)(uintptr_t)copy;
	return copy ? 0 : -ENOMEM;
}

static int note_index(struct walk *w)
{
	struct ovl_reader *reader = w->stack->reader;
	struct ovl_dirstream stream = { .buf = w->dirbuf, .room = OVL_DIRBUF_SIZE };
	struct ovl_dirent d;
	int fd, r;

	if (w->stack->index.root.fd < 0 || w->stack->config.index != OVL_ON)
		return 0;
	r = reader->ops->open_dir(reader, w->stack->index.root.fd, "", &fd);
	if (r < 0)
		return r;
	while ((r = reader->ops->read_dir(reader, fd, &stream, &d)) > 0) {
		/* A whiteout tells that the lower names are whited out; so they are in the upper. */
		r = d.name[0] == '#' || d.type == OVL_DT_CHR ? 0 : note_entry(w, d.name);
		if (r < 0)
			break;
	}
	reader->ops->close(reader, fd);
	return r;
}

static int take(struct walk *w)
{
	struct ovl_entry *root;
	int r;

	w->dirbuf = malloc(OVL_DIRBUF_SIZE);
	if (!w->dirbuf)
		return -ENOMEM;
	r = note_index(w);
	if (r < 0)
		return r;
	root = ovl_lookup_root(w->stack, OVL_LAYER_UPPER);
	r = root ? enter(w, root, "") : -ENOMEM;
	r = r < 0 ? r : 1;
	while (r > 0)
		r = step(w);
	return r;
}

int ovl_snapshot_take(struct ovl_stack *stack, const struct ovl_config *rules,
		      const struct ovl_check_options *options, struct ovl_snapshot **ret)
{
	_cleanup_(walk_done) struct walk w = { .stack = stack, .options = options };
	const struct ovl_config config = stack->config;
	const unsigned n_data = stack->n_data;
	int r = ovl_snapshot_new(&w.snapshot);

	if (r < 0)
		return r;
	stack->config = *rules;
	if (rules->n_data == 0)
		stack->n_data = 0;
	r = take(&w);
	stack->config = config;
	stack->n_data = n_data;
	if (r < 0)
		ovl_snapshot_free(w.snapshot);
	else
		*ret = w.snapshot;
	return r;
}
