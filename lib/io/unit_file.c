/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mount unit of systemd for a mount point. See unit_file.h and systemd.unit(5).
 */
#include "io/unit_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/vec.h"
#include "io/shown.h"

#include "base/banned.h"

static const char *const system_dirs[] = {
	"/etc/systemd/system",     "/run/systemd/system", "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system", "/lib/systemd/system", NULL,
};

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

static void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

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

/* ---- Names ---- */

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == ':' || c == '_' || c == '.';
}

/* "/srv/my-data" is "srv-my\x2ddata", "/" is "-"; without ".mount" */
static int add_unit_stem(struct ovl_buf *b, const char *where)
{
	const char *p = where + strspn(where, "/");
	size_t len = strlen(p), i;
	int r = 0;

	while (len > 0 && p[len - 1] == '/')
		len--;
	if (len == 0)
		return ovl_buf_addc(b, '-');
	for (i = 0; i < len && r == 0; i++) {
		if (p[i] == '/')
			r = ovl_buf_addc(b, '-');
		else if (is_plain(p[i]) && !(i == 0 && p[i] == '.'))
			r = ovl_buf_addc(b, p[i]);
		else
			r = ovl_buf_addf(b, "\\x%02x", (unsigned char)p[i]);
	}
	return r;
}

/* ---- Assignments ---- */

static char *trim(char *s)
{
	size_t len;

	s += strspn(s, " \t\r\n");
	len = strlen(s);
	while (len > 0 && strchr(" \t\r\n", s[len - 1]))
		len--;
	s[len] = '\0';
	return s;
}

/* Takes out the specifiers: "%%" is a percent sign, and the others need a running systemd. */
static int expand(char *value, const char *path, struct ovl_error *e)
{
	char *from = value, *to = value;

	while (*from) {
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
	*to = '\0';
	return 0;
}

/* The last assignment counts, and an empty one takes back those before it. */
static int assign(struct ovl_unit_file *u, const char *key, char *value, const char *path,
		  struct ovl_error *e)
{
	char **to;
	int r;

	if (strcmp(key, "Where") == 0)
		to = &u->where;
	else if (strcmp(key, "Type") == 0)
		to = &u->type;
	else if (strcmp(key, "Options") == 0)
		to = &u->options;
	else
		return 0;
	r = expand(value, path, e);
	if (r < 0)
		return r;
	free(*to);
	*to = NULL;
	if (*value) {
		*to = strdup(value);
		if (!*to)
			return ovl_fail(e, -ENOMEM, "cannot read unit file '%s'", path);
	}
	return 0;
}

/* ---- Lines ---- */

static bool is_comment(const char *line)
{
	line += strspn(line, " \t");
	return *line == '#' || *line == ';';
}

/*
 * One line, with those that it goes on with: a backslash at the end joins, by a space, and comments
 * in between are left out. 1, 0 at the end, negative errno.
 */
static int read_line(FILE *f, struct ovl_buf *ret)
{
	_cleanup_free_ char *line = NULL;
	bool more = false;
	size_t room = 0;
	ssize_t len;
	int r;

	ovl_buf_clear(ret);
	for (;;) {
		errno = 0;
		len = getline(&line, &room, f);
		if (len < 0 && (ferror(f) || errno == ENOMEM))
			return -(errno ? errno : EIO);
		if (len < 0)
			return more;
		if (is_comment(line)) {
			if (more)
				continue;
			return ovl_buf_adds(ret, "#") < 0 ? -ENOMEM : 1;
		}
		while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
			len--;
		more = len > 0 && line[len - 1] == '\\';
		r = ovl_buf_add(ret, line, (size_t)len - (more ? 1 : 0));
		if (r == 0 && more)
			r = ovl_buf_addc(ret, ' ');
		if (r < 0)
			return r;
		if (!more)
			return 1;
	}
}

static int parse(FILE *f, const char *path, struct ovl_unit_file *u, struct ovl_error *e)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	bool in_mount = false;
	char *line, *value;
	int r;

	while ((r = read_line(f, &b)) > 0) {
		if (!b.data)
			continue;
		line = trim(b.data);
		if (*line == '[') {
			in_mount = strcmp(line, "[Mount]") == 0;
			continue;
		}
		value = strchr(line, '=');
		if (!in_mount || !value || is_comment(line))
			continue;
		*value++ = '\0';
		r = assign(u, trim(line), trim(value), path, e);
		if (r < 0)
			return r;
	}
	return r < 0 ? ovl_fail(e, r, "cannot read unit file '%s'", path) : 0;
}

/* Reads one file into @u: 1, 0 if there is none, negative errno; @ret_masked if it says "no". */
static int load(const char *path, struct ovl_unit_file *u, bool *ret_masked, struct ovl_error *e)
{
	_cleanup_close_ int fd = -EBADF;
	_cleanup_(close_file) FILE *f = NULL;
	struct stat st;
	int r;

	/* Not blocking: it might be a FIFO. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG))
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return ovl_fail(e, -errno, "cannot read unit file '%s'", path);
	*ret_masked = S_ISCHR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0);
	if (*ret_masked)
		return 1;
	if (!S_ISREG(st.st_mode))
		return ovl_fail_plain(e, -ENODATA, "unit file '%s' is no regular file", path);
	f = fdopen(fd, "r");
	if (!f)
		return ovl_fail(e, -ENOMEM, "cannot read unit file '%s'", path);
	TAKE_FD(fd);
	r = parse(f, path, u, e);
	return r < 0 ? r : 1;
}

/* ---- Drop-ins ---- */

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
		ovl_buf_clear(&path);
		if (ovl_buf_addf(&path, "%s/%.*s.mount.d", dir, (int)len, stem) < 0)
			return -ENOMEM;
		r = list_dropins(d, path.data);
		if (r < 0)
			return r;
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

static int load_dropins(const char *const *dirs, const char *stem, struct ovl_unit_file *u,
			struct ovl_error *e)
{
	_cleanup_(dropins_done) struct dropins d = { { 0 } };
	bool masked;
	size_t i;
	int r;

	for (i = 0; dirs[i]; i++) {
		r = collect_dropins(&d, dirs[i], stem);
		if (r < 0)
			return ovl_fail(e, r, "cannot read the unit files in '%s'", dirs[i]);
	}
	if (d.list.len > 0)
		qsort(d.list.data, d.list.len, sizeof(*d.list.data), compare_dropins);
	for (i = 0; i < d.list.len; i++) {
		if (i > 0 && strcmp(d.list.data[i - 1].name, d.list.data[i].name) == 0)
			continue;
		r = load(d.list.data[i].path, u, &masked, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- The unit ---- */

static int find_file(const char *const *dirs, const char *stem, struct ovl_unit_file *u,
		     struct ovl_error *e)
{
	_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 };
	bool masked = false;
	size_t i;
	int r;

	for (i = 0; dirs[i]; i++) {
		ovl_buf_clear(&path);
		if (ovl_buf_addf(&path, "%s/%s.mount", dirs[i], stem) < 0)
			return ovl_fail(e, -ENOMEM, "cannot read the unit files");
		r = load(path.data, u, &masked, e);
		if (r < 0)
			return r;
		if (r > 0) {
			u->path = ovl_buf_take(&path);
			return !masked;
		}
	}
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

int ovl_unit_file_find(const char *const *dirs, const char *where, struct ovl_unit_file *ret,
		       struct ovl_error *e)
{
	_cleanup_(ovl_unit_file_done) struct ovl_unit_file u = { 0 };
	_cleanup_(ovl_buf_done) struct ovl_buf stem = { 0 };
	_cleanup_free_ char *shown = NULL;
	int r;

	if (!dirs)
		dirs = system_dirs;
	if (add_unit_stem(&stem, where) < 0)
		return ovl_fail(e, -ENOMEM, "cannot read the unit files");
	r = find_file(dirs, stem.data, &u, e);
	if (r <= 0)
		return r;
	r = load_dropins(dirs, stem.data, &u, e);
	if (r < 0)
		return r;
	if (u.where && !is_same_path(u.where, where)) {
		shown = ovl_shown_path(u.where);
		return ovl_fail_plain(e, -ENODATA, "unit file '%s' is for another directory: '%s'",
				      u.path, ovl_shown_or(shown));
	}
	*ret = u;
	u = (struct ovl_unit_file){ 0 };
	return 1;
}
