/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planners for the content of metacopy files: complete them, or take away what is not theirs.
 *
 * Content is taken from a lower file or not at all. What a file of the upper holds itself, although nobody
 * sees it, is kept with the journal.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/metacopy.h"
#include "format/redirect.h"
#include "io/verity.h"
#include "repair/fix_meta.h"
#include "repair/fixes.h"

#include "base/banned.h"

enum { CHUNK = 64 * 1024, BLOCK = 4096 };

static bool is_zero(const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

/* Reads up to @len bytes, fewer only at the end of the file. */
static int64_t read_all(struct ovl_reader *reader, int fd, unsigned char *buf, size_t len,
			uint64_t at)
{
	size_t n = 0;

	while (n < len) {
		int64_t got = reader->ops->pread(reader, fd, buf + n, len - n, at + n);

		if (got <= 0)
			return got < 0 ? got : (int64_t)n;
		n += (size_t)got;
	}
	return (int64_t)n;
}

/* Is each block of @mine zeros, or the same in @theirs? Whatever is behind the end of that is not. */
static bool is_part(const unsigned char *mine, size_t len, const unsigned char *theirs, size_t n)
{
	for (size_t i = 0; i < len; i += BLOCK) {
		size_t part = len - i < BLOCK ? len - i : BLOCK;

		if (is_zero(mine + i, part))
			continue;
		if (i + part > n || memcmp(mine + i, theirs + i, part) != 0)
			return false;
	}
	return true;
}

/*
 * Goes through the data of a file. Without @lower: is there any byte but zeros? With it: is there a block
 * that is neither zeros nor a copy of the same one of @lower? 1, 0, <0.
 */
static int look(struct ovl_reader *reader, int fd, int lower)
{
	_cleanup_free_ unsigned char *mine = malloc(CHUNK);
	_cleanup_free_ unsigned char *theirs = malloc(CHUNK);
	int64_t n, m = 0;
	uint64_t at = 0;
	int r;

	if (!mine || !theirs)
		return -ENOMEM;
	while ((r = reader->ops->seek_data(reader, fd, at, &at)) == 0) {
		n = read_all(reader, fd, mine, CHUNK, at);
		if (n > 0 && lower >= 0)
			m = read_all(reader, lower, theirs, (size_t)n, at);
		if (n <= 0 || m < 0)
			return (int)(n <= 0 ? n : m);
		if (!is_part(mine, (size_t)n, theirs, (size_t)m))
			return 1;
		at += (uint64_t)n;
	}
	return r == -ENXIO ? 0 : r;
}

int ovl_fix_has_content(struct ovl_fixer *fx, struct ovl_loc file, const struct ovl_stat *st)
{
	struct ovl_reader *reader = fx->stack->reader;
	int fd, r = ovl_fixer_open(fx, file, st, &fd);

	if (r < 0)
		return r;
	r = look(reader, fd, -1);
	reader->ops->close(reader, fd);
	return r;
}

static struct ovl_loc loc_of(const struct ovl_found *found)
{
	return (struct ovl_loc){ found->layer, found->path };
}

/* Has the data the digest that the metacopy file records, if any? 1, 0 and refused, <0. */
static int has_digest(struct ovl_fixer *fx, const struct ovl_fix_meta *m,
		      const struct ovl_found *data)
{
	struct ovl_reader *reader = fx->stack->reader;
	unsigned char digest[OVL_VERITY_MAX_DIGEST], wanted[OVL_VERITY_MAX_DIGEST];
	struct ovl_metacopy value;
	struct ovl_obs obs;
	unsigned len;
	int fd, r = ovl_fixer_observe(fx, m->loc, &obs);

	if (r < 0)
		return r;
	if (!(obs.xmask & OVL_XBIT(METACOPY)) ||
	    ovl_metacopy_parse(obs.x[OVL_X_METACOPY], &value) != OVL_METACOPY_GOOD)
		return ovl_way_refuse(fx, "its xattr metacopy is malformed");
	if (value.digest.len == 0)
		return 1;
	memcpy(wanted, value.digest.data, value.digest.len); /* at most 64 bytes in a good one */
	r = ovl_fixer_open(fx, loc_of(data), &data->stat, &fd);
	if (r < 0)
		return r;
	r = ovl_verity_digest(reader, fd, data->stat.size, value.algo, digest, &len);
	reader->ops->close(reader, fd);
	if (r < 0 && r != -EOPNOTSUPP && r != -EBADMSG && r != -EINVAL)
		return r;
	if (r < 0 || len != value.digest.len || memcmp(digest, wanted, len) != 0)
		return ovl_way_refuse(fx, "the lower file does not have the recorded digest");
	return 1;
}

int ovl_fix_meta_fill(struct ovl_fixer *fx, const struct ovl_fix_meta *m,
		      const struct ovl_found *data, bool with_origin)
{
	int r;

	if (data->stat.size != m->st.size)
		return ovl_way_refuse(fx, "the lower file is of another size");
	if (with_origin && ovl_fix_origin_index(fx, m->st.ino))
		return ovl_way_refuse(fx, "it has an entry in the index, named after its origin");
	r = ovl_fix_has_content(fx, m->loc, &m->st);
	if (r != 0)
		return r < 0 ? r : ovl_way_refuse(fx, "it has data of its own");
	r = has_digest(fx, m, data);
	if (r <= 0)
		return r;
	/* The mark goes last: until then, lookup finds the data below. */
	r = ovl_way_fill(fx, m->loc, loc_of(data));
	if (r == 0)
		r = ovl_way_remove_xattr(fx, m->loc, OVL_X_METACOPY);
	if (r == 0)
		r = ovl_way_remove_xattr(fx, m->loc, OVL_X_REDIRECT);
	if (r == 0 && with_origin)
		r = ovl_way_remove_xattr(fx, m->loc, OVL_X_ORIGIN);
	return r < 0 ? r : 1;
}

/* The data that is shown in a metacopy file: 1 and @ret, 0 and refused, <0. */
static int shown_data(struct ovl_fixer *fx, const struct ovl_fix_meta *m, struct ovl_hit *hit,
		      struct ovl_found *storage, const struct ovl_found **ret)
{
	int r = ovl_lookup_path(fx->stack, OVL_LAYER_UPPER, m->loc.path, hit, NULL);

	if (r < 0)
		return r;
	if (hit->result < 0 || !hit->upper_metacopy ||
	    ovl_lookup_data(fx->stack, hit, storage, ret) < 0)
		return ovl_way_refuse(fx, "it has no lower data");
	return 1;
}

/*
 * A metacopy file is taken for the lower file that it stands on. With the data, it stands on its own,
 * and its origin can go.
 */
int ovl_fix_meta_complete(struct ovl_fixer *fx)
{
	_cleanup_(ovl_fix_meta_done) struct ovl_fix_meta m = { 0 };
	_cleanup_(ovl_hit_done) struct ovl_hit hit = { 0 };
	_cleanup_(ovl_found_done) struct ovl_found storage = { 0 };
	const struct ovl_found *data;
	_cleanup_free_ char *place = NULL;
	int r = ovl_fix_meta_get(fx, &m);

	if (r > 0)
		r = shown_data(fx, &m, &hit, &storage, &data);
	if (r <= 0)
		return r;
	place = ovl_fixer_place(fx, loc_of(data));
	r = place ? ovl_way_say(fx, "copy the data of %s into it", place) : -ENOMEM;
	return r < 0 ? r : ovl_fix_meta_fill(fx, &m, data, true);
}

/* What a crash leaves while data is copied up: a part of the lower data, which nobody needs. */
int ovl_fix_meta_punch(struct ovl_fixer *fx)
{
	_cleanup_(ovl_fix_meta_done) struct ovl_fix_meta m = { 0 };
	_cleanup_(ovl_hit_done) struct ovl_hit hit = { 0 };
	_cleanup_(ovl_found_done) struct ovl_found storage = { 0 };
	struct ovl_reader *reader = fx->stack->reader;
	const struct ovl_found *data;
	int fd, lower, r;

	if (ovl_fix_is_told(fx))
		return 0;
	r = ovl_fix_meta_get(fx, &m);
	if (r > 0)
		r = shown_data(fx, &m, &hit, &storage, &data);
	if (r <= 0)
		return r;
	r = ovl_fixer_open(fx, m.loc, &m.st, &fd);
	if (r < 0)
		return r;
	r = ovl_fixer_open(fx, loc_of(data), &data->stat, &lower);
	if (r == 0) {
		r = look(reader, fd, lower);
		reader->ops->close(reader, lower);
	}
	reader->ops->close(reader, fd);
	if (r != 0)
		return r < 0 ? r : ovl_way_refuse(fx, "it is no part of the lower data");
	r = ovl_way_punch(fx, m.loc);
	return r < 0 ? r : 1;
}

int ovl_fix_meta_discard(struct ovl_fixer *fx)
{
	_cleanup_(ovl_fix_meta_done) struct ovl_fix_meta m = { 0 };
	int r = ovl_fix_is_told(fx) ? 0 : ovl_fix_meta_get(fx, &m);

	if (r > 0)
		r = ovl_way_punch(fx, m.loc);
	return r < 0 ? r : fx->way->ops.len > 0;
}

/* Its own data, which nobody sees now. Never that of a file that is one hole. */
int ovl_fix_meta_adopt(struct ovl_fixer *fx)
{
	_cleanup_(ovl_fix_meta_done) struct ovl_fix_meta m = { 0 };
	int r = ovl_fix_is_told(fx) ? 0 : ovl_fix_meta_get(fx, &m);

	if (r > 0)
		r = ovl_fix_has_content(fx, m.loc, &m.st);
	if (r == 0)
		return ovl_way_refuse(fx, "it has no data of its own");
	if (r > 0)
		r = ovl_way_remove_xattr(fx, m.loc, OVL_X_METACOPY);
	return r < 0 ? r : 1;
}

/* Whole, into saved/. What is below its name stays hidden. */
int ovl_fix_meta_give_up(struct ovl_fixer *fx)
{
	_cleanup_(ovl_fix_meta_done) struct ovl_fix_meta m = { 0 };
	_cleanup_(ovl_hit_done) struct ovl_hit beneath = { 0 };
	int r = ovl_fix_meta_get(fx, &m);

	if (r <= 0)
		return r;
	if (m.st.nlink > 1)
		return ovl_way_refuse(fx, "it has several names");
	r = ovl_fixer_beneath(fx, m.loc, &beneath);
	if (r == 0)
		r = ovl_way_set_aside(fx, m.loc);
	if (r == 0 && (beneath.result != -ENOENT || beneath.n_lower > 0))
		r = ovl_way_whiteout(fx, m.loc);
	return r < 0 ? r : 1;
}

/* The size that readers get. Data of its own, which would be cut, is a problem of its own. */
int ovl_fix_meta_resize(struct ovl_fixer *fx)
{
	const struct ovl_loc loc = fx->finding->loc, below = fx->finding->other;
	struct ovl_obs obs;
	struct ovl_stat st;
	int r = ovl_fixer_observe(fx, loc, &obs);

	if (r < 0)
		return r;
	if (!ovl_obs_has(&obs, OVL_X_METACOPY) || below.layer == OVL_LAYER_NONE)
		return ovl_way_refuse(fx, "it is no metacopy file by now");
	st = obs.stat;
	if (loc.layer == OVL_LAYER_UPPER)
		r = ovl_fix_is_known(fx, loc);
	else
		r = st.nlink == 1 || ovl_way_refuse(fx, "it has several names");
	if (r <= 0)
		return r;
	r = ovl_fix_has_content(fx, loc, &st);
	if (r != 0)
		return r < 0 ? r : ovl_way_refuse(fx, "it has data of its own");
	r = ovl_fixer_observe(fx, below, &obs);
	if (r == 0)
		r = ovl_way_hollow(fx, loc, obs.stat.size);
	return r < 0 ? r : 1;
}

/* From the data-only layer, which the kernel would not let it have. */
int ovl_fix_meta_from_data(struct ovl_fixer *fx)
{
	_cleanup_(ovl_fix_meta_done) struct ovl_fix_meta m = { 0 };
	_cleanup_(ovl_hit_done) struct ovl_hit lazy = { .has_upper = true, .upper_metacopy = true };
	_cleanup_(ovl_found_done) struct ovl_found storage = { 0 };
	_cleanup_free_ char *place = NULL;
	const struct ovl_found *data;
	struct ovl_redirect red;
	struct ovl_obs obs;
	int r = ovl_fix_meta_get(fx, &m);

	if (r <= 0)
		return r;
	r = ovl_fixer_observe(fx, m.loc, &obs);
	if (r < 0)
		return r;
	if (!(obs.xmask & OVL_XBIT(REDIRECT)) ||
	    ovl_redirect_parse(obs.x[OVL_X_REDIRECT], &red) < 0 || !red.absolute)
		return ovl_way_refuse(fx, "it has no redirect by now");
	lazy.lazy_data = strndup((const char *)red.path.data, red.path.len);
	if (!lazy.lazy_data)
		return -ENOMEM;
	if (ovl_lookup_data(fx->stack, &lazy, &storage, &data) < 0)
		return ovl_way_refuse(fx, "there is no data any more");
	place = ovl_fixer_place(fx, loc_of(data));
	r = place ? ovl_way_say(fx, "copy the data of %s into it", place) : -ENOMEM;
	return r < 0 ? r : ovl_fix_meta_fill(fx, &m, data, false);
}

/* A file of the upper that is one hole, where the lower one of the same size and time has content. */
int ovl_fix_meta_restore(struct ovl_fixer *fx)
{
	const struct ovl_loc loc = fx->finding->loc, lower = fx->finding->other;
	_cleanup_free_ char *place = ovl_fixer_place(fx, lower);
	struct ovl_stat st;
	struct ovl_obs obs;
	int r = place ? ovl_fix_is_known(fx, loc) : -ENOMEM;

	if (r <= 0)
		return r;
	r = ovl_fixer_observe(fx, loc, &obs);
	if (r < 0)
		return r;
	st = obs.stat;
	r = ovl_fix_has_content(fx, loc, &st);
	if (r == 0)
		r = ovl_fixer_observe(fx, lower, &obs);
	else if (r > 0)
		return ovl_way_refuse(fx, "it has content by now");
	if (r < 0)
		return r;
	if (obs.stat.size != st.size)
		return ovl_way_refuse(fx, "the lower file is of another size by now");
	r = ovl_way_say(fx, "copy the data of %s into it", place);
	if (r == 0)
		r = ovl_way_fill(fx, loc, lower);
	return r < 0 ? r : 1;
}
