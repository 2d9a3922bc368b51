/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting names in the work directory.
 */
#include "check/other_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"

#include "base/banned.h"

/* Where repairs keep what they set aside: .fsck.overlay/ID/saved. */
static const char own_name[] = ".fsck.overlay", saved_name[] = "saved";

/* Deeper than anything that is set aside, but for directories that somebody nested on purpose. */
enum { MAX_DEPTH = 64 };

/** A directory that is to be looked into. */
struct place {
	char *path; /* below the root that is searched; owned */
	unsigned depth;
};

/** One search. */
struct search {
	struct ovl_reader *reader;
	int root;
	unsigned char *buf;
	struct ovl_map *count;
	OVL_VEC(struct place) waiting;
};

static int add_place(struct search *s, const char *in, const char *name, unsigned depth)
{
	struct ovl_buf path = { 0 };
	int r = ovl_buf_addf(&path, "%s%s%s", in, *in ? "/" : "", name);
	struct place place = { .depth = depth };

	if (r == 0) {
		place.path = ovl_buf_take(&path);
		r = place.path ? ovl_vec_push(&s->waiting, place) : -ENOMEM;
	} else {
		ovl_buf_done(&path);
	}
	if (r < 0)
		free(place.path);
	return r;
}

static int add_name(struct search *s, uint64_t ino)
{
	uint64_t *n;
	int r = ovl_map_put(s->count, (struct ovl_key){ ino, 0 }, 0, &n);

	if (r < 0)
		return r;
	++*n;
	return 0;
}

typedef int each_fn(struct search *s, const struct place *in, const struct ovl_dirent *d);

static int each_name(struct search *s, const struct place *in, each_fn *each)
{
	struct ovl_dirstream stream = { .buf = s->buf, .room = OVL_DIRBUF_SIZE };
	struct ovl_dirent d;
	int dir, r;

	if (s->reader->ops->open_dir(s->reader, s->root, in->path, &dir) < 0)
		return 0;
	while ((r = s->reader->ops->read_dir(s->reader, dir, &stream, &d)) > 0) {
		r = each(s, in, &d);
		if (r < 0)
			break;
	}
	s->reader->ops->close(s->reader, dir);
	return r == -ENOMEM ? r : 0;
}

static int temporary(struct search *s, const struct place *in, const struct ovl_dirent *d)
{
	(void)in;
	return d->name[0] == '#' ? add_name(s, d->ino) : 0;
}

/* Below .fsck.overlay: of the first level all folders, of the second only saved/, then everything. */
static int set_aside(struct search *s, const struct place *in, const struct ovl_dirent *d)
{
	if (d->type == OVL_DT_DIR || d->type == OVL_DT_UNKNOWN) {
		if (in->depth >= MAX_DEPTH || (in->depth == 1 && strcmp(d->name, saved_name) != 0))
			return 0;
		return add_place(s, in->path, d->name, in->depth + 1);
	}
	return in->depth >= 2 ? add_name(s, d->ino) : 0;
}

static int count_temporaries(struct search *s, int root, const char *sub)
{
	const struct place place = { .path = (char *)sub };

	s->root = root;
	return root < 0 ? 0 : each_name(s, &place, temporary);
}

static int count_set_aside(struct search *s, int root)
{
	int r;

	s->root = root;
	r = root < 0 ? 0 : add_place(s, "", own_name, 0);
	while (r == 0 && s->waiting.len > 0) {
		struct place next = s->waiting.data[--s->waiting.len];

		r = each_name(s, &next, set_aside);
		free(next.path);
	}
	for (size_t i = 0; i < s->waiting.len; i++)
		free(s->waiting.data[i].path);
	ovl_vec_done(&s->waiting);
	return r;
}

static int count_all(struct ovl_stack *stack, struct ovl_map *count)
{
	_cleanup_free_ unsigned char *buf = malloc(OVL_DIRBUF_SIZE);
	struct search s = { .reader = stack->reader, .buf = buf, .count = count };
	int r = buf ? count_temporaries(&s, stack->work.root.fd, "work") : -ENOMEM;

	if (r == 0)
		r = count_temporaries(&s, stack->index.root.fd, "");
	return r == 0 ? count_set_aside(&s, stack->work.root.fd) : r;
}

int ovl_other_names(struct ovl_other_names *names, struct ovl_stack *stack, uint64_t ino,
		    uint64_t *ret)
{
	const uint64_t *n;
	int r = 0;

	if (!names->known) {
		r = count_all(stack, &names->count);
		names->known = r == 0;
	}
	n = ovl_map_get(&names->count, (struct ovl_key){ ino, 0 });
	*ret = n ? *n : 0;
	return r;
}

void ovl_other_names_done(struct ovl_other_names *names)
{
	ovl_map_done(&names->count);
	*names = (struct ovl_other_names){ 0 };
}
