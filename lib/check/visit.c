/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One entry of a directory that is walked.
 *
 * It costs one xattr list and nothing else, unless it carries an overlay xattr or may be a whiteout:
 * then it is observed in full, its facts are collected and its checks are run. A plain directory of
 * the upper is looked up once, to know what it is merged with.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/walk.h"

#include "base/banned.h"

static struct ovl_path *entry_path(const struct ovl_walk_dir *w, const struct ovl_dirent *d)
{
	return ovl_path_new(w->dir->dir->path, d->name, d->len);
}

/* A part of the layer stays unseen: there may be more names in it than are counted. */
void ovl_visit_note_missed(const struct ovl_walk *walk)
{
	if (walk->layer->role == OVL_ROLE_UPPER)
		ovl_facts_note_missed_upper(&walk->run->facts);
	else
		ovl_facts_note_missed(&walk->run->facts);
}

/* An entry could not be looked at: it vanished meanwhile, or something is wrong with it. */
static int entry_failed(struct ovl_walk_dir *w, const struct ovl_dirent *d, const char *what,
			int err)
{
	struct ovl_path *path = entry_path(w, d);
	struct ovl_loc loc = { w->walk->layer->number, path };
	int r = -ENOMEM;

	ovl_visit_note_missed(w->walk);
	if (path)
		r = ovl_sink_unreadable(w->sink, loc, what, err);
	ovl_path_unref(path);
	return r;
}

/* A name of a lower inode that an origin leads to: remember where it is. */
static int note_wanted(struct ovl_walk_dir *w, const struct ovl_dirent *d)
{
	struct ovl_run *run = w->walk->run;
	struct ovl_reader *r = run->stack->reader;
	struct ovl_fact_name name = { .ino = d->ino };
	struct ovl_path *path;
	int err;

	if (!ovl_map_get(&run->facts.wanted, (struct ovl_key){ d->ino, 0 }))
		return 0;
	err = r->ops->stat(r, w->fd, d->name, &name.stat);
	if (err < 0)
		return entry_failed(w, d, "stat", err);
	path = entry_path(w, d);
	if (!path)
		return -ENOMEM;
	name.loc = (struct ovl_loc){ w->walk->layer->number, path };
	name.ino = name.stat.ino;
	err = ovl_facts_add_name(&run->facts, &name);
	ovl_path_unref(path);
	return err;
}

/* What every entry may have to do with facts, also a plain one. */
static int note_name(struct ovl_walk_dir *w, const struct ovl_dirent *d, bool plain)
{
	struct ovl_run *run = w->walk->run;

	if (w->walk->want_names)
		return note_wanted(w, d);
	if (plain && w->walk->count_names &&
	    ovl_map_get(&run->plain_index, (struct ovl_key){ d->ino, 0 }))
		return ovl_facts_count_name(&run->facts, d->ino, w->dir->dir->path, d->name,
					    d->len);
	return 0;
}

static int check_object(struct ovl_walk_dir *w, const struct ovl_view *v)
{
	int r = ovl_collect_object(w->walk->run, v, w->sink);

	return r < 0 ? r : ovl_run_object(w->walk->run, v, w->sink);
}

/* Makes the job for a subdirectory. @hit: its lookup, if it was made. */
static int add_subdir(struct ovl_walk_dir *w, struct ovl_path *path, const struct ovl_obs *obs,
		      const struct ovl_hit *hit, bool quiet, const struct ovl_dirent *d)
{
	struct ovl_walk_job *job;
	struct ovl_scan_dir *child;
	struct ovl_dir *dir;
	int r = ovl_dir_child(w->dir->dir, path, &dir);

	if (r < 0)
		return r == -ENOMEM ? r : entry_failed(w, d, "open directory", r);
	child = ovl_scan_new(w->dir, dir);
	if (!child)
		return -ENOMEM;
	ovl_scan_note(child, obs);
	child->quiet |= quiet;
	if (hit) {
		r = ovl_scan_set_entry(child, hit);
		if (hit->n_lower > 0)
			child->below_opaque = false; /* a redirect merges something in again */
	}
	if (r < 0) {
		ovl_scan_unref(child);
		return r;
	}
	r = ovl_walk_job_new(child, &job);
	if (r < 0)
		return r;
	if (w->last)
		w->last->next = &job->job;
	else
		w->first = &job->job;
	w->last = &job->job;
	w->sink->counts.dirs++;
	return 0;
}

static bool is_layer_root(const struct ovl_walk_dir *w, const struct ovl_dirent *d)
{
	const struct ovl_stack *stack = w->walk->run->stack;

	return ovl_map_get(&stack->traps,
			   (struct ovl_key){ w->walk->layer->root.stat.dev, d->ino }) != NULL;
}

/* A subdirectory: look it up in the upper, check it, and queue it. */
static int visit_dir(struct ovl_walk_dir *w, const struct ovl_dirent *d, struct ovl_view *v)
{
	struct ovl_stack *stack = w->walk->run->stack;
	const struct ovl_hit *hit = NULL;
	struct ovl_loc storage = { OVL_LAYER_NONE, NULL };
	struct ovl_path *path;
	int r = 0, quiet;

	if (is_layer_root(w, d)) {
		if (v->role == OVL_ROLE_UPPER)
			ovl_facts_note_missed_upper(&w->walk->run->facts);
		return 0; /* another layer: it is walked as such; the layout checks report it */
	}
	if (v->role == OVL_ROLE_UPPER)
		r = ovl_view_below(v, &hit);
	if (r == -ENOMEM)
		return r;
	/* Layers agree on most paths: take the node that lookup made, and they share it. */
	path = hit && hit->has_upper ? ovl_path_ref(hit->upper.path) : ovl_path_ref(v->loc.path);
	v->loc.path = path;
	if (v->role == OVL_ROLE_UPPER && w->walk->run->facts.index_dir.n > 0)
		ovl_facts_saw_dir(&w->walk->run->facts, d->ino, path);
	quiet = ovl_storage_find(stack->reader, w->dir, w->fd, v->name, v->obs,
				 hit && hit->n_lower > 0, &storage);
	r = quiet < 0 ? quiet : 0;
	if (quiet > 0 && !w->dir->quiet)
		r = ovl_sink_add(w->sink, OVL_P_LAYER_NESTED_STORAGE, storage,
				 "layers of another overlay", "");
	ovl_path_unref((struct ovl_path *)storage.path);
	if (r == 0 && !quiet && !w->dir->quiet)
		r = check_object(w, v);
	if (r == 0)
		r = add_subdir(w, path, v->obs, hit, quiet > 0, d);
	ovl_path_unref(path);
	return r;
}

static bool is_foreign_name(const struct ovl_dirent *d)
{
	return d->len > 4 && memcmp(d->name, ".wh.", 4) == 0;
}

/* Observes an entry in full, unless it is a plain directory, of which nothing more is to be known. */
static int observe(struct ovl_walk_dir *w, const struct ovl_dirent *d, bool marked,
		   struct ovl_obs *ret, bool *ret_has_stat)
{
	struct ovl_stack *stack = w->walk->run->stack;

	*ret_has_stat = marked || d->type != OVL_DT_DIR;
	if (!*ret_has_stat) {
		*ret = (struct ovl_obs){ .kind = OVL_KIND_DIR };
		ret->names = ovl_buf_bytes(&w->thread->names);
		return 0;
	}
	return ovl_reader_observe(stack->reader, w->fd, d->name, stack->config.userxattr,
				  &w->thread->shared.scratch, ret);
}

/* Types of which no xattrs means nothing to see; a character device may be a whiteout. */
static bool is_settled(enum ovl_dtype type)
{
	return type == OVL_DT_REG || type == OVL_DT_LNK || type == OVL_DT_OTHER;
}

/*
 * A layer that was copied without its xattrs has lost the marks of its metacopy files: what is left
 * are files full of nothing. Such a file is looked at although no xattr makes it interesting.
 */
static int may_be_hollow(struct ovl_walk_dir *w, const struct ovl_dirent *d)
{
	struct ovl_reader *reader = w->walk->run->stack->reader;
	struct ovl_entry *e;
	struct ovl_stat st;
	int r;

	if (!w->walk->stripped || d->type != OVL_DT_REG)
		return 0;
	r = ovl_scan_entry(w->dir, &e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (e->n_lower == 0)
		return 0;
	r = reader->ops->stat(reader, w->fd, d->name, &st);
	if (r < 0)
		return entry_failed(w, d, "stat", r);
	return st.size > 0 && st.blocks == 0;
}

int ovl_visit_entry(struct ovl_walk_dir *w, const struct ovl_dirent *d)
{
	struct ovl_reader *reader = w->walk->run->stack->reader;
	struct ovl_obs obs;
	struct ovl_view v = { .stack = w->walk->run->stack,
			      .profile = w->walk->run->options->profile,
			      .facts = &w->walk->run->facts,
			      .loc = { w->walk->layer->number, NULL },
			      .role = w->walk->layer->role,
			      .obs = &obs,
			      .dir = w->dir,
			      .dirfd = w->fd,
			      .name = d->name,
			      .shared = &w->thread->shared };
	int marked = ovl_reader_glance(reader, w->fd, d->name, &w->thread->names), r;
	bool plain;

	w->sink->counts.objects++;
	/* Without its xattrs nothing about an object is known: not even what is merged below it. */
	if (marked < 0)
		return entry_failed(w, d, "list xattrs", marked);
	plain = marked == 0 && !is_foreign_name(d);
	if (d->type == OVL_DT_DIR && w->walk->want_names) {
		r = note_wanted(w, d);
		if (r < 0)
			return r;
	}
	if (d->type != OVL_DT_DIR) {
		r = note_name(w, d, plain);
		if (r == 0 && plain && is_settled(d->type)) {
			r = may_be_hollow(w, d);
			if (r == 0)
				return 0;
		}
		if (r < 0)
			return r;
	}
	r = observe(w, d, marked != 0, &obs, &v.has_stat);
	if (r < 0)
		return entry_failed(w, d, "read", r);
	v.loc.path = entry_path(w, d);
	if (!v.loc.path)
		return -ENOMEM;
	if (obs.kind == OVL_KIND_DIR) {
		struct ovl_path *path = (struct ovl_path *)v.loc.path;

		r = visit_dir(w, d, &v);
		ovl_path_unref(path);
	} else {
		r = w->dir->quiet ? ovl_collect_name(w->walk->run, &v) : check_object(w, &v);
		ovl_path_unref((struct ovl_path *)v.loc.path);
	}
	ovl_view_forget(&w->thread->shared);
	return r;
}
