/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What planners ask about the object of a finding.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "repair/plan.h"
#include "stack/lookup.h"

#include "base/banned.h"

static __attribute__((format(__printf__, 1, 0))) char *format(const char *fmt, va_list ap)
{
	char *text;

	return vasprintf(&text, fmt, ap) < 0 ? NULL : text;
}

int ovl_way_say(struct ovl_fixer *fx, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = format(fmt, ap);
	va_end(ap);
	if (!text)
		return -ENOMEM;
	free(fx->way->text);
	fx->way->text = text;
	return 0;
}

int ovl_way_refuse(struct ovl_fixer *fx, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = format(fmt, ap);
	va_end(ap);
	/* Without memory for the reason, the way is closed all the same. */
	free(fx->why);
	fx->why = text;
	return 0;
}

uint64_t ovl_fixer_number(struct ovl_fixer *fx)
{
	return __atomic_add_fetch(fx->number, 1, __ATOMIC_RELAXED);
}

char *ovl_fixer_place(struct ovl_fixer *fx, struct ovl_loc loc)
{
	return ovl_stack_place(fx->stack, loc);
}

void ovl_fixer_begin(struct ovl_fixer *fx, const struct ovl_finding *finding)
{
	fx->finding = finding;
	for (size_t i = 0; i < 2; i++)
		fx->last.seen[i].valid = false;
}

static void forget_entry(struct ovl_fixer *fx)
{
	ovl_entry_unref(fx->last.entry);
	ovl_path_unref(fx->last.entry_path);
	fx->last.entry = NULL;
	fx->last.entry_path = NULL;
}

void ovl_fixer_done(struct ovl_fixer *fx)
{
	free(TAKE_PTR(fx->why));
	ovl_obs_scratch_done(&fx->scratch);
	ovl_other_names_done(&fx->others);
	ovl_linked_done(&fx->linked);
	for (size_t i = 0; i < 2; i++) {
		struct ovl_fixer_seen *seen = &fx->last.seen[i];

		ovl_dir_unref(fx->last.dir[i]);
		fx->last.dir[i] = NULL;
		ovl_path_unref((struct ovl_path *)seen->loc.path);
		ovl_obs_scratch_done(&seen->scratch);
		*seen = (struct ovl_fixer_seen){ 0 };
	}
	forget_entry(fx);
}

static bool is_dir_of(const struct ovl_dir *dir, struct ovl_loc loc)
{
	return dir && dir->layer == loc.layer &&
	       ovl_path_compare(dir->path, loc.path ? loc.path->parent : NULL) == 0;
}

/*
 * The directory that holds an object, or for the root of a tree that root itself. The next object that is
 * asked about is in the same one, as a rule. @ret: good until the next call; ovl_dir_unpin() it.
 */
static int pin_parent(struct ovl_fixer *fx, struct ovl_loc loc, struct ovl_dir **ret, int *ret_fd)
{
	struct ovl_dir **last = fx->last.dir, *dir = last[0];

	if (!is_dir_of(dir, loc)) {
		dir = is_dir_of(last[1], loc) ?
			      ovl_dir_ref(last[1]) :
			      ovl_dir_new(fx->stack, loc.layer, loc.path ? loc.path->parent : NULL);
		if (!dir)
			return -ENOMEM;
		ovl_dir_unref(last[1]);
		last[1] = last[0];
		last[0] = dir;
	}
	*ret = dir;
	return ovl_dir_pin(dir, ret_fd);
}

static const struct ovl_fixer_seen *find_seen(const struct ovl_fixer *fx, struct ovl_loc loc,
					      bool userxattr)
{
	for (size_t i = 0; i < 2; i++) {
		const struct ovl_fixer_seen *seen = &fx->last.seen[i];

		if (seen->valid && seen->loc.layer == loc.layer && seen->loc.path == loc.path &&
		    seen->userxattr == userxattr)
			return seen;
	}
	return NULL;
}

static int see(struct ovl_fixer *fx, struct ovl_loc loc, bool userxattr,
	       struct ovl_fixer_seen *seen)
{
	struct ovl_dir *dir;
	int r, fd;

	seen->valid = false;
	r = pin_parent(fx, loc, &dir, &fd);
	if (r < 0)
		return r;
	r = ovl_reader_observe(fx->stack->reader, fd, loc.path ? loc.path->name : "", userxattr,
			       &seen->scratch, &seen->obs);
	ovl_dir_unpin(dir);
	if (r < 0)
		return r;
	ovl_path_ref(loc.path); /* so that nothing else gets this address */
	ovl_path_unref((struct ovl_path *)seen->loc.path);
	seen->loc = loc;
	seen->userxattr = userxattr;
	seen->valid = true;
	return 0;
}

int ovl_fixer_observe_as(struct ovl_fixer *fx, struct ovl_loc loc, bool userxattr,
			 struct ovl_obs *ret)
{
	const struct ovl_fixer_seen *seen = find_seen(fx, loc, userxattr);
	int r;

	if (!seen) {
		seen = &fx->last.seen[fx->last.turn];
		r = see(fx, loc, userxattr, &fx->last.seen[fx->last.turn]);
		if (r < 0)
			return r;
	}
	fx->last.turn = seen == &fx->last.seen[0]; /* the other one goes first */
	*ret = seen->obs;
	return 0;
}

int ovl_fixer_observe(struct ovl_fixer *fx, struct ovl_loc loc, struct ovl_obs *ret)
{
	return ovl_fixer_observe_as(fx, loc, fx->stack->config.userxattr, ret);
}

int ovl_fixer_handle(struct ovl_fixer *fx, struct ovl_loc loc, uint8_t flags,
		     unsigned char *ret_raw)
{
	struct ovl_dir *dir;
	int r, fd;

	r = pin_parent(fx, loc, &dir, &fd);
	if (r < 0)
		return r;
	r = ovl_origin_of(fx->stack, loc.layer, fd, loc.path ? loc.path->name : "", flags, ret_raw);
	ovl_dir_unpin(dir);
	return r == -EOPNOTSUPP ? 0 : r;
}

int ovl_fixer_open(struct ovl_fixer *fx, struct ovl_loc file, const struct ovl_stat *st,
		   int *ret_fd)
{
	struct ovl_reader *reader = fx->stack->reader;
	struct ovl_dir *dir;
	int r, fd;

	r = pin_parent(fx, file, &dir, &fd);
	if (r < 0)
		return r;
	r = reader->ops->open_file(reader, fd, file.path->name, st->dev, st->ino, ret_fd);
	ovl_dir_unpin(dir);
	return r;
}

/* The directories of an entry but for that of the layer on top. */
static struct ovl_entry *below_top(const struct ovl_entry *e)
{
	size_t skip = e->upper ? 0 : 1, n = e->n_lower - skip;
	struct ovl_entry *rest = calloc(1, sizeof(*rest) + n * sizeof(rest->lower[0]));

	if (!rest)
		return NULL;
	rest->refs = 1;
	rest->first = e->first;
	for (size_t i = 0; i < n; i++)
		rest->lower[rest->n_lower++] = ovl_dir_ref(e->lower[skip + i]);
	return rest;
}

/* The entry of the directory that holds an object; the root of a layer has none: -ENOENT. */
static int parent_entry(struct ovl_fixer *fx, struct ovl_loc loc, struct ovl_entry **ret)
{
	struct ovl_entry *entry = NULL;
	struct ovl_hit hit = { 0 };
	int r;

	if (!loc.path)
		return -ENOENT;
	if (fx->last.entry && fx->last.entry->first == loc.layer &&
	    ovl_path_compare(fx->last.entry_path, loc.path->parent) == 0) {
		*ret = ovl_entry_ref(fx->last.entry);
		return 0;
	}
	r = ovl_lookup_path(fx->stack, loc.layer, loc.path->parent, &hit, &entry);
	if (r == 0 && (hit.result < 0 || !entry))
		r = -ENOENT;
	if (r == 0) {
		forget_entry(fx);
		fx->last.entry = ovl_entry_ref(entry);
		fx->last.entry_path = ovl_path_ref(loc.path->parent);
		*ret = entry;
	}
	ovl_hit_done(&hit);
	return r;
}

int ovl_fixer_shows(struct ovl_fixer *fx, struct ovl_loc loc, struct ovl_hit *ret)
{
	struct ovl_entry *entry;
	struct ovl_obs obs;
	int seen, r = parent_entry(fx, loc, &entry);

	if (r < 0)
		return r;
	/* It will be asked for as well, or was. */
	seen = ovl_fixer_observe(fx, loc, &obs);
	r = ovl_lookup_seen(fx->stack, entry, loc.path->name, seen == 0 ? &obs : NULL, NULL, NULL,
			    ret);
	ovl_entry_unref(entry);
	return r;
}

int ovl_fixer_if(struct ovl_fixer *fx, struct ovl_loc loc, enum ovl_xattr_id id,
		 const struct ovl_bytes *value, struct ovl_hit *ret)
{
	struct ovl_whatif what = { .layer = loc.layer, .id = id, .has = value != NULL };
	struct ovl_entry *entry;
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, loc, &obs);

	if (r == 0)
		r = parent_entry(fx, loc, &entry);
	if (r < 0)
		return r;
	what.ino = obs.stat.ino;
	if (value)
		what.value = *value;
	r = ovl_lookup_if(fx->stack, entry, loc.path->name, &what, ret);
	ovl_entry_unref(entry);
	return r;
}

int ovl_fixer_beneath(struct ovl_fixer *fx, struct ovl_loc loc, struct ovl_hit *ret)
{
	struct ovl_entry *entry, *rest;
	int r = parent_entry(fx, loc, &entry);

	if (r < 0)
		return r;
	rest = below_top(entry);
	ovl_entry_unref(entry);
	if (!rest)
		return -ENOMEM;
	r = ovl_lookup(fx->stack, rest, loc.path->name, NULL, NULL, ret);
	ovl_entry_unref(rest);
	return r;
}

/* The check counts names in upper and index only. */
static int names_in_lower(struct ovl_fixer *fx, int layer, const struct ovl_stat *st)
{
	const struct ovl_linked_name *name;
	long n = ovl_linked_names(&fx->linked, fx->stack, layer, st->ino, &name);

	return n < 0 ? (int)n : (uint64_t)n == st->nlink;
}

int ovl_fixer_names(struct ovl_fixer *fx, struct ovl_loc loc)
{
	const struct ovl_fact_link *link;
	struct ovl_obs obs;
	uint64_t others;
	int r = ovl_fixer_observe(fx, loc, &obs);

	if (r < 0)
		return r;
	if (obs.kind == OVL_KIND_DIR || obs.stat.nlink == 1)
		return 1;
	if (loc.layer > OVL_LAYER_UPPER)
		return names_in_lower(fx, loc.layer, &obs.stat);
	link = ovl_facts_find_link(fx->facts, obs.stat.ino);
	if (!link || fx->facts->missed_upper)
		return 0;
	if (link->names + link->entries >= obs.stat.nlink)
		return link->names + link->entries == obs.stat.nlink;
	r = ovl_other_names(&fx->others, fx->stack, obs.stat.ino, &others);
	return r < 0 ? r : link->names + link->entries + others == obs.stat.nlink;
}
