/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metacopy files against the content that they stand for: is it the file they were copied up from,
 * has it the recorded digest, and did a file lose its mark and with it its content?
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/chain.h"
#include "format/metacopy.h"
#include "io/verity.h"

#include "base/banned.h"

/*
 * The origin of a metacopy file lies in a lower layer, but the path leads to another file: somebody
 * moved or replaced lower files. One that lies in no layer at all is origin-outside-layers.
 */
static int check_claim(const struct ovl_view *v, const struct ovl_fact_origin *claim,
		       struct ovl_sink *sink)
{
	const struct ovl_fact_name *names;
	const struct ovl_found *head;
	struct ovl_hit hit;
	int r;

	if (ovl_facts_names(v->facts, claim->key.a, claim->key.b, &names) == 0)
		return 0;
	r = ovl_lookup_path(v->stack, OVL_LAYER_UPPER, claim->path, &hit, NULL);
	if (r < 0)
		return r;
	head = hit.n_lower > 0 ? &hit.lower[0] : NULL;
	if (hit.result == 0 && hit.upper_metacopy && head &&
	    (head->stat.ino != claim->lower.ino || head->stat.dev != claim->lower.dev))
		r = ovl_sink_add_about(
			sink, OVL_P_META_ORIGIN_MISMATCH, OVL_SEV_ERROR,
			(struct ovl_loc){ OVL_LAYER_UPPER, claim->path }, names[0].loc,
			ovl_sink_text(sink, "the data of %s, inode %llu instead of %llu",
				      ovl_sink_place(sink,
						     (struct ovl_loc){ head->layer, head->path }),
				      (unsigned long long)head->stat.ino,
				      (unsigned long long)claim->lower.ino),
			"its origin");
	ovl_hit_done(&hit);
	return r;
}

int ovl_check_meta_origin_mismatch(const struct ovl_view *v, struct ovl_sink *sink)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->facts->origin.len; i++)
		if (v->facts->origin.data[i].metacopy)
			r = check_claim(v, &v->facts->origin.data[i], sink);
	return r;
}

/* Opens an object that lookup found. */
static int open_found(struct ovl_stack *stack, const struct ovl_found *f, int *ret_fd)
{
	struct ovl_reader *reader = stack->reader;
	_cleanup_(ovl_dir_unrefp) struct ovl_dir *dir =
		ovl_dir_new(stack, f->layer, f->path->parent);
	int fd, r;

	if (!dir)
		return -ENOMEM;
	r = ovl_dir_pin(dir, &fd);
	if (r < 0)
		return r;
	r = reader->ops->open_file(reader, fd, f->path->name, f->stat.dev, f->stat.ino, ret_fd);
	ovl_dir_unpin(dir);
	return r;
}

static int compare_digest(const struct ovl_view *v, const struct ovl_found *data,
			  const struct ovl_metacopy *value, struct ovl_sink *sink)
{
	struct ovl_reader *reader = v->stack->reader;
	const struct ovl_loc where = { data->layer, data->path };
	unsigned char digest[OVL_VERITY_MAX_DIGEST];
	unsigned len;
	int fd, r = open_found(v->stack, data, &fd);

	if (r < 0)
		return ovl_sink_unreadable(sink, where, "open", r);
	r = ovl_verity_digest(reader, fd, data->stat.size, value->algo, digest, &len);
	reader->ops->close(reader, fd);
	if (r == -EOPNOTSUPP)
		return 0; /* built without libfsverity, and the kernel has not measured the file */
	if (r < 0)
		return ovl_sink_unreadable(sink, where, "read for its fs-verity digest", r);
	if (len == value->digest.len && memcmp(digest, value->digest.data, len) == 0)
		return 0;
	return ovl_sink_add_about(
		sink, OVL_P_META_DIGEST_MISMATCH, OVL_SEV_ERROR, v->loc, where,
		ovl_sink_text(sink, "content with the digest %s",
			      ovl_sink_hex(sink, (struct ovl_bytes){ digest, len })),
		ovl_sink_hex(sink, value->digest));
}

/* The next object of the chain records the same digest: then it is the one to be judged. */
static bool next_has_same(const struct ovl_chain *chain, const struct ovl_metacopy *value)
{
	const struct ovl_link *next = ovl_chain_next(chain);

	return next && next->metacopy && next->has_digest &&
	       next->digest_len == value->digest.len &&
	       memcmp(next->digest, value->digest.data, next->digest_len) == 0;
}

int ovl_check_meta_digest_mismatch(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_metacopy value;
	const struct ovl_chain *chain;
	struct ovl_found storage = { 0 };
	const struct ovl_found *data;
	int r;

	if (!(v->obs->xmask & OVL_XBIT(METACOPY)) ||
	    ovl_metacopy_parse(v->obs->x[OVL_X_METACOPY], &value) != OVL_METACOPY_GOOD ||
	    value.digest.len == 0)
		return 0;
	r = ovl_chain_of(v, &chain);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* Without data to compare with there is a finding already. */
	if (!next_has_same(chain, &value) &&
	    ovl_lookup_data(v->stack, &chain->hit, &storage, &data) == 0)
		r = compare_digest(v, data, &value, sink);
	ovl_found_done(&storage);
	return r;
}

/* Is there any byte but zero? 1 and the first one in @ret_at, 0, or <0. Holes are not read. */
static int has_content(struct ovl_reader *reader, int fd, uint64_t *ret_at)
{
	enum { CHUNK = 64 * 1024 };
	_cleanup_free_ unsigned char *buf = malloc(CHUNK);
	uint64_t at = 0;
	int64_t n;
	int r;

	if (!buf)
		return -ENOMEM;
	while ((r = reader->ops->seek_data(reader, fd, at, &at)) == 0) {
		n = reader->ops->pread(reader, fd, buf, CHUNK, at);
		if (n <= 0)
			return (int)n;
		for (int64_t i = 0; i < n; i++) {
			if (buf[i]) {
				*ret_at = at + (uint64_t)i;
				return 1;
			}
		}
		at += (uint64_t)n;
	}
	return r == -ENXIO ? 0 : r;
}

/*
 * Data in a metacopy file is not shown to anybody. It may be half of a copy that was interrupted, or
 * a file that somebody means to have; zeros are neither, but what a copy makes of a hole.
 */
int ovl_check_meta_upper_has_data(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_reader *reader = v->stack->reader;
	const struct ovl_stat *st = &v->obs->stat;
	const char *found = "zeros instead of a hole";
	uint64_t at = 0;
	int fd, r, content;

	if (st->size == 0)
		return 0;
	r = reader->ops->open_file(reader, v->dirfd, v->name, st->dev, st->ino, &fd);
	if (r < 0)
		return ovl_sink_unreadable(sink, v->loc, "open", r);
	r = reader->ops->seek_data(reader, fd, 0, &at);
	content = r == 0 ? has_content(reader, fd, &at) : 0;
	reader->ops->close(reader, fd);
	if (r == -ENXIO)
		return 0;
	if (r < 0 || content < 0)
		return ovl_sink_unreadable(sink, v->loc, "look for data", r < 0 ? r : content);
	if (content)
		found = ovl_sink_text(sink, "data at byte %llu", (unsigned long long)at);
	return ovl_sink_add_about(sink, OVL_P_META_UPPER_HAS_DATA,
				  content ? OVL_SEV_ERROR : OVL_SEV_INFO, v->loc,
				  (struct ovl_loc){ OVL_LAYER_NONE, NULL }, found,
				  "one hole, as long as the data lies in a lower layer");
}

/* A file of the upper that is one hole from end to end? 1, 0, or <0. */
static int is_hollow(const struct ovl_view *v)
{
	struct ovl_reader *reader = v->stack->reader;
	const struct ovl_stat *st = &v->obs->stat;
	enum ovl_extents extents;
	int fd, r;

	if (!v->has_stat || st->size == 0 || st->blocks * 512 >= st->size)
		return 0;
	r = reader->ops->open_file(reader, v->dirfd, v->name, st->dev, st->ino, &fd);
	if (r < 0)
		return r;
	r = ovl_reader_extents(reader, fd, &extents);
	reader->ops->close(reader, fd);
	return r < 0 ? r : extents == OVL_EXTENTS_NONE;
}

/*
 * Copying up metadata keeps the size and the time of modification; whoever empties a file on purpose
 * changes the time. So a hollow file that has both in common with a lower file full of data has most
 * likely lost its mark.
 */
int ovl_check_meta_suspect_lost(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_stat *st = &v->obs->stat;
	const struct ovl_hit *hit;
	struct ovl_found storage = { 0 };
	const struct ovl_found *data;
	uint64_t at;
	int fd, r;

	if (!v->dir || ovl_obs_has(v->obs, OVL_X_METACOPY))
		return 0;
	r = is_hollow(v);
	if (r <= 0)
		return r == 0 || r == -ENOMEM ? r : ovl_sink_unreadable(sink, v->loc, "open", r);
	r = ovl_view_beneath(v, &hit);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (ovl_lookup_data(v->stack, hit, &storage, &data) < 0)
		return 0;
	if (data->kind == OVL_KIND_REG && data->stat.size == st->size &&
	    data->stat.mtime_sec == st->mtime_sec && data->stat.mtime_nsec == st->mtime_nsec) {
		r = open_found(v->stack, data, &fd);
		if (r == 0) {
			r = has_content(v->stack->reader, fd, &at);
			v->stack->reader->ops->close(v->stack->reader, fd);
		}
		if (r > 0)
			r = ovl_sink_add_about(
				sink, OVL_P_META_SUSPECT_LOST, OVL_SEV_WARNING, v->loc,
				(struct ovl_loc){ data->layer, data->path },
				ovl_sink_text(sink, "%llu bytes without any data",
					      (unsigned long long)st->size),
				"the content of the lower file of the same size and time");
		else if (r < 0 && r != -ENOMEM)
			r = ovl_sink_unreadable(sink, (struct ovl_loc){ data->layer, data->path },
						"read", r);
	}
	ovl_found_done(&storage);
	return r;
}
