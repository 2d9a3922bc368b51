/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planners for index entries of directories.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repair/fix_entry.h"
#include "repair/fixes.h"

#include "base/banned.h"

/* Was this upper directory copied up from the lower one that the entry is named after? 1, 0, error */
static int is_copy(struct ovl_fixer *fx, const struct ovl_fix_entry *e, struct ovl_loc upper)
{
	unsigned char raw[128]; /* see ovl_fh_parse_name() */
	int len = ovl_fh_parse_name(e->v.name, raw), r;
	struct ovl_obs obs;

	r = ovl_fixer_observe(fx, upper, &obs);
	if (r < 0)
		return r;
	return len > 0 && obs.kind == OVL_KIND_DIR && (obs.xmask & OVL_XBIT(ORIGIN)) &&
	       obs.x[OVL_X_ORIGIN].len >= (size_t)len &&
	       memcmp(obs.x[OVL_X_ORIGIN].data, raw, (size_t)len) == 0;
}

static int lead_to(struct ovl_fixer *fx, struct ovl_loc upper)
{
	_cleanup_free_ char *place = ovl_fixer_place(fx, upper);
	unsigned char raw[OVL_FH_MAX_LEN];
	int len = ovl_fixer_handle(fx, upper, OVL_FH_FLAG_PATH_UPPER, raw), r;

	if (!place || len < 0)
		return len < 0 ? len : -ENOMEM;
	r = ovl_way_say(fx, "let it lead to %s", place);
	if (r == 0)
		r = ovl_way_set_xattr(fx, fx->finding->loc, OVL_X_UPPER,
				      (struct ovl_bytes){ raw, (size_t)len });
	return r < 0 ? r : 1;
}

int ovl_fix_index_dir_lead(struct ovl_fixer *fx)
{
	struct ovl_index_home home = { 0 };
	struct ovl_fix_entry e = { 0 };
	struct ovl_loc upper;
	int r = ovl_fix_entry_load(fx, &e);

	if (r > 0)
		r = ovl_index_entry_home(&e.v, &home);
	else
		goto out;
	if (r < 0)
		goto out;
	upper = (struct ovl_loc){ OVL_LAYER_UPPER, home.upper_path };
	r = home.shown && !home.bare && !home.astray ? is_copy(fx, &e, upper) : 0;
	if (r > 0)
		r = lead_to(fx, upper);
	else if (r == 0)
		r = ovl_way_refuse(fx, "no upper directory is the copy of its lower one");
out:
	ovl_index_home_done(&home);
	ovl_fix_entry_done(&e);
	return r;
}

static int set_aside_child(struct ovl_fixer *fx, const struct ovl_dirent *d)
{
	const struct ovl_loc dir = fx->finding->loc;
	struct ovl_loc child = { dir.layer,
				 ovl_path_new((struct ovl_path *)dir.path, d->name, d->len) };
	int r = child.path ? ovl_way_set_aside(fx, child) : -ENOMEM;

	ovl_path_unref((struct ovl_path *)child.path);
	return r;
}

int ovl_fix_index_dir_empty(struct ovl_fixer *fx)
{
	struct ovl_reader *reader = fx->stack->reader;
	_cleanup_free_ unsigned char *buf = malloc(OVL_DIRBUF_SIZE);
	struct ovl_dirstream stream = { .buf = buf, .room = OVL_DIRBUF_SIZE };
	struct ovl_fix_entry e = { 0 };
	struct ovl_dirent d;
	int dir, r = buf ? ovl_fix_entry_load(fx, &e) : -ENOMEM;

	if (r > 0)
		r = reader->ops->open_dir(reader, e.v.dirfd, e.v.name, &dir);
	else
		goto out;
	if (r < 0)
		goto out;
	while ((r = reader->ops->read_dir(reader, dir, &stream, &d)) > 0) {
		r = set_aside_child(fx, &d);
		if (r < 0)
			break;
	}
	reader->ops->close(reader, dir);
	r = r < 0 ? r : 1;
out:
	ovl_fix_entry_done(&e);
	return r;
}
