/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mount unit of systemd for a mount point. See unit_file.h and systemd.unit(5).
 */
#include "io/unit_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "format/unitname.h"
#include "io/shown.h"
#include "io/unit_dropin.h"
#include "io/unit_parse.h"

#include "base/banned.h"

static const char *const system_dirs[] = {
	"/etc/systemd/system",     "/run/systemd/system", "",   "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system", "/lib/systemd/system", NULL,
};

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

void ovl_unit_file_done(struct ovl_unit_file *u)
{
	if (!u)
		return;
	free(u->path);
	free(u->where);
	free(u->type);
	free(u->options);
	*u = (struct ovl_unit_file){ 0 };
}

/* "a-b" of "/a/b": 1, 0 if no unit can be named for it, -ENOMEM */
static int stem_of(const char *where, struct ovl_buf *ret, struct ovl_error *e)
{
	int r = ovl_unitname_add(ret, where);

	if (r == -ENOMEM)
		return ovl_fail(e, r, "cannot read the unit files");
	return r == 0;
}

/* ---- Settings ---- */

/* Takes out the specifiers: "%%" is a percent sign, and the others need a running systemd. */
static int expand(char *value, const char *path, struct ovl_error *e)
{
	char *from = value, *to = value;

	while (value && *from) {
		if (*from == '%' && from[1] == '%') {
			from++;
		} else if (*from == '%') {
			return ovl_fail_plain(e, -ENODATA,
					      "unit file '%s' has the specifier '%%%c', which "
					      "cannot be looked up here",
					      path, from[1] > ' ' && from[1] < 127 ? from[1] : ' ');
		}
		*to++ = *from++;
	}
	if (value)
		*to = '\0';
	return 0;
}

static bool is_same_path(const char *a, const char *b)
{
	size_t len_a = strlen(a), len_b = strlen(b);

	while (len_a > 1 && a[len_a - 1] == '/')
		len_a--;
	while (len_b > 1 && b[len_b - 1] == '/')
		len_b--;
	return len_a == len_b && memcmp(a, b, len_a) == 0;
}

int ovl_unit_file_settle(struct ovl_unit_file *u, const char *where, struct ovl_error *e)
{
	_cleanup_free_ char *shown = NULL;
	const char *path = u->path ? u->path : where;
	int r;

	r = expand(u->where, path, e);
	if (r == 0)
		r = expand(u->type, path, e);
	if (r == 0)
		r = expand(u->options, path, e);
	if (r < 0 || !u->where || is_same_path(u->where, where))
		return r;
	shown = ovl_shown_path(u->where);
	return ovl_fail_plain(e, -ENODATA, "unit file '%s' is for another directory: '%s'", path,
			      ovl_shown_or(shown));
}

/* ---- The unit ---- */

/* The first of @n folders that has the file: 1, 0 if none has it; negative errno */
static int find_file(const char *const *dirs, size_t n, const char *stem, struct ovl_unit_file *u,
		     bool *ret_masked, struct ovl_error *e)
{
	_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 };
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		if (!*dirs[i])
			continue;
		ovl_buf_clear(&path);
		if (ovl_buf_addf(&path, "%s/%s.mount", dirs[i], stem) < 0)
			return ovl_fail(e, -ENOMEM, "cannot read the unit files");
		r = ovl_unit_parse(path.data, u, ret_masked, e);
		if (r > 0)
			u->path = ovl_buf_take(&path);
		if (r != 0)
			return r;
	}
	return 0;
}

static size_t count_dirs(const char *const *dirs, bool over_fstab)
{
	size_t n = 0;

	while (dirs[n] && (*dirs[n] || !over_fstab))
		n++;
	return dirs[n] || !over_fstab ? n : 0;
}

int ovl_unit_file_read(const char *const *dirs, const char *where, struct ovl_unit_file *ret,
		       struct ovl_error *e)
{
	_cleanup_(ovl_unit_file_done) struct ovl_unit_file u = { 0 };
	_cleanup_(ovl_buf_done) struct ovl_buf stem = { 0 };
	bool masked = false;
	int r;

	if (!dirs)
		dirs = system_dirs;
	r = stem_of(where, &stem, e);
	if (r > 0)
		r = find_file(dirs, count_dirs(dirs, false), stem.data, &u, &masked, e);
	if (r <= 0 || masked)
		return r < 0 ? r : 0;
	r = ovl_unit_dropins(dirs, stem.data, &u, e);
	if (r < 0)
		return r;
	*ret = u;
	u = (struct ovl_unit_file){ 0 };
	return 1;
}

int ovl_unit_file_find(const char *const *dirs, const char *where, struct ovl_unit_file *ret,
		       struct ovl_error *e)
{
	_cleanup_(ovl_unit_file_done) struct ovl_unit_file u = { 0 };
	int r;

	r = ovl_unit_file_read(dirs, where, &u, e);
	if (r > 0) {
		r = ovl_unit_file_settle(&u, where, e);
		if (r < 0)
			return r;
		*ret = u;
		u = (struct ovl_unit_file){ 0 };
		return 1;
	}
	return r;
}

int ovl_unit_file_over_fstab(const char *const *dirs, const char *where, struct ovl_unit_file *ret,
			     struct ovl_error *e)
{
	_cleanup_(ovl_unit_file_done) struct ovl_unit_file u = { 0 };
	_cleanup_(ovl_buf_done) struct ovl_buf stem = { 0 };
	bool masked = false;
	int r;

	if (!dirs)
		dirs = system_dirs;
	r = stem_of(where, &stem, e);
	if (r < 0)
		return r;
	if (r > 0) {
		r = find_file(dirs, count_dirs(dirs, true), stem.data, &u, &masked, e);
		if (r != 0)
			return r;
		r = ovl_unit_dropins(dirs, stem.data, &u, e);
	}
	if (r < 0)
		return r;
	*ret = u;
	u = (struct ovl_unit_file){ 0 };
	return 0;
}

/* ---- All units ---- */

/* Adds the mount point that a file is named for, if it is named for one. */
static int add_mount_point(struct ovl_unit_places *p, const char *name)
{
	static const char suffix[] = ".mount";
	size_t len = strlen(name), end = strlen(suffix);
	_cleanup_free_ char *stem = NULL;
	char *path;
	int r;

	if (len <= end || strcmp(name + len - end, suffix) != 0)
		return 0;
	stem = strndup(name, len - end);
	if (!stem)
		return -ENOMEM;
	r = ovl_unitname_path(stem, &path);
	if (r < 0) /* systemd would refuse it */
		return r == -ENOMEM ? r : 0;
	r = ovl_vec_push(&p->path, path);
	if (r < 0)
		free(path);
	return r;
}

static int list_mount_points(struct ovl_unit_places *p, const char *dir)
{
	_cleanup_(close_dir) DIR *stream = opendir(dir);
	struct dirent *entry;
	int r = 0;

	if (!stream)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	while (r == 0) {
		errno = 0;
		entry = readdir(stream);
		if (!entry)
			return -errno;
		r = add_mount_point(p, entry->d_name);
	}
	return r;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void drop_doubles(struct ovl_unit_places *p)
{
	char **path = p->path.data;
	size_t i, n = 0;

	if (p->path.len == 0)
		return;
	qsort(path, p->path.len, sizeof(*path), compare_paths);
	for (i = 1; i < p->path.len; i++) {
		if (strcmp(path[i], path[n]) == 0)
			free(path[i]);
		else
			path[++n] = path[i];
	}
	p->path.len = n + 1;
}

int ovl_unit_file_list(const char *const *dirs, struct ovl_unit_places *ret, struct ovl_error *e)
{
	_cleanup_(ovl_unit_places_done) struct ovl_unit_places p = { { 0 } };
	size_t i;
	int r;

	if (!dirs)
		dirs = system_dirs;
	for (i = 0; dirs[i]; i++) {
		r = *dirs[i] ? list_mount_points(&p, dirs[i]) : 0;
		if (r < 0)
			return ovl_fail(e, r, "cannot read the unit files in '%s'", dirs[i]);
	}
	drop_doubles(&p);
	*ret = p;
	p = (struct ovl_unit_places){ { 0 } };
	return 0;
}

void ovl_unit_places_done(struct ovl_unit_places *p)
{
	for (size_t i = 0; i < p->path.len; i++)
		free(p->path.data[i]);
	ovl_vec_done(&p->path);
}
