/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planners for the mark "impure" of upper directories.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repair/fix_origin.h"
#include "repair/fixes.h"

#include "base/banned.h"

static const struct ovl_bytes yes = { (const unsigned char *)"y", 1 };

int ovl_fix_impure_set(struct ovl_fixer *fx)
{
	/* Also where it is mere information: the first lookup through a mount would do the same. */
	int r = ovl_way_set_xattr(fx, fx->finding->loc, OVL_X_IMPURE, yes);

	return r < 0 ? r : 1;
}

/* Does an entry bear a trace of having been copied up? */
static int is_copied(struct ovl_fixer *fx, int fd, const char *name)
{
	struct ovl_obs obs;
	int r = ovl_reader_observe(fx->stack->reader, fd, name, fx->stack->config.userxattr,
				   &fx->scratch, &obs);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return obs.kind != OVL_KIND_WHITEOUT &&
	       (ovl_obs_has(&obs, OVL_X_ORIGIN) || ovl_obs_has(&obs, OVL_X_REDIRECT) ||
		ovl_obs_has(&obs, OVL_X_METACOPY));
}

static int holds_copied(struct ovl_fixer *fx, struct ovl_loc dir)
{
	struct ovl_reader *reader = fx->stack->reader;
	_cleanup_(ovl_dir_unrefp) struct ovl_dir *d =
		ovl_dir_new(fx->stack, dir.layer, (struct ovl_path *)dir.path);
	_cleanup_free_ unsigned char *buf = malloc(OVL_DIRBUF_SIZE);
	struct ovl_dirstream stream = { .buf = buf, .room = OVL_DIRBUF_SIZE };
	struct ovl_dirent entry;
	int pinned, fd, r, found = 0;

	if (!d || !buf)
		return -ENOMEM;
	r = ovl_dir_pin(d, &pinned);
	if (r < 0)
		return r;
	r = reader->ops->open_dir(reader, pinned, "", &fd);
	if (r == 0) {
		while (found == 0 && (r = reader->ops->read_dir(reader, fd, &stream, &entry)) > 0)
			found = is_copied(fx, fd, entry.name);
		reader->ops->close(reader, fd);
	}
	ovl_dir_unpin(d);
	return r < 0 ? r : found;
}

/* What the kernel would see: the mark, or no mark. */
int ovl_fix_impure_value(struct ovl_fixer *fx)
{
	const struct ovl_loc dir = fx->finding->loc;
	int r = holds_copied(fx, dir);

	if (r > 0) {
		r = ovl_way_say(fx, "set it to \"y\"");
		if (r == 0)
			r = ovl_way_set_xattr(fx, dir, OVL_X_IMPURE, yes);
	} else if (r == 0) {
		r = ovl_way_say(fx, "remove the xattr impure");
		if (r == 0)
			r = ovl_way_remove_xattr(fx, dir, OVL_X_IMPURE);
	}
	return r < 0 ? r : 1;
}
