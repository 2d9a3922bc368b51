/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations as payloads of journal records.
 *
 *	u32 type, place at, place to, u64 inode number, u32 mode,
 *	string xattr, u32 flags (1: had a value, 2: has one), bytes old, bytes new,
 *	u32 how it is made, times of two directories, u64 old size, new size, source inode, saved,
 *	names
 *
 * And of copies: place of the lower file, place of the copy, u64 inode numbers of the two.
 *
 * A place is u32 tree and a string, empty where there is none; times are u64 seconds and u32
 * nanoseconds of the access and then of the modification.
 */
#include "repair/op_record.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "overlayfs/xattr.h"
#include "repair/tree.h"
#include "repair/trees.h"

#include "base/banned.h"

enum { HAS_OLD = 1, HAS_NEW = 2 };

static struct ovl_bytes string_bytes(const char *s)
{
	return (struct ovl_bytes){ (const unsigned char *)s, s ? strlen(s) : 0 };
}

static int put_place(struct ovl_buf *out, const struct ovl_place *place)
{
	int r = ovl_field_put_u32(out, (uint32_t)place->tree);

	return r == 0 ? ovl_field_put_bytes(out, string_bytes(place->path)) : r;
}

static int put_time(struct ovl_buf *out, const struct timespec *t)
{
	int r = ovl_field_put_u64(out, (uint64_t)t->tv_sec);

	return r == 0 ? ovl_field_put_u32(out, (uint32_t)t->tv_nsec) : r;
}

static int put_times(struct ovl_buf *out, const struct ovl_times *times)
{
	int r = put_time(out, &times->access);

	return r == 0 ? put_time(out, &times->modify) : r;
}

static int put_xattr(struct ovl_buf *out, const struct ovl_op *op)
{
	static const struct ovl_bytes none;
	int r = ovl_field_put_bytes(out, string_bytes(op->xattr));

	if (r == 0)
		r = ovl_field_put_u32(out,
				      (op->has_old ? HAS_OLD : 0u) | (op->has_new ? HAS_NEW : 0u));
	if (r == 0)
		r = ovl_field_put_bytes(out, op->has_old ? ovl_buf_bytes(&op->old_value) : none);
	if (r == 0)
		r = ovl_field_put_bytes(out, op->has_new ? ovl_buf_bytes(&op->new_value) : none);
	return r;
}

static int put_data(struct ovl_buf *out, const struct ovl_op *op)
{
	const uint64_t numbers[] = { op->old_size, op->new_size, op->source_ino, op->saved,
				     op->names };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(numbers); i++)
		r = ovl_field_put_u64(out, numbers[i]);
	return r;
}

int ovl_op_encode(struct ovl_buf *out, const struct ovl_op *op)
{
	int r = ovl_field_put_u32(out, (uint32_t)op->type);

	if (r == 0)
		r = put_place(out, &op->at);
	if (r == 0)
		r = put_place(out, &op->to);
	if (r == 0)
		r = ovl_field_put_u64(out, op->ino);
	if (r == 0)
		r = ovl_field_put_u32(out, op->mode);
	if (r == 0)
		r = put_xattr(out, op);
	if (r == 0)
		r = ovl_field_put_u32(out, (uint32_t)op->make);
	if (r == 0)
		r = put_times(out, &op->times[0]);
	if (r == 0)
		r = put_times(out, &op->times[1]);
	return r == 0 ? put_data(out, op) : r;
}

/* "/", or "/a/b": all of it names that can be looked up, and none that leads elsewhere. */
static bool is_path(struct ovl_bytes path)
{
	const char *p = (const char *)path.data, *end = p + path.len, *name;

	if (path.len == 0 || *p != '/' || memchr(p, '\0', path.len))
		return false;
	if (path.len == 1)
		return true;
	while (p < end) {
		name = ++p;
		while (p < end && *p != '/')
			p++;
		if (p == name || (p - name == 1 && name[0] == '.') ||
		    (p - name == 2 && name[0] == '.' && name[1] == '.'))
			return false;
	}
	return true;
}

static bool is_tree(int tree)
{
	return (tree >= 0 && tree <= OVL_MAX_LAYERS) || tree == OVL_LAYER_WORK ||
	       tree == OVL_LAYER_INDEX || tree == OVL_TREE_STORE;
}

static int get_place(struct ovl_bytes *in, struct ovl_place *ret)
{
	struct ovl_bytes path;
	uint32_t tree;

	if (ovl_field_get_u32(in, &tree) < 0 || ovl_field_get_bytes(in, &path) < 0)
		return -EINVAL;
	ret->tree = (int)tree;
	if (path.len == 0)
		return 0;
	if (!is_tree(ret->tree) || !is_path(path))
		return -EINVAL;
	ret->path = strndup((const char *)path.data, path.len);
	return ret->path ? 0 : -ENOMEM;
}

static int get_time(struct ovl_bytes *in, struct timespec *ret)
{
	uint64_t sec;
	uint32_t nsec;

	if (ovl_field_get_u64(in, &sec) < 0 || ovl_field_get_u32(in, &nsec) < 0 ||
	    nsec >= 1000000000)
		return -EINVAL;
	ret->tv_sec = (time_t)sec;
	ret->tv_nsec = (long)nsec;
	return 0;
}

static int get_times(struct ovl_bytes *in, struct ovl_times *ret)
{
	int r = get_time(in, &ret->access);

	return r == 0 ? get_time(in, &ret->modify) : r;
}

static int get_value(struct ovl_bytes *in, bool has, struct ovl_buf *ret)
{
	struct ovl_bytes value;

	if (ovl_field_get_bytes(in, &value) < 0 || (!has && value.len > 0))
		return -EINVAL;
	return ovl_buf_add(ret, value.data, value.len);
}

/*
 * A journal may have been made by somebody else, who would give a file capabilities with it: what repairs
 * change are the xattrs of overlayfs, and what they put back after a write is the capability.
 */
static bool is_allowed(enum ovl_op_type type, const char *xattr)
{
	if (type == OVL_OP_DATA)
		return strcmp(xattr, "security.capability") == 0;
	return ovl_xattr_classify(xattr, false, NULL) == OVL_XC_KNOWN ||
	       ovl_xattr_classify(xattr, true, NULL) == OVL_XC_KNOWN;
}

/* What is put somewhere: single names, no paths. */
static int check_list(const struct ovl_op *op)
{
	struct ovl_bytes list = ovl_buf_bytes(&op->new_value);
	struct ovl_tree_item item;
	int r = op->at.tree == OVL_TREE_STORE && !op->has_old ? 1 : -EINVAL;

	while (r > 0)
		r = ovl_tree_next(&list, &item);
	return r;
}

static int get_xattr(struct ovl_bytes *in, struct ovl_op *op)
{
	struct ovl_bytes name;
	uint32_t flags;
	int r;

	if (ovl_field_get_bytes(in, &name) < 0 || ovl_field_get_u32(in, &flags) < 0 ||
	    (flags & ~(uint32_t)(HAS_OLD | HAS_NEW)))
		return -EINVAL;
	/* DATA: the capability of the file, if it has one. */
	if ((op->type == OVL_OP_XATTR && name.len == 0) ||
	    (flags && name.len == 0 && op->type != OVL_OP_SPREAD) ||
	    (op->type != OVL_OP_XATTR && op->type != OVL_OP_DATA && name.len > 0) ||
	    (op->type == OVL_OP_DATA && (flags & HAS_NEW)))
		return -EINVAL;
	if (name.len > 0) {
		if (memchr(name.data, '\0', name.len))
			return -EINVAL;
		op->xattr = strndup((const char *)name.data, name.len);
		if (!op->xattr)
			return -ENOMEM;
		if (!is_allowed(op->type, op->xattr))
			return -EINVAL;
	}
	op->has_old = flags & HAS_OLD;
	op->has_new = flags & HAS_NEW;
	r = get_value(in, op->has_old, &op->old_value);
	if (r == 0)
		r = get_value(in, op->has_new, &op->new_value);
	return r == 0 && op->type == OVL_OP_SPREAD ? check_list(op) : r;
}

static int get_data(struct ovl_bytes *in, struct ovl_op *op)
{
	uint64_t *const numbers[] = { &op->old_size, &op->new_size, &op->source_ino, &op->saved,
				      &op->names };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(numbers); i++)
		r = ovl_field_get_u64(in, numbers[i]);
	return r;
}

static int get_places(struct ovl_bytes *in, struct ovl_op *op)
{
	uint32_t type;
	int r = ovl_field_get_u32(in, &type);

	if (r < 0 || type == 0 || type >= OVL_OP__MAX)
		return -EINVAL;
	op->type = (enum ovl_op_type)type;
	r = get_place(in, &op->at);
	if (r == 0)
		r = get_place(in, &op->to);
	if (r < 0)
		return r;
	if (!op->at.path || (!op->to.path && type != OVL_OP_XATTR && type != OVL_OP_DATA))
		return -EINVAL;
	return 0;
}

/* What is changed of a lower file was one hole: nothing from saved/ ever goes into one. */
static bool is_lower_content(const struct ovl_op *op)
{
	return op->type == OVL_OP_DATA && op->at.tree > 0 && op->saved != 0;
}

int ovl_op_decode(struct ovl_bytes in, struct ovl_op *ret)
{
	_cleanup_(ovl_op_done) struct ovl_op op = { 0 };
	uint32_t make = 0;
	int r = get_places(&in, &op);

	if (r == 0)
		r = ovl_field_get_u64(&in, &op.ino);
	if (r == 0)
		r = ovl_field_get_u32(&in, &op.mode);
	if (r == 0)
		r = get_xattr(&in, &op);
	if (r == 0)
		r = ovl_field_get_u32(&in, &make);
	if (r == 0 && make >= OVL_MAKE__MAX)
		r = -EINVAL;
	op.make = (enum ovl_make)make;
	if (r == 0)
		r = get_times(&in, &op.times[0]);
	if (r == 0)
		r = get_times(&in, &op.times[1]);
	if (r == 0)
		r = get_data(&in, &op);
	if (r == 0 && (in.len > 0 || is_lower_content(&op)))
		r = -EINVAL;
	if (r < 0)
		return r;
	*ret = op;
	op = (struct ovl_op){ 0 };
	return 0;
}

/* ---- Copies ---- */

void ovl_copied_done(struct ovl_copied *copied)
{
	ovl_place_done(&copied->from);
	ovl_place_done(&copied->to);
	*copied = (struct ovl_copied){ 0 };
}

int ovl_copied_encode(struct ovl_buf *out, const struct ovl_copied *copied)
{
	int r = put_place(out, &copied->from);

	if (r == 0)
		r = put_place(out, &copied->to);
	if (r == 0)
		r = ovl_field_put_u64(out, copied->from_ino);
	return r == 0 ? ovl_field_put_u64(out, copied->to_ino) : r;
}

int ovl_copied_decode(struct ovl_bytes in, struct ovl_copied *ret)
{
	struct ovl_copied copied = { 0 };
	int r = get_place(&in, &copied.from);

	if (r == 0)
		r = get_place(&in, &copied.to);
	if (r == 0)
		r = ovl_field_get_u64(&in, &copied.from_ino);
	if (r == 0)
		r = ovl_field_get_u64(&in, &copied.to_ino);
	if (r == 0 && (in.len > 0 || !copied.from.path || !copied.to.path))
		r = -EINVAL;
	if (r < 0)
		ovl_copied_done(&copied);
	else
		*ret = copied;
	return r;
}
