/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planners that work in lower layers as well, since they need no new objects.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "repair/fixes.h"

#include "base/banned.h"

static const struct ovl_bytes mark_y = { (const unsigned char *)"y", 1 };

/* Has a directory no entry at all? 1, 0 or why that is unknown. */
static int is_empty(struct ovl_stack *stack, struct ovl_dir *dir)
{
	struct ovl_reader *reader = stack->reader;
	_cleanup_free_ unsigned char *buf = malloc(OVL_DIRBUF_SIZE);
	struct ovl_dirstream stream = { .buf = buf, .room = OVL_DIRBUF_SIZE };
	struct ovl_dirent entry;
	int pinned, fd, r;

	if (!buf)
		return -ENOMEM;
	r = ovl_dir_pin(dir, &pinned);
	if (r < 0)
		return r;
	r = reader->ops->open_dir(reader, pinned, "", &fd);
	if (r == 0) {
		r = reader->ops->read_dir(reader, fd, &stream, &entry);
		reader->ops->close(reader, fd);
	}
	ovl_dir_unpin(dir);
	return r < 0 ? r : r == 0;
}

/* All that the directory is merged with, from its own layer down. */
static int is_merged_with_nothing(struct ovl_fixer *fx, struct ovl_loc loc)
{
	struct ovl_entry *entry = NULL;
	struct ovl_hit hit;
	int r = ovl_lookup_path(fx->stack, loc.layer, loc.path, &hit, &entry);

	if (r < 0)
		return r;
	r = hit.result == 0 && entry;
	ovl_hit_done(&hit);
	for (size_t i = entry && entry->upper ? 0 : 1; r == 1 && i < entry->n_lower; i++)
		r = is_empty(fx->stack, entry->lower[i]);
	ovl_entry_unref(entry);
	return r;
}

int ovl_fix_redirect_strip_empty(struct ovl_fixer *fx)
{
	const struct ovl_loc loc = fx->finding->loc;
	struct ovl_hit beneath;
	int r = is_merged_with_nothing(fx, loc);
	bool appears;

	if (r <= 0)
		return r < 0 ? r :
			       ovl_way_refuse(fx, "what it shows from below would be missing; in a "
						  "lower layer that does no harm");
	r = ovl_fixer_beneath(fx, loc, &beneath);
	if (r < 0)
		return r;
	appears = beneath.result != -ENOENT;
	ovl_hit_done(&beneath);
	/* Without the redirect it would be merged with what has its own name. */
	if (appears)
		r = ovl_way_set_xattr(fx, loc, OVL_X_OPAQUE, mark_y);
	if (r == 0)
		r = ovl_way_remove_xattr(fx, loc, OVL_X_REDIRECT);
	return r < 0 ? r : 1;
}
