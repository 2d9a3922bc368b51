/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index directory: listed before the layers are walked, so that the names of its inodes are
 * counted on the way, and judged after.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/engine.h"
#include "check/index_entry.h"
#include "check/index_root.h"

#include "base/banned.h"

/*
 * Entries are names of upper inodes: with one of them unseen, links cannot be counted.
 * @name: of the entry; NULL: all of them
 */
static int unreadable(struct ovl_run *run, struct ovl_sink *sink, const char *name,
		      const char *what, int err)
{
	struct ovl_path *path = name ? ovl_path_new(NULL, name, strlen(name)) : NULL;
	int r;

	if (name && !path)
		return -ENOMEM;
	ovl_facts_note_missed_upper(&run->facts);
	r = ovl_sink_unreadable(sink, (struct ovl_loc){ OVL_LAYER_INDEX, path }, what, err);
	ovl_path_unref(path);
	return r;
}

/* Calls @visit for each entry of the index, at most @max; "could not read" becomes a finding. */
static int each_entry(struct ovl_run *run, struct ovl_sink *sink, size_t max,
		      int (*visit)(struct ovl_run *, struct ovl_sink *, int dir,
				   const struct ovl_dirent *))
{
	struct ovl_reader *r = run->stack->reader;
	_cleanup_free_ unsigned char *buf = malloc(OVL_DIRBUF_SIZE);
	struct ovl_dirstream stream = { .buf = buf,
					.room = run->options->quick ? (size_t)OVL_QUICK_ROOM :
								      (size_t)OVL_DIRBUF_SIZE };
	struct ovl_dirent d;
	int dir, err;

	if (!buf)
		return -ENOMEM;
	err = r->ops->open_dir(r, run->stack->index.root.fd, "", &dir);
	if (err < 0)
		return unreadable(run, sink, NULL, "open directory", err);
	while (max-- > 0 && (err = r->ops->read_dir(r, dir, &stream, &d)) > 0) {
		err = ovl_run_cancelled(run) ? -ECANCELED : visit(run, sink, dir, &d);
		if (err < 0)
			break;
	}
	r->ops->close(r, dir);
	if (err < 0 && err != -ENOMEM && err != -ECANCELED)
		return unreadable(run, sink, NULL, "read directory", err);
	return err < 0 ? err : 0;
}

/* The directory of the upper that a directory of the index stands for. */
static int register_dir(struct ovl_run *run, const struct ovl_obs *obs)
{
	struct ovl_origin upper;

	if (!(obs->xmask & OVL_XBIT(UPPER)))
		return 0;
	ovl_origin_decode(run->stack, obs->x[OVL_X_UPPER], OVL_LAYER_UPPER, OVL_LAYER_UPPER, false,
			  &upper);
	if (upper.state != OVL_ORIGIN_FOUND || upper.kind != OVL_KIND_DIR)
		return 0;
	return ovl_facts_want_dir(&run->facts, upper.stat.ino);
}

/* The inode behind an entry: its names in the upper, and those of its origin, will be counted. */
static int register_entry(struct ovl_run *run, const struct ovl_obs *obs,
			  const struct ovl_fact_index *entry)
{
	struct ovl_fact_link link = { .ino = obs->stat.ino,
				      .nlink = obs->stat.nlink,
				      .index = run->facts.index.len }; /* already pushed: 1-based */
	uint64_t *value;
	int r = 0;

	if (entry->state == OVL_ORIGIN_FOUND)
		r = ovl_facts_want(&run->facts, entry->lower.b);
	if (r == 0 && obs->kind == OVL_KIND_DIR)
		r = register_dir(run, obs);
	if (r < 0 || obs->kind == OVL_KIND_DIR || obs->kind == OVL_KIND_WHITEOUT)
		return r;
	if (entry->state == OVL_ORIGIN_FOUND)
		r = ovl_map_put(&run->facts.index_lower, entry->lower, link.index, &value);
	if (r < 0)
		return r;
	link.metacopy = ovl_obs_has(obs, OVL_X_METACOPY);
	link.marked = (obs->xmask | obs->xbad) != 0;
	r = ovl_facts_add_link(&run->facts, &link);
	if (r >= 0 && !link.marked)
		r = ovl_map_put(&run->plain_index, (struct ovl_key){ obs->stat.ino, 0 }, 1, &value);
	return r < 0 ? r : 0;
}

static int collect_entry(struct ovl_run *run, struct ovl_sink *sink, int dir,
			 const struct ovl_dirent *d)
{
	struct ovl_obs_scratch scratch = { 0 };
	struct ovl_fact_index entry = { 0 };
	struct ovl_obs obs;
	int r;

	if (d->name[0] == '#')
		return 0;
	r = ovl_reader_observe(run->stack->reader, dir, d->name, run->stack->config.userxattr,
			       &scratch, &obs);
	if (r < 0) {
		ovl_obs_scratch_done(&scratch);
		return unreadable(run, sink, d->name, "read", r);
	}
	sink->counts.indexed++;
	ovl_index_entry_decode(run->stack, d->name, &entry);
	entry.name = strdup(d->name);
	r = entry.name ? ovl_vec_push(&run->facts.index, entry) : -ENOMEM;
	if (r < 0)
		free(entry.name);
	else
		r = register_entry(run, &obs, &entry);
	ovl_obs_scratch_done(&scratch);
	return r;
}

int ovl_collect_index(struct ovl_run *run, struct ovl_sink *sink)
{
	int r = ovl_index_root_judged(run->stack, &run->facts.index_judged);

	if (r == -ENOMEM || run->stack->index.root.fd < 0 || run->options->quick)
		return r == -ENOMEM ? r : 0;
	return each_entry(run, sink, SIZE_MAX, collect_entry);
}

static int check_entry(struct ovl_run *run, struct ovl_sink *sink, int dir,
		       const struct ovl_fact_index *entry, const char *name)
{
	struct ovl_view_shared shared = { 0 };
	struct ovl_obs obs;
	struct ovl_view v = { .stack = run->stack,
			      .profile = run->options->profile,
			      .facts = &run->facts,
			      .role = OVL_ROLE_INDEX,
			      .obs = &obs,
			      .has_stat = true,
			      .dirfd = dir,
			      .name = name,
			      .entry = entry,
			      .shared = &shared };
	struct ovl_path *path;
	int r = ovl_reader_observe(run->stack->reader, dir, name, run->stack->config.userxattr,
				   &shared.scratch, &obs);

	if (r < 0) {
		r = unreadable(run, sink, name, "read", r);
	} else {
		path = ovl_path_new(NULL, name, strlen(name));
		v.loc = (struct ovl_loc){ OVL_LAYER_INDEX, path };
		r = path ? ovl_run_scope(run, OVL_SCOPE_INDEX, &v, sink) : -ENOMEM;
		ovl_path_unref(path);
	}
	ovl_view_shared_done(&shared);
	return r;
}

/* Temporary objects in the index are judged like those in the work directory. */
static int check_temporary(struct ovl_run *run, struct ovl_sink *sink, int dir,
			   const struct ovl_dirent *d)
{
	return d->name[0] == '#' ? check_entry(run, sink, dir, NULL, d->name) : 0;
}

int ovl_walk_index(struct ovl_run *run, struct ovl_sink *sink)
{
	struct ovl_facts *facts = &run->facts;
	int dir = run->stack->index.root.fd, r = 0;

	if (dir < 0)
		return 0;
	/* Links hold the number of their entry, so the entries themselves stay where they are. */
	for (size_t i = 0; r == 0 && facts->index_judged && i < facts->index.len; i++) {
		r = ovl_run_cancelled(run) ? -ECANCELED :
					     check_entry(run, sink, dir, &facts->index.data[i],
							 facts->index.data[i].name);
	}
	if (r < 0)
		return r;
	return each_entry(run, sink, run->options->quick ? (size_t)OVL_QUICK_ENTRIES : SIZE_MAX,
			  check_temporary);
}
