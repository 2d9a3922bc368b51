/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which names are one file, in two snapshots. See snapshot_file.h.
 *
 * A name that is another file than before was converted. Two such names that were one file are one still,
 * if they are in one layer; and no two names are one that were not.
 */
#include <errno.h>
#include <string.h>

#include "check/snapshot_file.h"

#include "base/banned.h"

bool ovl_snapshot_has_link(const struct ovl_snapshot *s, struct ovl_key name)
{
	return ovl_map_get(&s->by_name, name) != NULL;
}

int ovl_snapshot_add_link(struct ovl_snapshot *s, const struct ovl_snapshot_link *link)
{
	uint64_t *value;
	int r = ovl_map_put(&s->by_name, link->name, s->link.len, &value);

	if (r > 0)
		r = ovl_vec_push(&s->link, *link);
	return r < 0 ? r : 0;
}

static bool is_same(struct ovl_key a, struct ovl_key b)
{
	return a.a == b.a && a.b == b.b;
}

/** The comparison of two. */
struct comparison {
	const struct ovl_snapshot *a, *b;
	struct ovl_map went; /* inode before, and layer after -> number in @b of the first name */
	struct ovl_map came; /* inode after -> number in @a of the first name; beyond these: in @b */
	struct ovl_map *bad; /* directories, by their number */
};

static int add_bad(struct comparison *c, const struct ovl_snapshot_link *link)
{
	uint64_t *value;

	return ovl_map_put(c->bad, (struct ovl_key){ link->dir, 1 }, 1, &value) < 0 ? -ENOMEM : 0;
}

/* Does the file that has become @now hold names of two files of before? @i: 1 more than the name in @a; 0: alone */
static int check_joined(struct comparison *c, size_t i, size_t j)
{
	const struct ovl_snapshot_link *now = &c->b->link.data[j];
	const size_t mine = i > 0 ? i - 1 : c->a->link.len + j;
	uint64_t *first;
	int r = ovl_map_put(&c->came, now->inode, mine, &first);

	if (r != 0)
		return r < 0 ? r : 0;
	if (i > 0 && *first < c->a->link.len &&
	    is_same(c->a->link.data[*first].inode, c->a->link.data[i - 1].inode))
		return 0;
	return add_bad(c, now);
}

/* Is the file that @then was in two pieces now, of one layer? */
static int check_split(struct comparison *c, const struct ovl_snapshot_link *then, size_t j)
{
	const struct ovl_snapshot_link *now = &c->b->link.data[j];
	const uint64_t id[] = { then->inode.a, then->inode.b, (uint64_t)now->layer };
	uint64_t *first;
	int r;

	if (is_same(then->inode, now->inode))
		return 0;
	r = ovl_map_put(&c->went, ovl_map_hash(id, sizeof(id)), j, &first);
	if (r != 0)
		return r < 0 ? r : 0;
	return is_same(c->b->link.data[*first].inode, now->inode) ? 0 : add_bad(c, now);
}

int ovl_snapshot_compare_links(const struct ovl_snapshot *a, const struct ovl_snapshot *b,
			       struct ovl_map *ret_bad)
{
	struct comparison c = { .a = a, .b = b, .bad = ret_bad };
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->link.len; i++) {
		const uint64_t *j = ovl_map_get(&b->by_name, a->link.data[i].name);

		if (!j)
			continue; /* it is gone, which the sums tell */
		r = check_split(&c, &a->link.data[i], (size_t)*j);
		if (r == 0)
			r = check_joined(&c, i + 1, (size_t)*j);
	}
	for (size_t j = 0; r == 0 && j < b->link.len; j++)
		if (!ovl_map_get(&a->by_name, b->link.data[j].name))
			r = check_joined(&c, 0, j);
	ovl_map_done(&c.went);
	ovl_map_done(&c.came);
	return r;
}
