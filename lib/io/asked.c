/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which overlays ask to be checked: fstab and mount units, weighed as systemd does. See
 * overlayfs/mount.h.
 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "format/wish.h"
#include "io/described.h"
#include "io/fstab.h"
#include "io/live.h"
#include "io/unit_file.h"
#include "overlayfs/boot.h"
#include "overlayfs/mount.h"

#include "base/banned.h"

/* One call of ovl_mount_asked() or ovl_mount_for_boot(). */
struct search {
	const struct ovl_mount_places *boot; /* NULL: it is for -A */
	bool in_initrd;                      /* for boot only */
	int (*each)(void *ctx, struct ovl_mount_asked *asked);
	void *ctx;
	struct ovl_map seen; /* hash of a mount point */
	struct ovl_error *e;
};

static int no_memory(struct search *s)
{
	return ovl_fail(s->e, -ENOMEM, "cannot look for overlays");
}

/* Tells of what cannot be looked at; an error that says no more than "no memory" ends it all. */
static int tell_failed(struct search *s, const struct ovl_mount_asked *of,
		       const struct ovl_error *failed)
{
	struct ovl_mount_asked asked = *of;

	asked.failed = failed;
	asked.config = (struct ovl_config){ 0 };
	return failed->code == -ENOMEM ? no_memory(s) : s->each(s->ctx, &asked);
}

/* Tells of one that asks. */
static int tell(struct search *s, struct ovl_mount_asked *asked, const char *options)
{
	_cleanup_(ovl_error_done) struct ovl_error failed = OVL_ERROR_INIT;
	int r = s->boot ? 0 : ovl_live_at(asked->target);

	asked->is_live = r > 0;
	if (r == 0)
		r = ovl_described_config(options ? options : "", &asked->config, &failed);
	else if (r < 0)
		ovl_fail(&failed, r, "cannot tell whether it is mounted");
	if (r < 0)
		return tell_failed(s, asked, &failed);
	r = s->each(s->ctx, asked);
	ovl_config_done(&asked->config);
	return r;
}

/* The mount point that names the unit, to compare with others; free() it. */
static char *where_of(const struct search *s, const char *target)
{
	_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 };
	char *where;

	if (!s->boot || *target != '/')
		return ovl_described_where(target);
	if (s->boot->below && ovl_buf_adds(&path, s->boot->below) < 0)
		return NULL;
	if (ovl_buf_adds(&path, target) < 0)
		return NULL;
	return ovl_boot_chase(path.data, &where) < 0 ? NULL : where;
}

/* Is the mount left to the other side of the initrd? */
static bool is_elsewhere(const struct search *s, const struct ovl_wish *wish, const char *target)
{
	if (!s->boot)
		return false;
	if (s->boot->below)
		return !wish->initrd && strcmp(target, "/usr") != 0;
	return wish->initrd && !s->in_initrd;
}

/* Is it worth a look? 1 or 0; negative errno, told in @failed */
static int asks(const struct search *s, const char *options, int passno,
		struct ovl_mount_asked *asked, struct ovl_error *failed)
{
	struct ovl_wish wish;
	int r = ovl_wish_parse(options, &wish, failed);

	asked->wish = wish.how;
	asked->nofail = wish.nofail;
	if (is_elsewhere(s, &wish, asked->target))
		return 0;
	if (r < 0)
		return r;
	return wish.given ? !wish.no : passno != 0 && (s->boot || !wish.noauto);
}

/* ---- fstab ---- */

/* 1 if the line is the one that counts for its mount point, with what is said over it; 0 if not. */
static int claim(struct search *s, const char *where, struct ovl_unit_file *over,
		 struct ovl_error *failed)
{
	uint64_t *value;
	int r = ovl_unit_file_over_fstab(NULL, where, over, failed);

	if (r == 1)
		return 0;
	if (ovl_map_put(&s->seen, ovl_map_hash(where, strlen(where)), 1, &value) < 0)
		return ovl_fail(failed, -ENOMEM, "cannot look for overlays");
	return r < 0 ? r : 1;
}

static int on_line(struct search *s, const char *fstab, const struct ovl_fstab_line *line)
{
	_cleanup_(ovl_unit_file_done) struct ovl_unit_file over = { 0 };
	_cleanup_(ovl_error_done) struct ovl_error failed = OVL_ERROR_INIT;
	struct ovl_mount_asked asked = { .source = OVL_SOURCE_FSTAB,
					 .target = line->target,
					 .path = fstab };
	_cleanup_free_ char *where = where_of(s, line->target);
	const char *options = line->options;
	int r;

	if (!where)
		return no_memory(s);
	if (s->boot)
		asked.where = where;
	if (ovl_map_get(&s->seen, ovl_map_hash(where, strlen(where))))
		return 0;
	r = claim(s, where, &over, &failed);
	if (r == 0 || (over.type && strcmp(over.type, "overlay") != 0))
		return 0;
	if (over.options)
		options = over.options;
	if (r > 0)
		r = asks(s, options, line->passno, &asked, &failed);
	if (r > 0 && ovl_unit_file_settle(&over, where, &failed) < 0)
		r = failed.code;
	if (r > 0 && *line->target != '/')
		r = ovl_fail_plain(&failed, -ENODATA,
				   "the mount point in fstab is no absolute path");
	if (r < 0)
		return tell_failed(s, &asked, &failed);
	return r > 0 ? tell(s, &asked, options) : 0;
}

static int fstab_lines(struct search *s, const char *path)
{
	_cleanup_(ovl_error_done) struct ovl_error failed = OVL_ERROR_INIT;
	_cleanup_(ovl_fstab_done) struct ovl_fstab t = { 0 };
	const char *name = ovl_fstab_path(path);
	struct ovl_mount_asked none = { .source = OVL_SOURCE_FSTAB, .target = name, .path = name };
	struct ovl_fstab_line line;
	int r = ovl_fstab_open(path, &t, &failed);

	if (r == -ENOENT && s->boot)
		return 0;
	if (r < 0)
		return tell_failed(s, &none, &failed);
	while (r == 0 && ovl_fstab_next(&t, &line))
		r = on_line(s, name, &line);
	return r;
}

/* ---- Units ---- */

static int on_unit(struct search *s, const char *where)
{
	_cleanup_(ovl_unit_file_done) struct ovl_unit_file u = { 0 };
	_cleanup_(ovl_error_done) struct ovl_error failed = OVL_ERROR_INIT;
	struct ovl_mount_asked asked = { .source = OVL_SOURCE_UNIT, .target = where };
	/* systemd follows no symlinks here: the unit has its name */
	_cleanup_free_ char *real = s->boot ? strdup(where) : ovl_described_where(where);
	int r;

	if (!real)
		return no_memory(s);
	if (s->boot)
		asked.where = real;
	if (ovl_map_get(&s->seen, ovl_map_hash(real, strlen(real))))
		return 0;
	r = ovl_unit_file_read(NULL, where, &u, &failed);
	if (r == 0 || r == -ENODATA) /* a folder or a device is no unit */
		return 0;
	asked.path = u.path;
	if (r > 0 && (!u.type || strcmp(u.type, "overlay") != 0))
		return 0;
	if (r > 0)
		r = asks(s, u.options, 0, &asked, &failed);
	if (r > 0 && ovl_unit_file_settle(&u, where, &failed) < 0)
		r = failed.code;
	if (r < 0)
		return tell_failed(s, &asked, &failed);
	return r > 0 ? tell(s, &asked, u.options) : 0;
}

static int units(struct search *s)
{
	_cleanup_(ovl_error_done) struct ovl_error failed = OVL_ERROR_INIT;
	_cleanup_(ovl_unit_places_done) struct ovl_unit_places places = { { 0 } };
	struct ovl_mount_asked none = { .source = OVL_SOURCE_UNIT, .target = "systemd" };
	int r = ovl_unit_file_list(NULL, &places, &failed);
	size_t i;

	if (r < 0)
		return tell_failed(s, &none, &failed);
	for (i = 0; i < places.path.len && r == 0; i++)
		r = on_unit(s, places.path.data[i]);
	return r;
}

int ovl_mount_asked(const char *fstab, int (*each)(void *ctx, struct ovl_mount_asked *asked),
		    void *ctx, struct ovl_error *e)
{
	struct search s = { .each = each, .ctx = ctx, .e = e };
	int r = fstab_lines(&s, fstab);

	if (r == 0)
		r = units(&s);
	ovl_map_done(&s.seen);
	return r;
}

int ovl_mount_for_boot(const struct ovl_mount_places *places,
		       int (*each)(void *ctx, struct ovl_mount_asked *asked), void *ctx,
		       struct ovl_error *e)
{
	struct search s = { .boot = places, .each = each, .ctx = ctx, .e = e };
	int r;

	s.in_initrd = ovl_boot_in_initrd();
	r = places->fstab ? fstab_lines(&s, places->fstab) : 0;
	if (r == 0 && places->units)
		r = units(&s);
	ovl_map_done(&s.seen);
	return r;
}
