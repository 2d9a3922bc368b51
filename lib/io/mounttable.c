/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All mounts of our namespace. See mounttable.h.
 */
#include "io/mounttable.h"

#include <string.h>

#include "base/cleanup.h"
#include "io/mountinfo.h"

#include "base/banned.h"

static void row_done(struct ovl_mounttable_row *row)
{
	free(row->dev);
	free(row->root);
	free(row->target);
	free(row->fs_type);
}

void ovl_mounttable_done(struct ovl_mounttable *t)
{
	for (size_t i = 0; i < t->row.len; i++)
		row_done(&t->row.data[i]);
	ovl_vec_done(&t->row);
	ovl_map_done(&t->by_id);
}

static int keep(struct ovl_mountinfo_row *row, void *ctx)
{
	struct ovl_mounttable *t = ctx;
	struct ovl_mounttable_row copy = {
		.id = row->id,
		.parent = row->parent,
		.dev = strdup(row->dev),
		.root = strdup(ovl_mountinfo_unescape(row->root)),
		.target = strdup(ovl_mountinfo_unescape(row->target)),
		.fs_type = strdup(row->fs_type),
	};
	uint64_t *number;
	int r = -ENOMEM;

	if (copy.dev && copy.root && copy.target && copy.fs_type)
		r = ovl_map_put(&t->by_id, (struct ovl_key){ row->id, 0 }, t->row.len, &number);
	if (r >= 0)
		r = ovl_vec_push(&t->row, copy);
	if (r < 0)
		row_done(&copy);
	return r;
}

int ovl_mounttable_read(struct ovl_mounttable *ret)
{
	_cleanup_(ovl_mounttable_done) struct ovl_mounttable t = { 0 };
	int r = ovl_mountinfo_read("/proc/self/mountinfo", keep, &t);

	if (r < 0)
		return r;
	*ret = t;
	t = (struct ovl_mounttable){ 0 };
	return 0;
}

const struct ovl_mounttable_row *ovl_mounttable_find(const struct ovl_mounttable *t, uint64_t id)
{
	const uint64_t *number = ovl_map_get(&t->by_id, (struct ovl_key){ id, 0 });

	return number ? &t->row.data[*number] : NULL;
}

static bool is_at_or_above(const char *target, size_t len, const char *path)
{
	return strncmp(target, path, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

bool ovl_mounttable_waits(const struct ovl_mounttable *t, const char *path)
{
	size_t len, j;

	for (size_t i = 0; i < t->row.len; i++) {
		const struct ovl_mounttable_row *row = &t->row.data[i];

		len = strlen(row->target);
		if (strcmp(row->fs_type, "autofs") != 0 || !is_at_or_above(row->target, len, path))
			continue;
		for (j = i + 1; j < t->row.len; j++) {
			if (strcmp(t->row.data[j].target, row->target) == 0)
				break;
		}
		if (j == t->row.len)
			return true;
	}
	return false;
}
