/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The work directory: the work base, and work/ in it, which the kernel empties at each mount, but only
 * two levels deep.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "check/engine.h"

#include "base/banned.h"

/* Directories that wait. What is nested deeper than this is one finding, not looked into. */
enum { MAX_DEPTH = 5 };

struct work_dir {
	struct ovl_path *path; /* counted; NULL: the work base */
	size_t depth;          /* of its entries: 1 in the work base */
};

typedef OVL_VEC(struct work_dir) work_vec;

struct work_walk {
	struct ovl_run *run;
	struct ovl_sink *sink;
	work_vec waiting;
	size_t left; /* entries that are still looked at */
};

static int visit(struct work_walk *w, const struct work_dir *in, int dir,
		 const struct ovl_dirent *d)
{
	struct ovl_stack *stack = w->run->stack;
	struct ovl_view_shared shared = { 0 };
	struct ovl_obs obs;
	struct ovl_path *path = ovl_path_new(in->path, d->name, d->len);
	struct ovl_view v = { .stack = stack,
			      .profile = w->run->options->profile,
			      .facts = &w->run->facts,
			      .loc = { OVL_LAYER_WORK, path },
			      .role = OVL_ROLE_WORK,
			      .obs = &obs,
			      .has_stat = true,
			      .dirfd = dir,
			      .name = d->name,
			      .depth = in->depth,
			      .shared = &shared };
	int r = path ? ovl_reader_observe(stack->reader, dir, d->name, stack->config.userxattr,
					  &shared.scratch, &obs) :
		       -ENOMEM;
	bool inside = in->depth > 1 || strcmp(d->name, "work") == 0;

	if (r < 0 && r != -ENOMEM) {
		r = ovl_sink_unreadable(w->sink, v.loc, "read", r);
	} else if (r == 0) {
		r = ovl_run_scope(w->run, OVL_SCOPE_WORK, &v, w->sink);
		if (r == 0 && obs.kind == OVL_KIND_DIR && inside && in->depth < MAX_DEPTH) {
			struct work_dir next = { ovl_path_ref(path), in->depth + 1 };

			r = ovl_vec_push(&w->waiting, next);
			if (r < 0)
				ovl_path_unref(next.path);
		}
	}
	ovl_path_unref(path);
	ovl_view_shared_done(&shared);
	return r;
}

static int walk_dir(struct work_walk *w, const struct work_dir *in, unsigned char *buf)
{
	struct ovl_stack *stack = w->run->stack;
	struct ovl_reader *r = stack->reader;
	const struct ovl_loc loc = { OVL_LAYER_WORK, in->path };
	_cleanup_free_ char *path = ovl_stack_path(loc);
	struct ovl_dirstream stream = { .buf = buf, .room = OVL_DIRBUF_SIZE };
	struct ovl_dirent d;
	int dir, err;

	if (!path)
		return -ENOMEM;
	err = r->ops->open_dir(r, stack->work.root.fd, path + 1, &dir);
	if (err < 0)
		return ovl_sink_unreadable(w->sink, loc, "open directory", err);
	while ((err = r->ops->read_dir(r, dir, &stream, &d)) > 0) {
		if (w->left == 0) {
			w->sink->counts.passed_over++;
			break;
		}
		w->left--;
		err = ovl_run_cancelled(w->run) ? -ECANCELED : visit(w, in, dir, &d);
		if (err < 0)
			break;
	}
	r->ops->close(r, dir);
	if (err < 0 && err != -ENOMEM && err != -ECANCELED)
		return ovl_sink_unreadable(w->sink, loc, "read directory", err);
	return err < 0 ? err : 0;
}

int ovl_walk_work(struct ovl_run *run, struct ovl_sink *sink)
{
	struct work_walk w = { .run = run,
			       .sink = sink,
			       .left = run->options->quick ? (size_t)OVL_QUICK_ENTRIES : SIZE_MAX };
	const struct work_dir base = { .depth = 1 };
	_cleanup_free_ unsigned char *buf = NULL;
	int r;

	if (run->stack->work.root.fd < 0)
		return 0;
	buf = malloc(OVL_DIRBUF_SIZE);
	r = buf ? ovl_vec_push(&w.waiting, base) : -ENOMEM;
	while (r == 0 && w.waiting.len > 0) {
		struct work_dir next = w.waiting.data[--w.waiting.len];

		r = walk_dir(&w, &next, buf);
		ovl_path_unref(next.path);
	}
	for (size_t i = 0; i < w.waiting.len; i++)
		ovl_path_unref(w.waiting.data[i].path);
	ovl_vec_done(&w.waiting);
	return r;
}
