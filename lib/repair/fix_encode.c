/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handles that lead to the right inodes, but in another form than would be written now: another
 * encoding of the file system, or with or without its uuid.
 *
 * The kernel compares bytes. It takes the index for that of another overlay, so roots and entries are
 * written anew together.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/copied.h"
#include "check/index_root.h"
#include "repair/fix_entry.h"
#include "repair/fixes.h"

#include "base/banned.h"

enum { UUID_AT = 5, UUID_LEN = 16 }; /* offset in the blob */

/** Layers that a handle may lead to. */
struct range {
	int from, to;
};

static struct range lowers_of(const struct ovl_fixer *fx)
{
	return (struct range){ 1, (int)fx->stack->n_lower };
}

static bool is_null(const unsigned char *uuid)
{
	static const unsigned char none[UUID_LEN];

	return memcmp(uuid, none, UUID_LEN) == 0;
}

/* The uuid that handles of a layer have with the options of this mount. */
static const unsigned char *uuid_of(const struct ovl_fixer *fx, int layer)
{
	static const unsigned char none[UUID_LEN];
	const struct ovl_root *root = &ovl_stack_layer(fx->stack, layer)->root;

	return root->has_uuid && fx->stack->config.uuid != OVL_UUID_OFF ? root->uuid : none;
}

/* What a handle leads to, if need be with the other uuid written into it. */
static bool decode(struct ovl_fixer *fx, struct range in, unsigned char *raw, size_t len,
		   struct ovl_origin *ret)
{
	const struct ovl_bytes bytes = { raw, len };
	const unsigned char *uuid;

	ovl_origin_decode(fx->stack, bytes, in.from, in.to, false, ret);
	if (ret->state != OVL_ORIGIN_NO_LAYER)
		return ret->state == OVL_ORIGIN_FOUND;
	for (int n = in.from; n <= in.to; n++) {
		uuid = uuid_of(fx, n);
		if (is_null(ret->fh.uuid) == is_null(uuid))
			continue;
		memcpy(raw + UUID_AT, uuid, UUID_LEN);
		ovl_origin_decode(fx->stack, bytes, in.from, in.to, false, ret);
		if (ret->state == OVL_ORIGIN_FOUND)
			return true;
		ovl_fh_parse(bytes, &ret->fh);
	}
	return false;
}

/*
 * The handle that would be written now for the inode that @value leads to.
 * Its length in @ret_raw, 0 if it leads to none, or negative errno.
 */
static int encode_anew(struct ovl_fixer *fx, struct range in, struct ovl_bytes value,
		       unsigned char *ret_raw)
{
	struct ovl_reader *reader = fx->stack->reader;
	unsigned char raw[OVL_FH_MAX_LEN];
	struct ovl_origin origin;
	struct ovl_fid fid = { 0 };
	struct ovl_stat st;
	struct ovl_fh fh;
	int fd, r;

	if (value.len == 0 || ovl_fh_parse(value, &fh) < 0)
		return 0;
	memcpy(raw, value.data, fh.len);
	if (!decode(fx, in, raw, fh.len, &origin))
		return 0;
	fid.type = origin.fh.type;
	fid.len = (unsigned)origin.fh.fid.len;
	memcpy(fid.data, origin.fh.fid.data, fid.len);
	r = reader->ops->decode(reader, ovl_stack_layer(fx->stack, origin.layer)->root.fd, &fid,
				&st, &fd);
	if (r < 0)
		return r;
	r = ovl_origin_of(fx->stack, origin.layer, fd, "", fh.flags & OVL_FH_FLAG_PATH_UPPER,
			  ret_raw);
	reader->ops->close(reader, fd);
	return r;
}

static int rewrite_xattr(struct ovl_fixer *fx, struct ovl_loc at, enum ovl_xattr_id id,
			 struct range in)
{
	unsigned char raw[OVL_FH_MAX_LEN];
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, at, &obs);

	if (r < 0 || !(obs.xmask & (1u << id)))
		return r;
	r = encode_anew(fx, in, obs.x[id], raw);
	if (r > 0)
		r = ovl_way_set_xattr(fx, at, id, (struct ovl_bytes){ raw, (size_t)r });
	return r;
}

/* The directory that an entry names has to have the name of the entry for its origin. */
static int rewrite_dir(struct ovl_fixer *fx, struct ovl_loc entry)
{
	const struct range upper = { OVL_LAYER_UPPER, OVL_LAYER_UPPER };
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	struct ovl_origin origin;
	const uint64_t *path;
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, entry, &obs);

	if (r < 0 || !(obs.xmask & OVL_XBIT(UPPER)))
		return r;
	r = ovl_buf_add(&value, obs.x[OVL_X_UPPER].data, obs.x[OVL_X_UPPER].len);
	if (r < 0)
		return r;
	if (value.len > 0 && decode(fx, upper, (unsigned char *)value.data, value.len, &origin)) {
		path = ovl_map_get(&fx->facts->index_dir, (struct ovl_key){ origin.stat.ino, 0 });
		if (path && *path)
			r = rewrite_xattr(
				fx,
				(struct ovl_loc){ OVL_LAYER_UPPER,
						  (const struct ovl_path *)(uintptr_t)*path },
				OVL_X_ORIGIN, lowers_of(fx));
	}
	return r < 0 ? r : rewrite_xattr(fx, entry, OVL_X_UPPER, upper);
}

static int rename_entry(struct ovl_fixer *fx, struct ovl_loc entry)
{
	unsigned char old[128], raw[OVL_FH_MAX_LEN]; /* see ovl_fh_parse_name() */
	struct ovl_loc to;
	int len = ovl_fh_parse_name(entry.path->name, old), r;

	if (len < 0)
		return 0;
	len = encode_anew(fx, lowers_of(fx), (struct ovl_bytes){ old, (size_t)len }, raw);
	if (len <= 0)
		return len;
	r = ovl_fix_entry_name(raw, (size_t)len, &to);
	if (r < 0)
		return r;
	r = ovl_fix_entry_is_free(fx, to); /* its own name is not: then there is nothing to do */
	if (r > 0)
		r = ovl_way_move(fx, entry, to);
	ovl_path_unref((struct ovl_path *)to.path);
	return r;
}

static int rewrite_entry(struct ovl_fixer *fx, struct ovl_loc entry)
{
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, entry, &obs);

	if (r < 0)
		return r;
	if (obs.kind == OVL_KIND_DIR)
		r = rewrite_dir(fx, entry);
	else if (obs.kind != OVL_KIND_WHITEOUT)
		r = rewrite_xattr(fx, entry, OVL_X_ORIGIN, lowers_of(fx));
	return r < 0 ? r : rename_entry(fx, entry);
}

static int rewrite_entries(struct ovl_fixer *fx)
{
	const struct ovl_facts *facts = fx->facts;
	int r = 0;

	for (size_t i = 0; r == 0 && i < facts->index.len; i++) {
		const char *name = facts->index.data[i].name;
		struct ovl_loc entry = { OVL_LAYER_INDEX, ovl_path_new(NULL, name, strlen(name)) };

		r = entry.path ? rewrite_entry(fx, entry) : -ENOMEM;
		ovl_path_unref((struct ovl_path *)entry.path);
	}
	return r;
}

/* The roots, and with them all that a mount compares with what it would write. */
static int rewrite_all(struct ovl_fixer *fx)
{
	const struct ovl_loc upper_root = { OVL_LAYER_UPPER, NULL };
	const struct ovl_loc index_root = { OVL_LAYER_INDEX, NULL };
	unsigned char raw[OVL_FH_MAX_LEN];
	int r = ovl_origin_of_root(fx->stack, 1, 0, raw);

	if (r > 0)
		r = ovl_way_set_xattr(fx, upper_root, OVL_X_ORIGIN,
				      (struct ovl_bytes){ raw, (size_t)r });
	if (r < 0 || fx->stack->index.root.fd < 0)
		return r;
	r = rewrite_xattr(fx, index_root, OVL_X_UPPER,
			  (struct range){ OVL_LAYER_UPPER, OVL_LAYER_UPPER });
	return r < 0 ? r : rewrite_entries(fx);
}

/* Is it still the root of the topmost lower that the upper root names? 1, 0 or error */
static int names_lower(struct ovl_fixer *fx)
{
	const struct ovl_view v = { .stack = fx->stack, .facts = fx->facts };
	enum ovl_index_handle handle;
	enum ovl_copied copied;
	int r = ovl_index_root_origin(fx->stack, &handle);

	if (r == 0)
		r = ovl_copied_root(&v, &copied, NULL);
	return r < 0 ? r : handle == OVL_INDEX_HANDLE_ENCODED || copied == OVL_COPIED_BYTES;
}

int ovl_fix_encode(struct ovl_fixer *fx)
{
	const struct ovl_loc loc = fx->finding->loc;
	int r;

	if (fx->facts->missed_upper)
		return ovl_way_refuse(fx, "a part of the upper or the index could not be read");
	if (loc.layer == OVL_LAYER_INDEX && loc.path) {
		r = rewrite_entry(fx, loc);
	} else if (loc.layer == OVL_LAYER_INDEX) {
		r = rewrite_xattr(fx, loc, OVL_X_UPPER,
				  (struct range){ OVL_LAYER_UPPER, OVL_LAYER_UPPER });
	} else {
		r = names_lower(fx);
		if (r == 0)
			return ovl_way_refuse(fx, "it has changed since it was checked");
		r = r < 0 ? r : rewrite_all(fx);
	}
	return r < 0 ? r : 1;
}
