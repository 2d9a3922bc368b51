/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The work directory, and temporary objects in it and in the index: what the kernel will make of them
 * at the next mount.
 *
 * At a writable mount the kernel removes work/ with all that is in it, but goes no deeper than the
 * entries of its subdirectories, and makes it anew. One name is not removed but obeyed: incompat/.
 * Kernel: fs/overlayfs/readdir.c, ovl_workdir_cleanup() and ovl_workdir_cleanup_recurse().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/view.h"

#include "base/banned.h"

static const struct ovl_loc nowhere = { OVL_LAYER_NONE, NULL };

/* Where an entry is, as the depth of the view counts. */
enum { IN_BASE = 1, IN_WORK = 2, IN_SUBDIR = 3 };

/* What this program keeps beside work/. */
static const char own_name[] = ".fsck.overlay";
/* Its mark in incompat/, which is no finding while it is at work itself. */
static const char own_mark[] = "fsck.overlay";

/* Without upper, the option workdir means nothing. */
static bool is_at(const struct ovl_view *v, size_t depth)
{
	return v->stack->has_upper && v->depth == depth;
}

/* Is the entry one that forbids the mount? A dot in front of its name saves it from being obeyed. */
static bool is_incompat_mark(const struct ovl_view *v)
{
	return is_at(v, IN_SUBDIR) && strcmp(v->loc.path->parent->name, "incompat") == 0 &&
	       v->name[0] != '.';
}

/* While the overlay is mounted, it is at work here. */
static enum ovl_severity unless_live(const struct ovl_view *v, enum ovl_problem_id problem)
{
	return ovl_users_live(&v->facts->users) ? OVL_SEV_INFO : ovl_problem_get(problem)->severity;
}

/* The start of a directory that is to be read; what cannot be opened the walk will tell of. */
struct listing {
	struct ovl_reader *reader;
	unsigned char *buf;
	struct ovl_dirstream stream;
	int dir;
};

static void listing_done(struct listing *l)
{
	if (l->dir >= 0)
		l->reader->ops->close(l->reader, l->dir);
	free(l->buf);
}

static int listing_open(struct ovl_reader *reader, int at, const char *name, struct listing *l)
{
	*l = (struct listing){ .reader = reader, .buf = malloc(OVL_DIRBUF_SIZE), .dir = -1 };
	if (!l->buf)
		return -ENOMEM;
	l->stream = (struct ovl_dirstream){ .buf = l->buf, .room = OVL_DIRBUF_SIZE };
	return reader->ops->open_dir(reader, at, name, &l->dir) < 0 ? 0 : 1;
}

static int listing_next(struct listing *l, struct ovl_dirent *ret)
{
	return l->reader->ops->read_dir(l->reader, l->dir, &l->stream, ret);
}

/* Is it a directory with something in it? 1, 0 or -ENOMEM. */
static int is_full(struct ovl_reader *reader, int at, const char *name)
{
	_cleanup_(listing_done) struct listing l;
	struct ovl_dirent d;
	int r = listing_open(reader, at, name, &l);

	return r > 0 ? listing_next(&l, &d) > 0 : r;
}

/* Is there a directory in it with something in it? 1, 0 or -ENOMEM. */
static int is_deep(struct ovl_reader *reader, int at, const char *name)
{
	_cleanup_(listing_done) struct listing l;
	struct ovl_dirent d;
	int r = listing_open(reader, at, name, &l);

	if (r <= 0)
		return r;
	for (r = 0; r == 0 && listing_next(&l, &d) > 0;)
		if (d.type == OVL_DT_DIR || d.type == OVL_DT_UNKNOWN)
			r = is_full(reader, l.dir, d.name);
	return r;
}

int ovl_check_work_incompat(const struct ovl_view *v, struct ovl_sink *sink)
{
	enum ovl_severity severity = ovl_problem_get(OVL_P_WORK_INCOMPAT)->severity;

	if (!is_incompat_mark(v) || (v->stack->marked && strcmp(v->name, own_mark) == 0))
		return 0;
	if (strcmp(v->name, "volatile") == 0)
		severity = unless_live(v, OVL_P_WORK_INCOMPAT);
	return ovl_sink_add_about(
		sink, OVL_P_WORK_INCOMPAT, severity, v->loc, nowhere,
		strcmp(v->name, own_mark) == 0 ?
			"the mark of a repair that was not finished: fsck.overlay -p or -y goes on "
			"with it, with the same -z if it had one" :
			ovl_sink_text(
				sink, "the mark of feature %s",
				ovl_sink_quote(sink,
					       (struct ovl_bytes){ (const unsigned char *)v->name,
								   strlen(v->name) })),
		"nothing in incompat/");
}

int ovl_check_work_deep_leftover(const struct ovl_view *v, struct ovl_sink *sink)
{
	int r;

	if (!is_at(v, IN_SUBDIR) || v->obs->kind != OVL_KIND_DIR || is_incompat_mark(v))
		return 0;
	r = is_full(v->stack->reader, v->dirfd, v->name);
	if (r <= 0)
		return r;
	return ovl_sink_add(sink, OVL_P_WORK_DEEP_LEFTOVER, v->loc, "a directory that is not empty",
			    "no directory with entries so deep in work/");
}

static bool is_shared_whiteout(const struct ovl_view *v)
{
	/* Whiteouts are hard links of one inode, which is kept under such a name. */
	return v->name[0] == '#' && v->obs->kind == OVL_KIND_WHITEOUT;
}

static int report_leftover(const struct ovl_view *v, struct ovl_sink *sink,
			   enum ovl_problem_id problem)
{
	const char *kind = ovl_kind_name(v->obs->kind);

	return ovl_sink_add_about(sink, problem, unless_live(v, problem), v->loc, nowhere,
				  v->obs->kind == OVL_KIND_REG ?
					  ovl_sink_text(sink, "a %s of %llu bytes", kind,
							(unsigned long long)v->obs->stat.size) :
					  ovl_sink_text(sink, "a %s", kind),
				  "at most whiteouts with a name like #1");
}

int ovl_check_work_temp_leftover(const struct ovl_view *v, struct ovl_sink *sink)
{
	bool is_dir = v->obs->kind == OVL_KIND_DIR;
	int r;

	if (!is_at(v, IN_WORK) || is_shared_whiteout(v))
		return 0;
	if (is_dir && strcmp(v->name, "incompat") == 0)
		return 0; /* obeyed, if there is something in it */
	r = is_dir ? is_deep(v->stack->reader, v->dirfd, v->name) : 0;
	if (r != 0)
		return r < 0 ? r : 0; /* work-deep-leftover tells what matters */
	return report_leftover(v, sink, OVL_P_WORK_TEMP_LEFTOVER);
}

int ovl_check_index_temp_leftover(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (v->entry || !v->stack->has_upper || is_shared_whiteout(v))
		return 0;
	return report_leftover(v, sink, OVL_P_INDEX_TEMP_LEFTOVER);
}

int ovl_check_work_not_dir(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (!is_at(v, IN_BASE) || strcmp(v->name, "work") != 0 || v->obs->kind == OVL_KIND_DIR)
		return 0;
	return ovl_sink_add(sink, OVL_P_WORK_NOT_DIR, v->loc,
			    ovl_sink_text(sink, "a %s", ovl_kind_name(v->obs->kind)),
			    "a directory");
}

/* Does the work directory overlap a layer? Then the layout is wrong, not what lies in there. */
static bool is_confused(const struct ovl_view *v)
{
	const struct ovl_facts *facts = v->facts;

	for (size_t i = 0; i < facts->inside.len; i++)
		if (facts->inside.data[i].outer == OVL_LAYER_WORK ||
		    (facts->inside.data[i].inner == OVL_LAYER_WORK && facts->inside.data[i].same))
			return true;
	return false;
}

int ovl_check_work_foreign_file(const struct ovl_view *v, struct ovl_sink *sink)
{
	static const char *const known[] = { "work", "index", own_name };

	if (!is_at(v, IN_BASE) || is_confused(v))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(v->name, known[i]) == 0)
			return 0;
	return ovl_sink_add(sink, OVL_P_WORK_FOREIGN_FILE, v->loc,
			    ovl_sink_text(sink, "a %s", ovl_kind_name(v->obs->kind)),
			    "work and index only");
}
