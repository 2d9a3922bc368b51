/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk through what is merged. See expand.h.
 *
 * Only directories that the layer has itself are looked at here, of which there are few. What is below
 * each of them is copied when the way is carried out, as one tree whose size does not matter (tree.h).
 */
#include "repair/expand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/redirect.h"
#include "format/value.h"
#include "repair/tree.h"

#include "base/banned.h"

/** A directory whose names are still to be looked up. */
struct job {
	struct ovl_entry *entry; /* counted */
	struct ovl_path *path;   /* in the layer; counted */
};

typedef OVL_VEC(struct ovl_path *) path_vec; /* counted */

struct walk {
	struct ovl_fixer *fx;
	struct ovl_loc dir;
	OVL_VEC(struct job) job;
	path_vec merged;       /* directories of the layer that get something */
	path_vec relative;     /* those of them, but for the first, with a relative redirect */
	struct ovl_map filled; /* inodes of metacopy files that were completed */
	struct ovl_tree_links *links;
	unsigned char *buf; /* of the directory stream */
};

static void paths_done(path_vec *paths)
{
	for (size_t i = 0; i < paths->len; i++)
		ovl_path_unref(paths->data[i]);
	ovl_vec_done(paths);
}

static int add_path(path_vec *paths, const struct ovl_path *path)
{
	struct ovl_path *ref = ovl_path_ref(path);
	int r = ovl_vec_push(paths, ref);

	if (r < 0)
		ovl_path_unref(ref);
	return r;
}

static void walk_done(struct walk *w)
{
	for (size_t i = 0; i < w->job.len; i++) {
		ovl_entry_unref(w->job.data[i].entry);
		ovl_path_unref(w->job.data[i].path);
	}
	ovl_vec_done(&w->job);
	paths_done(&w->merged);
	paths_done(&w->relative);
	ovl_map_done(&w->filled);
	ovl_tree_links_unref(w->links);
	free(w->buf);
}

static int refuse(struct walk *w, const struct ovl_path *path, const char *why)
{
	_cleanup_free_ char *place = ovl_fixer_place(w->fx, (struct ovl_loc){ w->dir.layer, path });

	return place ? ovl_way_refuse(w->fx, "%s %s", place, why) : -ENOMEM;
}

/* What the layer has itself of what is shown; NULL: it is from below. */
static const struct ovl_found *own_of(const struct walk *w, const struct ovl_hit *hit)
{
	if (w->dir.layer == OVL_LAYER_UPPER)
		return hit->has_upper ? &hit->upper : NULL;
	return hit->n_lower > 0 && hit->lower[0].layer == w->dir.layer ? &hit->lower[0] : NULL;
}

/* Does something of what is shown come from below an object of the layer? */
static bool is_mixed(const struct walk *w, const struct ovl_hit *hit)
{
	const bool upper = w->dir.layer == OVL_LAYER_UPPER;

	if (!hit->is_dir)
		return upper ? hit->upper_metacopy : hit->lower[0].metacopy;
	return hit->n_lower > (upper ? 0 : 1);
}

/* A directory of the layer that has something below it: its names are next. @entry is taken. */
static int add_job(struct walk *w, struct ovl_entry *entry, const struct ovl_path *path)
{
	struct job job = { entry, ovl_path_ref(path) };
	int r = add_path(&w->merged, path);

	if (r == 0)
		r = ovl_vec_push(&w->job, job);
	if (r < 0) {
		ovl_entry_unref(entry);
		ovl_path_unref(job.path);
	}
	return r < 0 ? r : 1;
}

/* Does its own redirect lead from the roots, whatever the directory above is? */
static bool is_absolute(const struct ovl_obs *obs)
{
	struct ovl_redirect red;

	return (obs->xmask & OVL_XBIT(REDIRECT)) &&
	       ovl_redirect_parse(obs->x[OVL_X_REDIRECT], &red) == 0 && red.absolute;
}

/* A metacopy file of the layer gets its data. */
static int complete(struct walk *w, const struct ovl_hit *hit, struct ovl_loc loc)
{
	struct ovl_found storage = { 0 };
	const struct ovl_found *data;
	uint64_t *value;
	int r = ovl_map_put(&w->filled, (struct ovl_key){ own_of(w, hit)->stat.ino, 0 }, 1, &value);

	if (r <= 0)
		return r < 0 ? r : 1; /* another name of it was met before */
	r = ovl_lookup_data(w->fx->stack, hit, &storage, &data);
	if (r < 0)
		return r == -ENOMEM ? r : refuse(w, loc.path, "has no data");
	r = ovl_way_complete(w->fx, loc, (struct ovl_loc){ data->layer, data->path });
	ovl_found_done(&storage);
	return r;
}

/* What has an absolute redirect does not depend on the directory and stays as it is. */
static int visit_own(struct walk *w, const struct job *job, const struct ovl_hit *hit,
		     struct ovl_path *path)
{
	struct ovl_loc loc = { w->dir.layer, path };
	struct ovl_entry *entry;
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
	r = ovl_obs_has(&obs, OVL_X_REDIRECT) ? add_path(&w->relative, path) : 0;
	if (r == 0)
		r = ovl_lookup_entry(w->fx->stack, job->entry, hit, &entry);
	return r < 0 ? r : add_job(w, entry, path);
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
		r = 1; /* a whiteout */
	else if (hit.result < 0)
		r = refuse(w, path, "cannot be looked up: put it right first");
	else
		r = own_of(w, &hit) ? visit_own(w, job, &hit, path) : 1;
	ovl_hit_done(&hit);
	ovl_path_unref(path);
	return r;
}

/* The names that the layer has itself. */
static int read_names(struct walk *w, const struct job *job)
{
	struct ovl_reader *reader = w->fx->stack->reader;
	struct ovl_dir *dir = job->entry->upper ? job->entry->upper : job->entry->lower[0];
	struct ovl_dirstream stream = { .buf = w->buf, .room = OVL_DIRBUF_SIZE };
	struct ovl_dirent d;
	int pinned, fd, r = ovl_dir_pin(dir, &pinned);

	if (r < 0)
		return r;
	r = reader->ops->open_dir(reader, pinned, "", &fd);
	ovl_dir_unpin(dir);
	if (r < 0)
		return r;
	for (r = 1; r > 0;) {
		r = reader->ops->read_dir(reader, fd, &stream, &d);
		if (r <= 0) {
			r = r < 0 ? r : 1;
			break;
		}
		r = visit(w, job, &d);
	}
	reader->ops->close(reader, fd);
	return r;
}

/* ---- Operations ---- */

/* All that a directory shows from below goes into @to. */
static int emit_spread(struct walk *w, const struct ovl_path *dir, struct ovl_place *to)
{
	struct ovl_op op = { .type = OVL_OP_SPREAD, .make = OVL_MAKE_TREE, .to = *to };
	_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 };
	int r = ovl_buf_addf(&path, "/stage/%llu.tree",
			     (unsigned long long)ovl_fixer_number(w->fx));

	op.links = ovl_tree_links_ref(w->links);
	op.at.tree = OVL_TREE_STORE;
	if (r == 0)
		op.at.path = ovl_buf_take(&path);
	if (r == 0)
		r = op.at.path ? ovl_place_set(&op.source, (struct ovl_loc){ w->dir.layer, dir }) :
				 -ENOMEM;
	return ovl_way_add(w->fx, &op, r);
}

static int emit_marks(struct walk *w)
{
	static const struct ovl_bytes mark_y = { (const unsigned char *)"y", 1 };
	struct ovl_fixer *fx = w->fx;
	int r = ovl_way_set_xattr(fx, w->dir, OVL_X_OPAQUE, mark_y);

	if (r == 0)
		r = ovl_way_remove_xattr(fx, w->dir, OVL_X_REDIRECT);
	/* These were looked up in the directories below, of which none is left. */
	for (size_t i = 0; r == 0 && i < w->relative.len; i++)
		r = ovl_way_remove_xattr(fx, (struct ovl_loc){ w->dir.layer, w->relative.data[i] },
					 OVL_X_REDIRECT);
	return r < 0 ? r : 1;
}

/* The layer has the directory: what is below is put there before it is covered. */
static int emit_merged(struct walk *w)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->merged.len; i++) {
		struct ovl_place to = { 0 };

		r = ovl_place_set(&to, (struct ovl_loc){ w->dir.layer, w->merged.data[i] });
		if (r == 0)
			r = emit_spread(w, w->merged.data[i], &to);
	}
	return r < 0 ? r : emit_marks(w);
}

static int emit_opaque(struct walk *w, uint64_t number)
{
	struct ovl_op op = { .type = OVL_OP_XATTR, .has_new = true };
	int r = ovl_place_store(&op.at, "stage", number);

	op.xattr = strdup(ovl_xattr_name(OVL_X_OPAQUE, w->fx->stack->config.userxattr));
	if (r == 0)
		r = op.xattr ? ovl_buf_addc(&op.new_value, 'y') : -ENOMEM;
	return ovl_way_add(w->fx, &op, r);
}

/* It has none: a new one gets everything, and is moved to its place. */
static int emit_new(struct walk *w, const struct ovl_found *lower)
{
	struct ovl_op op = { .type = OVL_OP_MOVE,
			     .make = OVL_MAKE_COPY,
			     .source_ino = lower->stat.ino };
	const uint64_t number = ovl_fixer_number(w->fx);
	struct ovl_place to = { 0 };
	int r = ovl_place_store(&to, "stage", number);

	if (r == 0)
		r = emit_spread(w, w->dir.path, &to);
	if (r == 0)
		r = emit_opaque(w, number);
	if (r < 0)
		return r;
	r = ovl_place_store(&op.at, "stage", number);
	if (r == 0)
		r = ovl_place_set(&op.source, (struct ovl_loc){ lower->layer, lower->path });
	if (r == 0)
		r = ovl_place_set(&op.to, w->dir);
	r = ovl_way_add(w->fx, &op, r);
	return r < 0 ? r : 1;
}

/* ---- The whole ---- */

static int expand_own(struct walk *w, struct ovl_entry *entry)
{
	enum ovl_opaque opaque = OVL_OPAQUE_NO;
	struct ovl_obs obs;
	int r = ovl_fixer_observe(w->fx, w->dir, &obs);

	if (r < 0)
		return r;
	if (obs.xmask & OVL_XBIT(OPAQUE))
		ovl_value_opaque(obs.x[OVL_X_OPAQUE], &opaque);
	if (opaque == OVL_OPAQUE_XWHITE)
		return ovl_way_refuse(w->fx, "whiteouts in it are xattrs, which have to be "
					     "replaced first");
	r = add_job(w, ovl_entry_ref(entry), w->dir.path);
	while (r > 0 && w->job.len > 0) {
		struct job job = w->job.data[--w->job.len];

		r = read_names(w, &job);
		ovl_entry_unref(job.entry);
		ovl_path_unref(job.path);
	}
	return r > 0 ? emit_merged(w) : r;
}

static int expand(struct walk *w)
{
	struct ovl_entry *entry = NULL;
	struct ovl_hit hit;
	int r = ovl_lookup_path(w->fx->stack, w->dir.layer, w->dir.path, &hit, &entry);

	if (r < 0)
		return r;
	if (!entry)
		r = hit.result < 0 && hit.result != -ENOENT ?
			    refuse(w, w->dir.path, "cannot be looked up") :
			    ovl_way_refuse(w->fx, "it is no directory any more");
	else
		r = own_of(w, &hit) ? expand_own(w, entry) : emit_new(w, &hit.lower[0]);
	ovl_entry_unref(entry);
	ovl_hit_done(&hit);
	return r;
}

int ovl_expand_dir(struct ovl_fixer *fx, struct ovl_loc dir)
{
	const bool indexed = dir.layer == OVL_LAYER_UPPER;
	_cleanup_(
		walk_done) struct walk w = { .fx = fx, .dir = dir, .buf = malloc(OVL_DIRBUF_SIZE) };
	int r = w.buf ? ovl_tree_links_of(fx->trees, dir.layer, &w.links) : -ENOMEM;

	if (r == 0)
		r = ovl_tree_links_see(w.links, indexed ? fx->facts : NULL);
	return r == 0 ? expand(&w) : r;
}
