/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding and reading drop-ins. See unit_dropin.h and systemd.unit(5).
 */
#include "io/unit_dropin.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/vec.h"
#include "io/unit_parse.h"

#include "base/banned.h"

/* Drop-in files: the first of a name masks the others. */
struct dropin {
	char *name;
	char *path;
	size_t rank; /* order of finding */
};
struct dropins {
	OVL_VEC(struct dropin) list;
};

static void dropins_done(struct dropins *d)
{
	size_t i;

	for (i = 0; i < d->list.len; i++) {
		free(d->list.data[i].name);
		free(d->list.data[i].path);
	}
	ovl_vec_done(&d->list);
}

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int add_dropin(struct dropins *d, const char *dir, const char *name)
{
	_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 };
	struct dropin item = { .rank = d->list.len };
	int r;

	if (ovl_buf_addf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	item.name = strdup(name);
	item.path = ovl_buf_take(&path);
	r = item.name && item.path ? ovl_vec_push(&d->list, item) : -ENOMEM;
	if (r < 0) {
		free(item.name);
		free(item.path);
	}
	return r;
}

static int list_dropins(struct dropins *d, const char *dir)
{
	_cleanup_(close_dir) DIR *stream = opendir(dir);
	struct dirent *entry;
	size_t len;
	int r = 0;

	if (!stream)
		return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG ? 0 : -errno;
	while (r == 0) {
		errno = 0;
		entry = readdir(stream);
		if (!entry)
			return -errno;
		len = strlen(entry->d_name);
		if (len > 5 && strcmp(entry->d_name + len - 5, ".conf") == 0)
			r = add_dropin(d, dir, entry->d_name);
	}
	return r;
}

/* Of one folder: those of the unit, then those of its prefixes, the longest first, then of all. */
static int collect_dropins(struct dropins *d, const char *dir, const char *stem)
{
	_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 };
	size_t len = strlen(stem);
	int r;

	for (;;) {
		/* No file has a longer name, and a long stem has many prefixes. */
		if (len <= NAME_MAX) {
			ovl_buf_clear(&path);
			if (ovl_buf_addf(&path, "%s/%.*s.mount.d", dir, (int)len, stem) < 0)
				return -ENOMEM;
			r = list_dropins(d, path.data);
			if (r < 0)
				return r;
		}
		/* "a-b-c" has the prefixes "a-b-" and "a-" */
		while (len > 0 && stem[len - 1] == '-')
			len--;
		while (len > 0 && stem[len - 1] != '-')
			len--;
		if (len <= 1)
			break;
	}
	ovl_buf_clear(&path);
	if (ovl_buf_addf(&path, "%s/mount.d", dir) < 0)
		return -ENOMEM;
	return list_dropins(d, path.data);
}

static int compare_dropins(const void *a, const void *b)
{
	const struct dropin *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	if (c != 0)
		return c;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

int ovl_unit_dropins(const char *const *dirs, const char *stem, struct ovl_unit_file *u,
		     struct ovl_error *e)
{
	_cleanup_(dropins_done) struct dropins d = { { 0 } };
	bool masked;
	size_t i;
	int r;

	for (i = 0; dirs[i]; i++) {
		if (!*dirs[i])
			continue;
		r = collect_dropins(&d, dirs[i], stem);
		if (r < 0)
			return ovl_fail(e, r, "cannot read the unit files in '%s'", dirs[i]);
	}
	if (d.list.len > 0)
		qsort(d.list.data, d.list.len, sizeof(*d.list.data), compare_dropins);
	for (i = 0; i < d.list.len; i++) {
		if (i > 0 && strcmp(d.list.data[i - 1].name, d.list.data[i].name) == 0)
			continue;
		r = ovl_unit_parse(d.list.data[i].path, u, &masked, e);
		if (r < 0)
			return r;
	}
	return 0;
}
