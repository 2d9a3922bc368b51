/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk of a snapshot. See snapshot.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "check/engine.h"
#include "check/index_entry.h"
#include "check/snapshot_file.h"
#include "check/snapshot_names.h"

#include "base/banned.h"

enum { AT_ONCE = 4096 }; /* names that are kept at a time */

/** A directory of the walk, with those of its subdirectories that are still to come. */
struct frame {
	struct ovl_entry *entry; /* counted */
	struct ovl_key key;      /* stands for its path */
	ovl_name_vec name;       /* sorted; owned from at on */
	size_t at;
};

struct walk {
	struct ovl_stack *stack;
	const struct ovl_check_options *options;
	struct ovl_snapshot *snapshot;
	const struct ovl_snapshot *like;
	const struct ovl_twins *twins;
	unsigned threads;
	struct ovl_map index; /* lower (dev, ino) -> name of the entry in the index, owned */
	OVL_VEC(struct frame) frame;
	unsigned char *dirbuf;
};

static void frame_done(struct frame *f)
{
	ovl_names_done(&f->name, f->at);
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
	free(w->dirbuf);
}

/* ---- Directories ---- */

static int keep_name(ovl_name_vec *names, const char *name)
{
	char *copy = strdup(name);
	int r = copy ? ovl_vec_push(names, copy) : -ENOMEM;

	if (r < 0)
		free(copy);
	return r;
}

/* Takes the names of a directory, some at a time, and sums them up. */
static int read_names(struct walk *w, int fd, struct ovl_snapshot_names *n,
		      struct ovl_snapshot_sum *sum)
{
	struct ovl_reader *reader = w->stack->reader;
	struct ovl_dirstream stream = { .buf = w->dirbuf, .room = OVL_DIRBUF_SIZE };
	struct ovl_dirent d;
	int more = 1, r = 0;

	while (r == 0 && more > 0) {
		more = reader->ops->read_dir(reader, fd, &stream, &d);
		if (more > 0)
			r = keep_name(&n->name, d.name);
		if (r < 0 || (more > 0 && n->name.len < AT_ONCE))
			continue;
		r = w->options->cancelled && w->options->cancelled(w->options->ctx) ?
			    -ECANCELED :
			    ovl_snapshot_sum_up(n, w->threads, sum);
		ovl_names_done(&n->name, 0);
	}
	ovl_names_done(&n->name, 0);
	return r < 0 ? r : more;
}

/* @above: the topmost directory of the entry, if @dir is another one */
static int read_dir(struct walk *w, const struct frame *f, struct ovl_dir *above,
		    struct ovl_dir *dir, struct ovl_snapshot_sum *sum)
{
	struct ovl_reader *reader = w->stack->reader;
	struct ovl_snapshot_names n = { .stack = w->stack,
					.index = &w->index,
					.entry = f->entry,
					.key = f->key,
					.like = w->like,
					.twins = w->twins,
					.layer = dir->layer,
					.above = -1 };
	int fd = -1, r = ovl_dir_pin(dir, &n.dir);

	if (r < 0)
		return r;
	/* (If that one cannot be opened, it is told of when its own names are read.) */
	if (above && ovl_dir_pin(above, &n.above) < 0)
		above = NULL;
	r = reader->ops->open_dir(reader, n.dir, "", &fd);
	if (r == 0)
		r = read_names(w, fd, &n, sum);
	if (fd >= 0)
		reader->ops->close(reader, fd);
	if (above)
		ovl_dir_unpin(above);
	ovl_dir_unpin(dir);
	return r;
}

static int read_entry(struct walk *w, const struct frame *f, struct ovl_snapshot_sum *sum)
{
	struct ovl_entry *entry = f->entry;
	struct ovl_dir *above = entry->upper;
	int r = above ? read_dir(w, f, NULL, above, sum) : 0;

	for (size_t i = 0; r == 0 && i < entry->n_lower; i++) {
		r = read_dir(w, f, above, entry->lower[i], sum);
		if (!above)
			above = entry->lower[i];
	}
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A hash of a path, from that of the directory and a name in it. */
static int key_of(struct ovl_key dir, const char *name, struct ovl_key *ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = ovl_buf_add(&b, &dir, sizeof(dir));

	if (r == 0)
		r = ovl_buf_adds(&b, name);
	if (r == 0)
		*ret = ovl_map_hash(b.data, b.len);
	return r;
}

/* @entry is taken. Reads a directory, writes its record, and waits for its subdirectories. */
static int enter(struct walk *w, struct ovl_entry *entry, struct ovl_key key, const char *name)
{
	struct ovl_snapshot_sum sum = { 0 };
	struct frame f = { .entry = entry, .key = key };
	int r = read_entry(w, &f, &sum);

	f.name = sum.dir;
	ovl_map_done(&sum.failed);
	for (size_t i = 0; r == 0 && i < sum.link.len; i++) {
		sum.link.data[i].dir = w->snapshot->n_dirs;
		r = ovl_snapshot_add_link(w->snapshot, &sum.link.data[i]);
	}
	ovl_vec_done(&sum.link);
	if (f.name.len > 1)
		qsort(f.name.data, f.name.len, sizeof(*f.name.data), compare_names);
	if (r == 0)
		r = ovl_snapshot_add(w->snapshot, (uint32_t)w->frame.len, name, strlen(name),
				     sum.sum);
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
	struct ovl_key key;
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
		r = key_of(f->key, name, &key);
		if (r == 0)
			r = ovl_lookup_entry(w->stack, f->entry, &hit, &entry);
		if (r == 0)
			r = enter(w, entry, key, name);
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
		if (d.name[0] == '#' || ovl_reader_is_whiteout(reader, w->stack->index.root.fd, &d))
			continue;
		r = note_entry(w, d.name);
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
	r = root ? enter(w, root, (struct ovl_key){ 0, 0 }, "") : -ENOMEM;
	r = r < 0 ? r : 1;
	while (r > 0)
		r = step(w);
	return r;
}

int ovl_snapshot_take(struct ovl_stack *stack, const struct ovl_config *rules,
		      const struct ovl_check_options *options, const struct ovl_snapshot *like,
		      const struct ovl_twins *twins, struct ovl_snapshot **ret)
{
	_cleanup_(walk_done) struct walk w = { .stack = stack,
					       .options = options,
					       .like = like,
					       .twins = twins,
					       .threads = ovl_check_threads(options) };
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
