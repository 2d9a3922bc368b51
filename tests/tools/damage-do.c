/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes to a layer that can be taken back, so that one overlay serves many damages.
 *
 * Each is noted in a file before it is made: a line of words in hex, what undoes it first.
 */
#include "damage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MAX_WORDS = 5 };

void dmg_undo_open(struct dmg *d, const char *dir)
{
	_cleanup_free_ char *path = ovl_tool_format("%s/undo", dir);

	d->undo = fopen(path, "we");
	if (!d->undo)
		ovl_tool_die("%s", path);
}

void dmg_undo_close(struct dmg *d)
{
	if (fclose(d->undo))
		ovl_tool_die("undo");
}

/** Notes what to do, as words; a word is printed as hex with an x before it, so none is empty. */
static void note_bytes(struct dmg *d, const void *data, size_t len)
{
	fputs(" x", d->undo);
	ovl_tool_hex(d->undo, data, len);
}

static void note_word(struct dmg *d, const char *word)
{
	note_bytes(d, word, strlen(word));
}

static void note_end(struct dmg *d)
{
	putc('\n', d->undo);
	if (fflush(d->undo))
		ovl_tool_die("undo");
}

static void note(struct dmg *d, const char *what, const char *a, const char *b)
{
	fputs(what, d->undo);
	note_word(d, a);
	if (b)
		note_word(d, b);
	note_end(d);
}

static void note_xattr(struct dmg *d, const char *path, const char *name)
{
	unsigned char old[65536];
	ssize_t len = lgetxattr(path, name, old, sizeof(old));

	if (len < 0 && errno != ENODATA)
		ovl_tool_die("%s of %s", name, path);
	fputs(len < 0 ? "xdel" : "xset", d->undo);
	note_word(d, path);
	note_word(d, name);
	if (len >= 0)
		note_bytes(d, old, (size_t)len);
	note_end(d);
}

static void check(int rc, const char *what, const char *path)
{
	if (rc < 0)
		ovl_tool_die("cannot %s %s", what, path);
}

void dmg_do_set_named(struct dmg *d, const char *path, const char *name, const void *data,
		      size_t len)
{
	note_xattr(d, path, name);
	check(lsetxattr(path, name, data, len, 0), "set an xattr of", path);
}

void dmg_do_set(struct dmg *d, const char *path, enum dmg_xattr x, const void *data, size_t len)
{
	_cleanup_free_ char *name = dmg_xattr_name(d, x);

	dmg_do_set_named(d, path, name, data, len);
}

void dmg_do_remove(struct dmg *d, const char *path, enum dmg_xattr x)
{
	_cleanup_free_ char *name = dmg_xattr_name(d, x);

	note_xattr(d, path, name);
	check(lremovexattr(path, name), "remove an xattr of", path);
}

void dmg_do_mknod(struct dmg *d, const char *path, mode_t mode, dev_t dev)
{
	note(d, "remove", path, NULL);
	check(mknod(path, mode, dev), "make", path);
}

void dmg_do_mkdir(struct dmg *d, const char *path, mode_t mode)
{
	note(d, "remove", path, NULL);
	check(mkdir(path, 0700), "make", path);
	check(chmod(path, mode), "change", path);
}

void dmg_do_symlink(struct dmg *d, const char *target, const char *path)
{
	note(d, "remove", path, NULL);
	check(symlink(target, path), "make", path);
}

void dmg_do_file(struct dmg *d, const char *path, size_t len)
{
	static const char text[] = "planted\n";
	_cleanup_close_ int fd = -EBADF;

	note(d, "remove", path, NULL);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	check(fd, "make", path);
	for (size_t done = 0; done < len; done += strlen(text)) {
		size_t part = len - done < strlen(text) ? len - done : strlen(text);

		if (write(fd, text, part) != (ssize_t)part)
			ovl_tool_die("cannot write %s", path);
	}
}

void dmg_do_link(struct dmg *d, const char *from, const char *to)
{
	note(d, "remove", to, NULL);
	check(link(from, to), "link", to);
}

void dmg_do_rename(struct dmg *d, const char *from, const char *to)
{
	note(d, "rename", to, from);
	check(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE), "rename", from);
}

void dmg_do_unlink(struct dmg *d, const char *path, const char *other)
{
	note(d, "link", other, path);
	check(unlink(path), "remove", path);
}

/** Size and times of before; the times are set last. */
static void note_stat(struct dmg *d, const char *what, const char *path, const struct stat *st)
{
	_cleanup_free_ char *size = ovl_tool_format("%ju", (uintmax_t)st->st_size);
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	fputs(what, d->undo);
	note_word(d, path);
	note_word(d, size);
	note_bytes(d, times, sizeof(times));
	note_end(d);
}

static void keep_times(const char *path, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	check(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), "set the times of", path);
}

void dmg_do_size(struct dmg *d, const char *path, const struct stat *st, off_t size)
{
	note_stat(d, "size", path, st);
	check(truncate(path, size), "resize", path);
	keep_times(path, st);
}

void dmg_do_write(struct dmg *d, const char *path, const struct stat *st, off_t at)
{
	_cleanup_close_ int fd = -EBADF;

	note_stat(d, "hollow", path, st);
	fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	check(fd, "open", path);
	if (pwrite(fd, "p", 1, at) != 1)
		ovl_tool_die("cannot write %s", path);
	keep_times(path, st);
}

/* Taking back. */

struct word {
	char data[2 * 65536]; /* a NUL byte follows */
	size_t len;
};

static void parse_word(const char *hex, struct word *ret)
{
	ret->len = strlen(hex) / 2;
	if (ret->len >= sizeof(ret->data))
		ovl_tool_die("a word is too long");
	for (size_t i = 0; i < ret->len; i++) {
		char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		ret->data[i] = (char)strtoul(digits, NULL, 16);
	}
	ret->data[ret->len] = '\0';
}

static void undo_stat(const struct word *w, bool hollow)
{
	off_t size = (off_t)ovl_tool_number(w[1].data, INT64_MAX);
	struct timespec times[2];

	if (w[2].len != sizeof(times))
		ovl_tool_die("no times for %s", w[0].data);
	memcpy(times, w[2].data, sizeof(times));
	if (hollow)
		check(truncate(w[0].data, 0), "empty", w[0].data);
	check(truncate(w[0].data, size), "resize", w[0].data);
	check(utimensat(AT_FDCWD, w[0].data, times, AT_SYMLINK_NOFOLLOW), "set the times of",
	      w[0].data);
}

static void undo_one(const char *what, const struct word *w)
{
	const char *path = w[0].data, *other = w[1].data;

	if (!strcmp(what, "xdel"))
		check(lremovexattr(path, other), "remove an xattr of", path);
	else if (!strcmp(what, "xset"))
		check(lsetxattr(path, other, w[2].data, w[2].len, 0), "set an xattr of", path);
	else if (!strcmp(what, "remove"))
		check(remove(path), "remove", path);
	else if (!strcmp(what, "rename"))
		check(rename(path, other), "rename", path);
	else if (!strcmp(what, "link"))
		check(link(path, other), "link", path);
	else
		undo_stat(w, !strcmp(what, "hollow"));
}

static void undo_line(char *line)
{
	struct word *words = ovl_tool_realloc(NULL, MAX_WORDS, sizeof(*words));
	char *what = strsep(&line, " "), *hex;

	memset(words, 0, MAX_WORDS * sizeof(*words));
	for (size_t i = 0; i < MAX_WORDS && (hex = strsep(&line, " \n")) != NULL; i++)
		if (*hex)
			parse_word(hex + 1, &words[i]);
	undo_one(what, words);
	free(words);
}

void dmg_undo(const char *dir)
{
	_cleanup_free_ char *path = ovl_tool_format("%s/undo", dir);
	FILE *in = fopen(path, "re");
	char **lines = NULL, *line = NULL;
	size_t count = 0, room = 0;

	if (!in)
		ovl_tool_die("%s", path);
	while (getline(&line, &room, in) > 0) {
		lines = ovl_tool_realloc(lines, count + 1, sizeof(*lines));
		lines[count++] = ovl_tool_format("%s", line);
	}
	if (ferror(in) || fclose(in))
		ovl_tool_die("%s", path);
	free(line);
	while (count--) {
		undo_line(lines[count]);
		free(lines[count]);
	}
	free(lines);
	check(unlink(path), "remove", path);
}
