/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Folders of our own. See store_folder.h.
 */
#include "repair/store_folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "io/beneath.h"
#include "io/reader.h"
#include "io/write.h"
#include "repair/manifest.h"

#include "base/banned.h"

enum { ID_LEN = 36 };

void ovl_store_names_done(ovl_store_names *names)
{
	for (size_t i = 0; i < names->len; i++)
		free(names->data[i]);
	ovl_vec_done(names);
}

int ovl_store_read(int dir, ovl_store_names *ret)
{
	struct ovl_reader *reader = ovl_reader_linux();
	_cleanup_free_ unsigned char *buf = malloc(OVL_DIRBUF_SIZE);
	struct ovl_dirstream stream = { .buf = buf, .room = OVL_DIRBUF_SIZE };
	_cleanup_close_ int fd = -EBADF;
	struct ovl_dirent d;
	int r;

	if (!buf)
		return -ENOMEM;
	/* Opened anew, since a stream begins where the descriptor stands. */
	r = ovl_beneath_open_dir(dir, "", &fd);
	if (r < 0)
		return r;
	while ((r = reader->ops->read_dir(reader, fd, &stream, &d)) > 0) {
		char *name = strndup(d.name, d.len);

		if (!name || ovl_vec_push(ret, name) < 0) {
			free(name);
			return -ENOMEM;
		}
	}
	return r;
}

/* Set-group-id comes from a parent that has it, and gives nobody anything. */
static bool is_own(const struct ovl_stat *st)
{
	return S_ISDIR(st->mode) && st->uid == geteuid() && (st->mode & 07777 & ~S_ISGID) == 0700;
}

int ovl_store_open_own(int dir, const char *name, int *ret_fd)
{
	struct ovl_reader *reader = ovl_reader_linux();
	_cleanup_close_ int fd = -EBADF;
	struct ovl_stat st;
	int r = ovl_beneath_open_dir(dir, name, &fd);

	if (r == 0)
		r = reader->ops->stat(reader, fd, "", &st);
	if (r == 0 && !is_own(&st))
		r = -EPERM;
	if (r == 0)
		*ret_fd = TAKE_FD(fd);
	return r;
}

int ovl_store_make_own(int dir, const char *name, int *ret_fd)
{
	_cleanup_close_ int fd = -EBADF;
	int r = ovl_write_make_dir(dir, name, 0700);

	if (r == -EPERM)
		return -EACCES; /* it is not that the folder is somebody else's */
	if (r == 0 || r == -EEXIST)
		r = ovl_store_open_own(dir, name, &fd);
	/* Also where it was there: who made it may have been killed before the next two lines. */
	if (r == 0)
		r = ovl_write_sync(fd);
	if (r == 0)
		r = ovl_write_sync(dir);
	if (r == 0)
		*ret_fd = TAKE_FD(fd);
	return r;
}

int ovl_store_fail(struct ovl_error *e, int r, const char *name)
{
	switch (r) {
	case -EPERM:
		return ovl_fail_plain(
			e, r,
			"folder '%s' is not ours: it must belong to this user and have "
			"mode 0700",
			name);
	case -ELOOP:
	case -ENOTDIR:
		return ovl_fail_plain(e, r, "'%s' should be a folder of ours, and is none", name);
	case -EACCES:
		return ovl_fail_plain(
			e, r, "cannot make folder '%s': not permitted, or immutable (see lsattr)",
			name);
	default:
		return ovl_fail(e, r, "cannot use folder '%s'", name);
	}
}

int ovl_store_fail_frozen(struct ovl_error *e, const char *name)
{
	return ovl_fail_plain(e, -EPERM, "'%s' is immutable or append-only (see lsattr)", name);
}

bool ovl_store_is_id(const char *name, size_t len)
{
	if (len != ID_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? name[i] != '-' : !strchr("0123456789abcdef", name[i]) || !name[i])
			return false;
	}
	return true;
}

/* A file, a node, or an empty directory. Others stay. */
static int remove_any(int dir, const char *name)
{
	int r = ovl_write_remove(dir, name);

	if (r == -EISDIR || r == -EPERM)
		r = ovl_write_remove_dir(dir, name);
	return r == -ENOTEMPTY || r == -EEXIST || r == -ENOENT ? 0 : r;
}

/* Nothing gets in there but what was just made, or was found to be as it was made. */
static bool is_tree(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && strcmp(dot, ".tree") == 0;
}

/* What is immutable in it stays. */
static int remove_tree(int stage, const char *name)
{
	int r = ovl_manifest_remove(stage, name);

	return r == -EPERM || r == -EACCES || r == -ENOTEMPTY || r == -ENOENT ? 0 : r;
}

int ovl_store_clear_stage(int dir)
{
	_cleanup_(ovl_store_names_done) ovl_store_names names = { 0 };
	_cleanup_close_ int stage = -EBADF;
	int r = ovl_store_open_own(dir, "stage", &stage);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = ovl_store_read(stage, &names);
	for (size_t i = 0; r == 0 && i < names.len; i++)
		r = is_tree(names.data[i]) ? remove_tree(stage, names.data[i]) :
					     remove_any(stage, names.data[i]);
	return r;
}

/* Does saved/@name hold a copy of what an operation overwrote, and never was anything else? */
static bool is_copy(const struct ovl_log *log, const char *name)
{
	char *end;
	uint64_t number = strtoull(name, &end, 10);

	if (*end || number == 0)
		return false;
	for (size_t i = 0; i < log->step.len; i++) {
		const ovl_op_vec *ops = &log->step.data[i].ops;

		/* Taking a step back at once takes its copy away: who knows where the file is now? */
		for (size_t k = 0; !log->step.data[i].aborted && k < ops->len; k++)
			if (ops->data[k].saved == number)
				return true;
	}
	return false;
}

/* Empties saved/, if there are but copies in it: 1, else 0. */
static int clear_saved(int dir)
{
	_cleanup_(ovl_store_names_done) ovl_store_names names = { 0 };
	_cleanup_(ovl_log_done) struct ovl_log log = { 0 };
	_cleanup_close_ int saved = -EBADF;
	int r = ovl_store_open_own(dir, "saved", &saved);

	if (r == -ENOENT)
		return 1;
	if (r == 0)
		r = ovl_store_read(saved, &names);
	if (r == 0 && names.len > 0)
		r = ovl_journal_read(dir, &log, NULL);
	if (r < 0)
		return r;
	for (size_t i = 0; i < names.len; i++)
		if (!is_copy(&log, names.data[i]))
			return 0;
	for (size_t i = 0; r == 0 && i < names.len; i++)
		r = ovl_write_remove(saved, names.data[i]);
	return r < 0 ? r : 1;
}

static int none_is_fine(int r)
{
	return r == -ENOENT ? 0 : r;
}

int ovl_store_remove(int all, const char *id)
{
	_cleanup_close_ int dir = -EBADF;
	int r = ovl_store_open_own(all, id, &dir);

	if (r == 0)
		r = clear_saved(dir);
	if (r <= 0)
		return r;
	r = ovl_store_clear_stage(dir);
	if (r == 0)
		r = none_is_fine(ovl_write_remove_dir(dir, "stage"));
	if (r == 0)
		r = none_is_fine(ovl_write_remove_dir(dir, "saved"));
	/* Something in stage/ could not be removed: it stays, and so does the journal. */
	if (r == -ENOTEMPTY || r == -EEXIST)
		return 0;
	if (r == 0)
		r = none_is_fine(ovl_write_remove(dir, "journal.new"));
	if (r == 0)
		r = none_is_fine(ovl_write_remove(dir, "journal"));
	if (r == 0)
		r = ovl_write_remove_dir(all, id);
	if (r == 0)
		r = ovl_write_sync(all);
	/* Whatever somebody has put there beside the journal. */
	if (r == -ENOTEMPTY || r == -EEXIST)
		return 0;
	return r < 0 ? r : 1;
}
