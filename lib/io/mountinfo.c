/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mounts of a process. See mountinfo.h.
 */
#include "io/mountinfo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/cleanup.h"

#include "base/banned.h"

static void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* Cuts off the next field; an empty one is a field too (a mount may have an empty source). */
static char *next_field(char **pos)
{
	char *field = *pos, *space;

	if (!field)
		return NULL;
	space = strchr(field, ' ');
	if (space)
		*space++ = '\0';
	*pos = space;
	return field;
}

static bool parse_id(const char *text, uint64_t *ret)
{
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0';
}

/* "36 35 98:0 /root /target rw,noatime shared:1 - ext4 /dev/sda1 rw,errors=continue" */
static bool parse_line(char *line, struct ovl_mountinfo_row *ret)
{
	struct ovl_mountinfo_row row = { 0 };
	char *pos = line, *optional;

	if (!parse_id(next_field(&pos), &row.id) || !parse_id(next_field(&pos), &row.parent))
		return false;
	row.dev = next_field(&pos);
	row.root = next_field(&pos);
	row.target = next_field(&pos);
	row.mount_options = next_field(&pos);
	do
		optional = next_field(&pos);
	while (optional && strcmp(optional, "-") != 0);
	row.fs_type = next_field(&pos);
	(void)next_field(&pos); /* source */
	row.fs_options = pos;
	if (!row.fs_options)
		return false;
	*ret = row;
	return true;
}

int ovl_mountinfo_read(const char *path, int (*callback)(struct ovl_mountinfo_row *row, void *ctx),
		       void *ctx)
{
	_cleanup_(close_file) FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	struct ovl_mountinfo_row row;
	size_t room = 0;
	ssize_t len;
	int r;

	f = fopen(path, "re");
	if (!f)
		return -errno;
	for (;;) {
		errno = 0;
		len = getline(&line, &room, f);
		if (len < 0)
			return ferror(f) || errno == ENOMEM ? -(errno ? errno : EIO) : 0;
		if (len > 0 && line[len - 1] == '\n')
			line[len - 1] = '\0';
		if (!parse_line(line, &row))
			continue;
		r = callback(&row, ctx);
		if (r != 0)
			return r;
	}
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

char *ovl_mountinfo_unescape(char *s)
{
	char *from, *to = s;

	for (from = s; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && is_octal(from[2]) &&
		    is_octal(from[3])) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return s;
}

bool ovl_mountinfo_has_option(const char *options, const char *name)
{
	size_t len = strlen(name);
	const char *p = options;

	for (; p; p = strchr(p, ','), p = p ? p + 1 : NULL)
		if (strncmp(p, name, len) == 0 && (p[len] == ',' || p[len] == '\0'))
			return true;
	return false;
}

/* The labels of SELinux stand in quotes if they have commas in them. */
static bool is_quoted_label(const char *word)
{
	static const char *const labels[] = { "context=\"", "fscontext=\"", "defcontext=\"",
					      "rootcontext=\"" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(labels); i++)
		if (strncmp(word, labels[i], strlen(labels[i])) == 0)
			return true;
	return false;
}

static char *next_word(char **pos)
{
	char *word = *pos, *comma, *quote;

	if (!word)
		return NULL;
	comma = strchrnul(word, ',');
	if (is_quoted_label(word)) {
		quote = strchr(strchr(word, '"') + 1, '"');
		if (quote)
			comma = strchrnul(quote, ',');
	}
	*pos = *comma ? comma + 1 : NULL;
	*comma = '\0';
	return word;
}

static bool is_layer_option(const char *name)
{
	return strcmp(name, "lowerdir") == 0 || strcmp(name, "lowerdir+") == 0 ||
	       strcmp(name, "datadir+") == 0 || strcmp(name, "upperdir") == 0 ||
	       strcmp(name, "workdir") == 0;
}

int ovl_mountinfo_config(struct ovl_mountinfo_row *row, bool layers_only, struct ovl_config *ret,
			 struct ovl_error *e)
{
	_cleanup_(ovl_config_done) struct ovl_config config = { 0 };
	char *pos = row->fs_options, *name, *value;
	int r;

	while ((name = next_word(&pos))) {
		value = strchr(name, '=');
		if (value)
			*value++ = '\0';
		if (*name == '\0' || (layers_only && !is_layer_option(name)))
			continue;
		r = ovl_config_set(&config, ovl_mountinfo_unescape(name),
				   value ? ovl_mountinfo_unescape(value) : NULL, e);
		if (r < 0)
			return r;
	}
	config.read_only = config.read_only || ovl_mountinfo_has_option(row->mount_options, "ro");
	*ret = config;
	config = (struct ovl_config){ 0 };
	return 0;
}
