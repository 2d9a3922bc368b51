/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where an overlay is described: live mounts, fstab, mount units. See overlayfs/mount.h.
 */
#include "overlayfs/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "format/wish.h"
#include "io/chase.h"
#include "io/described.h"
#include "io/fstab.h"
#include "io/live.h"
#include "io/mountid.h"
#include "io/mountinfo.h"
#include "io/shown.h"
#include "io/unit_file.h"
#include "overlayfs/boot.h"

#include "base/banned.h"

/* What was found. */
struct found {
	struct ovl_config config;
	char *target;
	enum ovl_mount_source source;
	struct ovl_wish wish; /* of a description, unless: */
	bool bad_wish;
	struct ovl_error why;
};

static void found_done(struct found *f)
{
	ovl_config_done(&f->config);
	free(f->target);
	ovl_error_done(&f->why);
}

static int no_memory(struct ovl_error *e)
{
	return ovl_fail(e, -ENOMEM, "cannot look for the overlay");
}

/* ---- Live mounts ---- */

struct live {
	struct stat where;
	uint64_t mount; /* 0: unknown */
	struct found *found;
	struct ovl_error *e;
};

/* Only the mount that is on top there: its root is what the path leads to. */
static bool is_mount_of(const struct live *l, const struct ovl_mountinfo_row *row)
{
	struct stat st;

	if (l->mount != 0 && row->id != l->mount)
		return false;
	return stat(row->target, &st) == 0 && st.st_dev == l->where.st_dev &&
	       st.st_ino == l->where.st_ino;
}

static int live_row(struct ovl_mountinfo_row *row, void *ctx)
{
	struct live *l = ctx;
	int r;

	if (strcmp(row->fs_type, "overlay") != 0)
		return 0;
	ovl_mountinfo_unescape(row->target);
	if (!is_mount_of(l, row))
		return 0;
	l->found->target = strdup(row->target);
	if (!l->found->target)
		return no_memory(l->e);
	r = ovl_mountinfo_config(row, false, &l->found->config, l->e);
	return r < 0 ? r : 1;
}

/*
 * The kernel repeats what the mounter typed. A link that /proc makes up means something else to
 * us than to the mounter.
 */
static bool is_directory(const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_close_ int fd = -EBADF;

	fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	if (fd < 0 && errno == ENOSYS && strncmp(path, "/proc/", strlen("/proc/")) != 0)
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0;
}

static int check_layer(const char *target, const char *path, struct ovl_error *e)
{
	_cleanup_free_ char *shown = NULL, *shown_target = NULL;
	const char *why;

	if (!path)
		return 0;
	if (*path != '/')
		why = "was given relative to a directory that is not known here";
	else if (!is_directory(path))
		why = "does not lead to a directory from here";
	else
		return 0;
	shown = ovl_shown_path(path);
	shown_target = ovl_shown_path(target);
	return ovl_fail_plain(e, -ENODATA,
			      "'%s' is mounted, but its layer '%s' %s: "
			      "give the layers with -o",
			      ovl_shown_or(shown_target), ovl_shown_or(shown), why);
}

static int check_layers(const struct found *f, struct ovl_error *e)
{
	const struct ovl_config *c = &f->config;
	size_t i;
	int r;

	r = check_layer(f->target, c->upper, e);
	if (r == 0)
		r = check_layer(f->target, c->work, e);
	for (i = 0; r == 0 && i < c->n_lower; i++)
		r = check_layer(f->target, c->lower[i], e);
	for (i = 0; r == 0 && i < c->n_data; i++)
		r = check_layer(f->target, c->data[i], e);
	return r;
}

/* 1 found, 0 not, negative errno */
static int find_live(const char *where, struct found *ret, struct ovl_error *e)
{
	_cleanup_close_ int fd = -EBADF;
	struct live l = { .found = ret, .e = e };
	int r;

	fd = open(where, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &l.where) < 0)
		return 0;
	if (ovl_mountid_get(fd, &l.mount) < 0)
		l.mount = 0;
	r = ovl_mountinfo_read("/proc/self/mountinfo", live_row, &l);
	if (r == -ENOENT) /* no /proc: then no mount can be told by its place */
		return 0;
	if (r < 0)
		return ovl_fail(e, r, "cannot read the mount table");
	if (r == 0)
		return 0;
	ret->source = OVL_SOURCE_MOUNTED;
	r = check_layers(ret, e);
	return r < 0 ? r : 1;
}

/* What a description says. 1 or negative errno; who only wants the layers does not mind a bad wish. */
static int take_options(const char *options, struct found *ret, struct ovl_error *e)
{
	int r = ovl_described_config(options, &ret->config, e);

	if (r < 0)
		return r;
	ret->bad_wish = ovl_wish_parse(options, &ret->wish, &ret->why) < 0;
	return 1;
}

/* ---- Units ---- */

static int find_unit(const char *path, struct found *ret, struct ovl_error *e)
{
	_cleanup_(ovl_unit_file_done) struct ovl_unit_file u = { 0 };
	int r;

	r = ovl_unit_file_find(NULL, path, &u, e);
	if (r <= 0)
		return r;
	if (!u.type || strcmp(u.type, "overlay") != 0)
		return 0;
	ret->source = OVL_SOURCE_UNIT;
	ret->target = u.where ? TAKE_PTR(u.where) : strdup(path);
	if (!ret->target)
		return no_memory(e);
	return take_options(u.options ? u.options : "", ret, e);
}

/* ---- fstab ---- */

/* A mount point to compare with others; with @mounts none of them is touched. free() it */
static char *where_of(const struct ovl_mounttable *mounts, const char *target)
{
	char *where;

	if (!mounts || *target != '/')
		return ovl_described_where(target);
	return ovl_chase(mounts, target, &where) < 0 ? NULL : where;
}

/* 1 or 0; negative errno */
static int has_target(const struct ovl_fstab_line *line, const struct ovl_mounttable *mounts,
		      const char *path)
{
	_cleanup_free_ char *target = where_of(mounts, line->target);

	return target ? strcmp(target, path) == 0 : -ENOMEM;
}

/*
 * The first overlay line whose mount point is @path, since that is the one that mount(8) and systemd take; or,
 * without @path, the only one whose spec field is @word. 1 found, 0 not, negative errno.
 */
static int find_line(struct ovl_fstab *t, const struct ovl_mounttable *mounts, const char *path,
		     const char *word, struct ovl_fstab_line *ret, struct ovl_error *e)
{
	_cleanup_(ovl_buf_done) struct ovl_buf targets = { 0 };
	_cleanup_free_ char *shown = NULL;
	struct ovl_fstab_line line;
	size_t n = 0;
	int r;

	ovl_fstab_rewind(t);
	while (ovl_fstab_next(t, &line)) {
		r = path ? has_target(&line, mounts, path) :
			   line.spec && strcmp(line.spec, word) == 0;
		if (r < 0)
			return no_memory(e);
		if (r == 0)
			continue;
		if (n++ == 0)
			*ret = line;
		if (path)
			return 1;
		if ((n > 1 && ovl_buf_adds(&targets, ", ") < 0) ||
		    ovl_buf_add_escaped(&targets, line.target, strlen(line.target)) < 0)
			return no_memory(e);
	}
	if (n > 1) {
		shown = ovl_shown_path(word);
		return ovl_fail_plain(e, -ENOTUNIQ, "fstab has %zu overlay lines for '%s': %s", n,
				      ovl_shown_or(shown), targets.data);
	}
	return n == 1;
}

/* What the line says, unless drop-ins say otherwise. 1 or negative errno */
static int take_line(const struct ovl_fstab_line *line, const struct ovl_unit_file *over,
		     struct found *ret, struct ovl_error *e)
{
	const char *options = over->options ? over->options : line->options;
	_cleanup_free_ char *shown = NULL;

	ret->target = strdup(line->target);
	if (!ret->target)
		return no_memory(e);
	ret->source = OVL_SOURCE_FSTAB;
	if (!options) {
		shown = ovl_shown_path(ret->target);
		return ovl_fail_plain(e, -ENODATA,
				      "the overlay line of fstab for '%s' has no options",
				      ovl_shown_or(shown));
	}
	return take_options(options, ret, e);
}

static int find_fstab(const char *where, const struct ovl_mounttable *mounts, const char *path,
		      const char *file, struct found *ret, struct ovl_error *e)
{
	_cleanup_(ovl_unit_file_done) struct ovl_unit_file over = { 0 };
	_cleanup_(ovl_fstab_done) struct ovl_fstab t = { 0 };
	_cleanup_free_ char *target = NULL;
	struct ovl_fstab_line line;
	int r;

	r = ovl_fstab_open(file, &t, e);
	if (r < 0)
		return r;
	r = find_line(&t, mounts, path, where, &line, e);
	if (r == 0)
		r = find_line(&t, mounts, NULL, where, &line, e);
	if (r <= 0)
		return r;
	target = where_of(mounts, line.target);
	if (!target)
		return no_memory(e);
	r = ovl_unit_file_over_fstab(NULL, target, &over, e);
	if (r == 0)
		r = ovl_unit_file_settle(&over, target, e);
	if (r < 0)
		return r;
	r = r == 1 ? find_unit(target, ret, e) : 0;
	return r != 0 ? r : take_line(&line, &over, ret, e);
}

int ovl_mount_each(const char *fstab,
		   int (*each)(void *ctx, const char *target, const struct ovl_config *config),
		   void *ctx, struct ovl_error *e)
{
	_cleanup_(ovl_fstab_done) struct ovl_fstab t = { 0 };
	struct ovl_fstab_line line;
	int r = ovl_fstab_open(fstab, &t, e);

	while (r == 0 && ovl_fstab_next(&t, &line)) {
		_cleanup_(ovl_config_done) struct ovl_config config = { 0 };

		if (!line.options)
			continue;
		r = ovl_described_config(line.options, &config, NULL);
		if (r == 0)
			r = each(ctx, line.target, &config);
		else if (r == -EINVAL)
			r = 0;
	}
	return r;
}

/* In the initrd: what the system to come describes is mounted below its root. 1, 0, negative errno */
static int find_to_come(const struct ovl_mounttable *mounts, const char *path, struct found *ret,
			struct ovl_error *e)
{
	static const char below[] = "/sysroot", file[] = "/sysroot/etc/fstab";
	const struct ovl_unit_file nothing_over = { 0 };
	_cleanup_(ovl_fstab_done) struct ovl_fstab t = { 0 };
	struct ovl_fstab_line line;
	int r = 0;

	if (strncmp(path, "/sysroot/", sizeof(below)) != 0 || !ovl_boot_in_initrd() ||
	    access(file, F_OK) < 0)
		return 0;
	r = ovl_fstab_open(file, &t, e);
	while (r == 0 && ovl_fstab_next(&t, &line)) {
		_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
		_cleanup_free_ char *target = NULL;

		if (ovl_buf_adds(&b, below) == 0 && ovl_buf_adds(&b, line.target) == 0)
			target = where_of(mounts, b.data);
		if (!target)
			return no_memory(e);
		if (strcmp(target, path) != 0)
			continue;
		line.target = target;
		r = take_line(&line, &nothing_over, ret, e);
	}
	return r;
}

/* In fstab or in a unit: 1 found, 0 not, negative errno */
static int find_described(const char *where, const struct ovl_mounttable *mounts, const char *fstab,
			  struct found *ret, struct ovl_error *e)
{
	_cleanup_free_ char *path = where_of(mounts, where);
	int r;

	if (!path)
		return no_memory(e);
	r = find_fstab(where, mounts, path, fstab, ret, e);
	if (r == 0)
		r = find_unit(path, ret, e);
	return r != 0 ? r : find_to_come(mounts, path, ret, e);
}

static int find(const char *where, const char *fstab, struct found *ret, struct ovl_error *e)
{
	int r = find_live(where, ret, e);

	return r != 0 ? r : find_described(where, NULL, fstab, ret, e);
}

/* Adds what was found to what the caller may have given already. */
static int add_config(struct ovl_config *to, const struct ovl_config *c, struct ovl_error *e)
{
	_cleanup_free_ char *options = ovl_config_render(c);

	return options ? ovl_config_parse(to, options, e) : no_memory(e);
}

int ovl_mount_find(const char *where, const char *fstab, struct ovl_config *ret_config,
		   enum ovl_mount_source *ret_source, char **ret_target, struct ovl_error *e)
{
	_cleanup_(found_done) struct found f = { 0 };
	_cleanup_free_ char *shown = NULL;
	int r;

	r = find(where, fstab, &f, e);
	if (r < 0)
		return r;
	if (r == 0) {
		shown = ovl_shown_path(where);
		return ovl_fail_plain(e, -ENOENT,
				      "'%s' is neither a mounted overlay nor one of "
				      "fstab or of a mount unit",
				      ovl_shown_or(shown));
	}
	r = add_config(ret_config, &f.config, e);
	if (r < 0)
		return r;
	*ret_source = f.source;
	*ret_target = TAKE_PTR(f.target);
	return 0;
}

static int fail_unknown(const char *where, struct ovl_error *e)
{
	_cleanup_free_ char *shown = ovl_shown_path(where);

	return ovl_fail_plain(e, -ENOENT, "'%s' is no overlay of fstab or of a mount unit",
			      ovl_shown_or(shown));
}

/* Nothing is mounted where an automount still waits; and looking would be waiting for it. */
static int is_live(const struct ovl_mounttable *mounts, const char *target)
{
	_cleanup_free_ char *where = where_of(mounts, target);

	if (!where)
		return -ENOMEM;
	return ovl_mounttable_waits(mounts, where) ? 0 : ovl_live_at(target);
}

int ovl_mount_describe(const char *where, const char *fstab, struct ovl_mount_described *ret,
		       struct ovl_error *e)
{
	_cleanup_(ovl_mounttable_done) struct ovl_mounttable mounts = { 0 };
	_cleanup_(found_done) struct found f = { 0 };
	int r = ovl_mounttable_read(&mounts);

	*ret = (struct ovl_mount_described){ .interval = -1 };
	if (r < 0 && r != -ENOENT)
		return ovl_fail(e, r, "cannot read which mounts there are");
	r = find_described(where, &mounts, fstab, &f, e);
	if (r <= 0)
		return r < 0 ? r : fail_unknown(where, e);
	if (f.bad_wish)
		return ovl_fail_plain(e, f.why.code, "%s", f.why.text ? f.why.text : "bad wish");
	r = is_live(&mounts, f.target);
	if (r < 0)
		return ovl_fail(e, r, "cannot tell whether '%s' is mounted", f.target);
	*ret = (struct ovl_mount_described){ .source = f.source,
					     .target = TAKE_PTR(f.target),
					     .config = f.config,
					     .wish = f.wish.how,
					     .declines = f.wish.no,
					     .interval = f.wish.interval,
					     .is_live = r > 0 };
	f.config = (struct ovl_config){ 0 };
	return 0;
}

void ovl_mount_described_done(struct ovl_mount_described *d)
{
	ovl_config_done(&d->config);
	free(d->target);
	*d = (struct ovl_mount_described){ 0 };
}
