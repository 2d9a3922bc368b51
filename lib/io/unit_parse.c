/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading one file of a mount unit. See unit_parse.h and systemd.syntax(7).
 */
#include "io/unit_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

#include "base/banned.h"

static void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

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

/* The last assignment counts, and an empty one takes back those before it. */
static int assign(struct ovl_unit_file *u, const char *key, char *value, const char *path,
		  struct ovl_error *e)
{
	char **to;

	if (strcmp(key, "Where") == 0)
		to = &u->where;
	else if (strcmp(key, "Type") == 0)
		to = &u->type;
	else if (strcmp(key, "Options") == 0)
		to = &u->options;
	else
		return 0;
	free(*to);
	*to = NULL;
	if (*value) {
		*to = strdup(value);
		if (!*to)
			return ovl_fail(e, -ENOMEM, "cannot read unit file '%s'", path);
	}
	return 0;
}

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

int ovl_unit_parse(const char *path, struct ovl_unit_file *u, bool *ret_masked, struct ovl_error *e)
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
