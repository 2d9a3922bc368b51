/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading fstab. See fstab.h.
 */
#include "io/fstab.h"

#include <errno.h>
#include <libmount/libmount.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "io/shown.h"

#include "base/banned.h"

void ovl_fstab_done(struct ovl_fstab *t)
{
	mnt_unref_table(t->table);
	mnt_free_iter(t->iter);
}

static int fail_fstab(struct ovl_error *e, int code, const char *path)
{
	_cleanup_free_ char *shown = ovl_shown_path(path);

	if (code == -EINVAL) /* libmount, of what is neither a file nor a directory of files */
		return ovl_fail_plain(e, -ENODATA, "fstab '%s' is no regular file",
				      ovl_shown_or(shown));
	return ovl_fail(e, code, "cannot read '%s'", ovl_shown_or(shown));
}

/* A line that makes no sense is passed over, as mount(8) does; one that did not fit is not. */
static int parse_error(struct libmnt_table *table, const char *path, int line)
{
	(void)table;
	(void)path;
	(void)line;
	return errno == ENOMEM ? -ENOMEM : 1;
}

const char *ovl_fstab_path(const char *given)
{
	const char *path = given ? given : secure_getenv("FSTAB_FILE");

	return path && *path ? path : "/etc/fstab";
}

int ovl_fstab_open(const char *path, struct ovl_fstab *ret, struct ovl_error *e)
{
	struct ovl_fstab t = { mnt_new_table(), mnt_new_iter(MNT_ITER_FORWARD) };
	bool is_given = path != NULL;
	int r = -ENOMEM;

	path = ovl_fstab_path(path);
	if (t.table && t.iter) {
		mnt_table_set_parser_errcb(t.table, parse_error);
		errno = 0;
		r = mnt_table_parse_fstab(t.table, path);
		if (r > 0)
			r = -EIO;
		if (r == -ENOENT && !is_given)
			r = 0;
	}
	if (r < 0) {
		ovl_fstab_done(&t);
		return fail_fstab(e, r, path);
	}
	*ret = t;
	return 0;
}

bool ovl_fstab_next(struct ovl_fstab *t, struct ovl_fstab_line *ret)
{
	struct libmnt_fs *fs;

	while (t->table && mnt_table_next_fs(t->table, t->iter, &fs) == 0) {
		const char *type = mnt_fs_get_fstype(fs);

		if (!type || strcmp(type, "overlay") != 0 || !mnt_fs_get_target(fs))
			continue;
		*ret = (struct ovl_fstab_line){
			.spec = mnt_fs_get_source(fs),
			.target = mnt_fs_get_target(fs),
			.options = mnt_fs_get_options(fs),
			.passno = mnt_fs_get_passno(fs),
		};
		return true;
	}
	return false;
}

void ovl_fstab_rewind(struct ovl_fstab *t)
{
	mnt_reset_iter(t->iter, MNT_ITER_FORWARD);
}
