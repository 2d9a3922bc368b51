/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk through what is merged. See expand.h.
 */
#include "repair/expand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/redirect.h"
#include "repair/trees.h"

#include "base/banned.h"

/** A directory whose names are still to be looked up. */
struct job {
	struct ovl_entry *entry; /* counted */
	struct ovl_path *path;   /* in the layer; counted */
	size_t copy;             /* 1 + number of its copy; 0: the layer has it */
};

struct walk {
	struct ovl_fixer *fx;
	int layer; /* that gets everything */
	struct ovl_expansion *x;
	OVL_VEC(struct job) job;
	unsigned char *buf; /* of the directory stream */
};

void ovl_expand_done(struct ovl_expansion *x)
{
	for (size_t i = 0; i < x->copy.len; i++) {
		ovl_path_unref(x->copy.data[i].path);
		ovl_path_unref((struct ovl_path *)x->copy.data[i].source.path);
		ovl_path_unref((struct ovl_path *)x->copy.data[i].data.path);
	}
	for (size_t i = 0; i < x->relative.len; i++)
		ovl_path_unref(x->relative.data[i]);
	ovl_vec_done(&x->copy);
	ovl_vec_done(&x->relative);
	ovl_map_done(&x->inode);
	ovl_map_done(&x->filled);
	ovl_map_done(&x->index);
	*x = (struct ovl_expansion){ 0 };
}

static void walk_done(struct walk *w)
{
	for (size_t i = 0; i < w->job.len; i++) {
		ovl_entry_unref(w->job.data[i].entry);
		ovl_path_unref(w->job.data[i].path);
	}
	ovl_vec_done(&w->job);
	free(w->buf);
}

static int refuse(struct walk *w, const struct ovl_path *path, const char *why)
{
	_cleanup_free_ char *place = ovl_fixer_place(w->fx, (struct ovl_loc){ w->layer, path });

	return place ? ovl_way_refuse(w->fx, "%s %s", place, why) : -ENOMEM;
}

/* @entry is taken. */
static int add_job(struct walk *w, struct ovl_entry *entry, struct ovl_path *path, size_t copy)
{
	struct job job = { entry, ovl_path_ref(path), copy };

	if (ovl_vec_push(&w->job, job) == 0)
		return 0;
	ovl_entry_unref(entry);
	ovl_path_unref(path);
	return -ENOMEM;
}

/* A subdirectory that has something below it: its names are next. */
static int descend(struct walk *w, const struct job *job, const struct ovl_hit *hit,
		   struct ovl_path *path, size_t copy)
{
	struct ovl_entry *entry;
	int r = ovl_lookup_entry(w->fx->stack, job->entry, hit, &entry);

	r = r < 0 ? r : add_job(w, entry, path, copy);
	return r < 0 ? r : 1;
}

/* Does its own redirect lead from the roots, whatever the directory above is? 1, 0 */
static bool is_absolute(const struct ovl_obs *obs)
{
	struct ovl_redirect red;

	return (obs->xmask & OVL_XBIT(REDIRECT)) &&
	       ovl_redirect_parse(obs->x[OVL_X_REDIRECT], &red) == 0 && red.absolute;
}

/* What the layer has itself of what is shown; NULL: it is from below. */
static const struct ovl_found *own_of(const struct walk *w, const struct ovl_hit *hit)
{
	if (w->layer == OVL_LAYER_UPPER)
		return hit->has_upper ? &hit->upper : NULL;
	return hit->n_lower > 0 && hit->lower[0].layer == w->layer ? &hit->lower[0] : NULL;
}

/* Does something of what is shown come from below an object of the layer? */
static bool is_mixed(const struct walk *w, const struct ovl_hit *hit)
{
	const bool upper = w->layer == OVL_LAYER_UPPER;

	if (!hit->is_dir)
		return upper ? hit->upper_metacopy : hit->lower[0].metacopy;
	return hit->n_lower > (upper ? 0 : 1);
}

/* A metacopy file of the layer gets its data. */
static int complete(struct walk *w, const struct ovl_hit *hit, struct ovl_loc loc)
{
	struct ovl_found storage = { 0 };
	const struct ovl_found *data;
	uint64_t *value;
	int r = ovl_map_put(&w->x->filled, (struct ovl_key){ own_of(w, hit)->stat.ino, 0 }, 1,
			    &value);

	if (r <= 0)
		return r < 0 ? r : 1; /* another name of it was met before */
	r = ovl_lookup_data(w->fx->stack, hit, &storage, &data);
	if (r < 0)
		return r == -ENOMEM ? r : refuse(w, loc.path, "has no data");
	r = ovl_way_complete(w->fx, loc, (struct ovl_loc){ data->layer, data->path });
	ovl_found_done(&storage);
	return r;
}

static int visit_own(struct walk *w, const struct job *job, const struct ovl_hit *hit,
		     struct ovl_path *path)
{
	struct ovl_loc loc = { w->layer, path };
	struct ovl_obs obs;
	int r;

	if (!is_mixed(w, hit))
		return 1; /* the layer has all of it */
	r = ovl_fixer_observe(w->fx, loc, &obs);
	if (r < 0)
		return r;
	if (is_absolute(&obs))
		return 1;
	if (!hit->is_dir)
		return complete(w, hit, loc);
	if (ovl_obs_has(&obs, OVL_X_REDIRECT)) {
		if (ovl_vec_push(&w->x->relative, ovl_path_ref(path)) < 0) {
			ovl_path_unref(path);
			return -ENOMEM;
		}
	}
	return descend(w, job, hit, path, 0);
}

static int add_copy(struct walk *w, const struct job *job, const struct ovl_found *lower,
		    struct ovl_path *path)
{
	struct ovl_expand_copy copy = { .path = ovl_path_ref(path),
					.parent = job->copy,
					.source = { lower->layer, ovl_path_ref(lower->path) },
					.ino = lower->stat.ino };
	const struct ovl_key key = { lower->stat.dev, lower->stat.ino };
	uint64_t *first;
	int r = 0;

	if (lower->kind != OVL_KIND_DIR && lower->stat.nlink > 1) {
		r = ovl_map_put(&w->x->inode, key, w->x->copy.len + 1, &first);
		copy.first = r == 0 ? *first : 0;
	}
	if (r >= 0 && copy.first == 0)
		copy.number = ++*w->fx->number;
	if (r >= 0)
		r = ovl_vec_push(&w->x->copy, copy);
	if (r < 0) {
		ovl_path_unref(copy.path);
		ovl_path_unref((struct ovl_path *)copy.source.path);
	}
	return r < 0 ? r : 1;
}

/* What was copied last is a metacopy file. */
static int add_data(struct walk *w, const struct ovl_hit *hit, struct ovl_path *path)
{
	struct ovl_expand_copy *copy = &w->x->copy.data[w->x->copy.len - 1];
	struct ovl_found storage = { 0 };
	const struct ovl_found *data;
	int r = ovl_lookup_data(w->fx->stack, hit, &storage, &data);

	if (r < 0)
		return r == -ENOMEM ? r : refuse(w, path, "has no data");
	copy->data = (struct ovl_loc){ data->layer, ovl_path_ref(data->path) };
	copy->data_ino = data->stat.ino;
	ovl_found_done(&storage);
	return 1;
}

/*
 * A lower file with several names of which one was changed: with index=on all of them show what is in
 * the index. 1, or 0 if it is not to be copied.
 */
static int take_indexed(struct walk *w, const struct ovl_found *lower, struct ovl_path *path)
{
	struct ovl_expand_copy *copy = &w->x->copy.data[w->x->copy.len - 1];
	const struct ovl_key key = { lower->stat.dev, lower->stat.ino };
	const uint64_t *number = ovl_map_get(&w->x->index, key);
	struct ovl_path *entry;
	struct ovl_obs obs;
	const char *name;
	int r;

	if (!number || copy->first != 0)
		return 1;
	name = w->fx->facts->index.data[*number].name;
	entry = ovl_path_new(NULL, name, strlen(name));
	if (!entry)
		return -ENOMEM;
	ovl_path_unref((struct ovl_path *)copy->source.path);
	copy->source = (struct ovl_loc){ OVL_LAYER_INDEX, entry };
	r = ovl_fixer_observe(w->fx, copy->source, &obs);
	if (r < 0)
		return r;
	if (obs.kind != lower->kind)
		return refuse(w, path, "is something else in the index");
	if (ovl_obs_has(&obs, OVL_X_METACOPY) && !copy->data.path) {
		copy->data = (struct ovl_loc){ lower->layer, ovl_path_ref(lower->path) };
		copy->data_ino = lower->stat.ino;
	}
	copy->ino = obs.stat.ino;
	return 1;
}

static int visit_lower(struct walk *w, const struct job *job, const struct ovl_hit *hit,
		       struct ovl_path *path)
{
	int r;

	r = add_copy(w, job, &hit->lower[0], path);
	if (r > 0 && hit->is_dir)
		return descend(w, job, hit, path, w->x->copy.len);
	if (r > 0 && (hit->lower[0].metacopy || hit->lazy_data))
		r = add_data(w, hit, path);
	return r > 0 ? take_indexed(w, &hit->lower[0], path) : r;
}

static int visit(struct walk *w, const struct job *job, const struct ovl_dirent *d)
{
	struct ovl_path *path = ovl_path_new(job->path, d->name, d->len);
	struct ovl_hit hit;
	int r = -ENOMEM;

	if (path)
		r = ovl_lookup(w->fx->stack, job->entry, path->name, NULL, NULL, &hit);
	if (r < 0) {
		ovl_path_unref(path);
		return r;
	}
	if (hit.result == -ENOENT)
		r = 1; /* hidden by a whiteout */
	else if (hit.result < 0)
		r = refuse(w, path, "cannot be looked up: put it right first");
	else if (own_of(w, &hit))
		r = visit_own(w, job, &hit, path);
	else
		r = visit_lower(w, job, &hit, path);
	ovl_hit_done(&hit);
	ovl_path_unref(path);
	return r;
}

/* @seen: names that an earlier directory of the entry had, by their hashes */
static int read_names(struct walk *w, const struct job *job, struct ovl_dir *dir,
		      struct ovl_map *seen)
{
	struct ovl_reader *reader = w->fx->stack->reader;
	struct ovl_dirstream stream = { .buf = w->buf, .room = OVL_DIRBUF_SIZE };
	struct ovl_dirent d;
	int pinned, fd, r = ovl_dir_pin(dir, &pinned);

	if (r < 0)
		return r;
	r = reader->ops->open_dir(reader, pinned, "", &fd);
	ovl_dir_unpin(dir);
	if (r < 0)
		return r;
	r = 1;
	while (r > 0) {
		uint64_t *value;

		r = reader->ops->read_dir(reader, fd, &stream, &d);
		if (r <= 0) {
			r = r < 0 ? r : 1;
			break;
		}
		r = ovl_map_put(seen, ovl_map_hash(d.name, d.len), 1, &value);
		if (r >= 0)
			r = r == 0 ? 1 : visit(w, job, &d);
	}
	reader->ops->close(reader, fd);
	return r;
}

static int read_entry(struct walk *w, const struct job *job)
{
	struct ovl_map seen = { 0 };
	int r = 1;

	if (job->entry->upper)
		r = read_names(w, job, job->entry->upper, &seen);
	for (size_t i = 0; r > 0 && i < job->entry->n_lower; i++)
		r = read_names(w, job, job->entry->lower[i], &seen);
	ovl_map_done(&seen);
	return r;
}

static int note_index(struct walk *w)
{
	const struct ovl_facts *f = w->fx->facts;
	uint64_t *value;
	int r = 0;

	for (size_t i = 0;
	     r >= 0 && w->layer == OVL_LAYER_UPPER && f->index_judged && i < f->index.len; i++)
		if (f->index.data[i].state == OVL_ORIGIN_FOUND)
			r = ovl_map_put(&w->x->index, f->index.data[i].lower, i, &value);
	return r < 0 ? r : 0;
}

static int begin(struct walk *w, const struct ovl_path *dir)
{
	struct ovl_entry *entry = NULL;
	struct ovl_hit hit;
	int r = ovl_lookup_path(w->fx->stack, w->layer, dir, &hit, &entry);

	if (r < 0)
		return r;
	r = hit.result;
	ovl_hit_done(&hit);
	if (!entry)
		return r < 0 && r != -ENOENT ? refuse(w, dir, "cannot be looked up") : 0;
	r = add_job(w, entry, (struct ovl_path *)dir, 0);
	return r < 0 ? r : 1;
}

int ovl_expand_walk(struct ovl_fixer *fx, struct ovl_loc dir, struct ovl_expansion *ret)
{
	_cleanup_(walk_done) struct walk w = {
		.fx = fx, .layer = dir.layer, .x = ret, .buf = malloc(OVL_DIRBUF_SIZE)
	};
	int r = w.buf ? note_index(&w) : -ENOMEM;

	ret->layer = dir.layer;

	if (r == 0)
		r = begin(&w, dir.path);
	while (r > 0 && w.job.len > 0) {
		struct job job = w.job.data[--w.job.len];

		r = read_entry(&w, &job);
		ovl_entry_unref(job.entry);
		ovl_path_unref(job.path);
	}
	return r;
}

/*
 * ---- Operations ----
 * They are made in the order in which they can be taken back: more names for what has several, then what
 * was copied goes into its directory, the deepest first, then the marks.
 */

/* Where a copy goes: into the directory that is copied with it, as long as that is in stage/. */
static int place_of(const struct ovl_expansion *x, const struct ovl_expand_copy *copy,
		    struct ovl_place *ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r;

	if (copy->parent == 0)
		return ovl_place_set(ret, (struct ovl_loc){ x->layer, copy->path });
	r = ovl_place_store(ret, "stage", x->copy.data[copy->parent - 1].number);
	if (r == 0)
		r = ovl_buf_adds(&b, ret->path);
	if (r == 0)
		r = ovl_buf_addc(&b, '/');
	if (r == 0)
		r = ovl_buf_add(&b, copy->path->name, copy->path->len);
	if (r < 0)
		return r;
	free(ret->path);
	ret->path = ovl_buf_take(&b);
	return ret->path ? 0 : -ENOMEM;
}

static int emit_copy(struct ovl_fixer *fx, const struct ovl_expansion *x,
		     const struct ovl_expand_copy *copy)
{
	struct ovl_op op = { .type = OVL_OP_MOVE, .make = OVL_MAKE_COPY, .source_ino = copy->ino };
	int r = ovl_place_store(&op.at, "stage", copy->number);

	if (r == 0)
		r = ovl_place_set(&op.source, copy->source);
	if (r == 0 && copy->data.path)
		r = ovl_place_set(&op.data, copy->data);
	op.data_ino = copy->data_ino;
	if (r == 0)
		r = place_of(x, copy, &op.to);
	return ovl_way_add(fx, &op, r);
}

static int emit_link(struct ovl_fixer *fx, const struct ovl_expansion *x,
		     const struct ovl_expand_copy *copy)
{
	struct ovl_op op = { .type = OVL_OP_LINK };
	int r = ovl_place_store(&op.at, "stage", x->copy.data[copy->first - 1].number);

	if (r == 0)
		r = place_of(x, copy, &op.to);
	return ovl_way_add(fx, &op, r);
}

int ovl_expand_emit(struct ovl_fixer *fx, const struct ovl_expansion *x)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < x->copy.len; i++)
		if (x->copy.data[i].first != 0)
			r = emit_link(fx, x, &x->copy.data[i]);
	for (size_t i = x->copy.len; r == 0 && i-- > 0;)
		if (x->copy.data[i].first == 0)
			r = emit_copy(fx, x, &x->copy.data[i]);
	return r;
}

static int expand_marks(struct ovl_fixer *fx, struct ovl_loc dir, const struct ovl_expansion *x)
{
	static const struct ovl_bytes mark_y = { (const unsigned char *)"y", 1 };
	int r = ovl_way_set_xattr(fx, dir, OVL_X_OPAQUE, mark_y);

	if (r == 0)
		r = ovl_way_remove_xattr(fx, dir, OVL_X_REDIRECT);
	/* These were looked up in the directories below, of which none is left. */
	for (size_t i = 0; r == 0 && i < x->relative.len; i++)
		r = ovl_way_remove_xattr(fx, (struct ovl_loc){ x->layer, x->relative.data[i] },
					 OVL_X_REDIRECT);
	return r;
}

int ovl_expand_dir(struct ovl_fixer *fx, struct ovl_loc dir)
{
	struct ovl_expansion x = { 0 };
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, dir, &obs);

	if (r < 0)
		return r;
	if ((obs.xmask & OVL_XBIT(OPAQUE)) && obs.x[OVL_X_OPAQUE].len == 1 &&
	    *obs.x[OVL_X_OPAQUE].data == 'x')
		return ovl_way_refuse(
			fx, "whiteouts in it are xattrs, which have to be replaced first");
	r = ovl_expand_walk(fx, dir, &x);
	if (r > 0) {
		r = ovl_expand_emit(fx, &x);
		if (r == 0)
			r = expand_marks(fx, dir, &x);
		if (r == 0)
			r = 1;
	}
	ovl_expand_done(&x);
	return r;
}
