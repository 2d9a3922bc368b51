/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that the run itself gave to files, when a journal is read. See journal.h.
 */
#include <errno.h>

#include "base/map.h"
#include "repair/journal.h"

#include "base/banned.h"

typedef int each_fn(struct ovl_map *links, struct ovl_op *op);

static int each_op(struct ovl_log *log, struct ovl_map *links, each_fn *each)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < log->step.len; i++) {
		ovl_op_vec *ops = &log->step.data[i].ops;

		for (size_t k = 0; r == 0 && k < ops->len; k++)
			r = each(links, &ops->data[k]);
	}
	return r;
}

static int count(struct ovl_map *links, struct ovl_op *op)
{
	uint64_t *n;

	if (op->type != OVL_OP_LINK)
		return 0;
	if (ovl_map_put(links, (struct ovl_key){ op->ino, 0 }, 0, &n) < 0)
		return -ENOMEM;
	++*n;
	return 0;
}

static int allow(struct ovl_map *links, struct ovl_op *op)
{
	uint64_t *n = op->names ? ovl_map_get(links, (struct ovl_key){ op->ino, 0 }) : NULL;

	if (n && op->names < UINT64_MAX - *n)
		op->names += *n;
	return 0;
}

int ovl_log_count_links(struct ovl_log *log)
{
	struct ovl_map links = { 0 };
	int r = each_op(log, &links, count);

	if (r == 0)
		r = each_op(log, &links, allow);
	ovl_map_done(&links);
	return r;
}
