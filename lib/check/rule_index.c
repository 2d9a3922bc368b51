/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index: does it belong to this overlay, and is each entry what its name says?
 *
 * Of an entry only one thing is reported, the first that stops the kernel: its name, its origin, its
 * type, the inode it leads to. Kernel: fs/overlayfs/namei.c, ovl_verify_index().
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/index_entry.h"
#include "check/index_root.h"
#include "format/value.h"

#include "base/banned.h"

static const struct ovl_loc nowhere = { OVL_LAYER_NONE, NULL };

/* What is wrong with the handle that names the upper. */
static int report_root(const struct ovl_view *v, struct ovl_bytes raw, enum ovl_index_handle handle,
		       struct ovl_sink *sink)
{
	const struct ovl_loc loc = { OVL_LAYER_INDEX, NULL };
	const char *found = ovl_sink_text(sink, "upper=%s", ovl_sink_hex(sink, raw));
	enum ovl_index_handle origin;
	int r;

	switch (handle) {
	case OVL_INDEX_HANDLE_FLAG:
		return ovl_sink_add(sink, OVL_P_FH_UPPER_FLAG, loc, found,
				    "the flag that says: leads to the upper");
	case OVL_INDEX_HANDLE_ENCODED:
		return ovl_sink_add(sink, OVL_P_FH_ENCODING_CHANGED, loc, found,
				    "the bytes that the file system gives for the upper root now");
	case OVL_INDEX_HANDLE_OTHER:
		/* With the origin wrong as well, all layers are copies: that is said elsewhere. */
		r = ovl_index_root_origin(v->stack, &origin);
		if (r < 0 || origin == OVL_INDEX_HANDLE_OTHER)
			return r == -ENOMEM ? r : 0;
		return ovl_sink_add(sink, OVL_P_INDEX_ROOT_UPPER, loc, found,
				    "the handle of the root of this upper");
	case OVL_INDEX_HANDLE_NONE:
	case OVL_INDEX_HANDLE_SAME:
		break;
	}
	return 0;
}

int ovl_check_index_root_upper(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_stack *stack = v->stack;
	struct ovl_reader *reader = stack->reader;
	const char *name = ovl_xattr_name(OVL_X_UPPER, stack->config.userxattr);
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	int r;

	if (stack->index.root.fd < 0 || !ovl_index_root_in_force(stack))
		return 0;
	r = reader->ops->get_xattr(reader, stack->index.root.fd, "", name, &value);
	if (r == -ENODATA || r == -EOPNOTSUPP || r == -ENOMEM)
		return r == -ENOMEM ? r : 0; /* absent: the next mount writes it */
	if (r < 0)
		return ovl_sink_unreadable(sink, (struct ovl_loc){ OVL_LAYER_INDEX, NULL }, name,
					   r);
	return report_root(v, ovl_buf_bytes(&value),
			   ovl_index_root_compare(stack, ovl_buf_bytes(&value), OVL_LAYER_UPPER),
			   sink);
}

int ovl_check_index_root_type(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_reader *reader = v->stack->reader;
	struct ovl_stat st;
	int r;

	if (v->stack->index_errno != -ENOTDIR || !ovl_index_root_in_force(v->stack))
		return 0;
	r = reader->ops->stat(reader, v->stack->work.root.fd, "index", &st);
	return ovl_sink_add(sink, OVL_P_INDEX_ROOT_TYPE, (struct ovl_loc){ OVL_LAYER_INDEX, NULL },
			    r < 0 ? "no directory" :
				    ovl_sink_text(sink, "a %s", ovl_kind_name(ovl_kind_of(&st))),
			    "a directory, or nothing");
}

int ovl_check_index_name(const struct ovl_view *v, struct ovl_sink *sink)
{
	unsigned char raw[128];
	struct ovl_fh fh;
	const char *found;
	int len;

	if (!v->entry)
		return 0;
	if (v->entry->state == OVL_ORIGIN_FOUND && !v->entry->same_bytes)
		return ovl_sink_add(sink, OVL_P_FH_ENCODING_CHANGED, v->loc,
				    "a name that leads to a lower inode",
				    "the name that the file system gives for this inode now");
	if (v->entry->state != OVL_ORIGIN_MALFORMED)
		return 0;
	len = ovl_fh_parse_name(v->entry->name, raw);
	if (len < 0)
		found = "no hex form of a handle";
	else if (ovl_fh_parse((struct ovl_bytes){ raw, (size_t)len }, &fh) < 0)
		found = "hex of something that is no handle";
	else
		found = "a handle, but with capital letters or with bytes behind it: no lookup finds it";
	return ovl_sink_add(sink, OVL_P_INDEX_NAME, v->loc, found,
			    "the file handle of a lower object, in lower-case hex");
}

int ovl_check_index_name_foreign(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (!v->entry || v->entry->state != OVL_ORIGIN_FOREIGN)
		return 0;
	return ovl_sink_add(sink, OVL_P_INDEX_NAME_FOREIGN, v->loc,
			    "another version, unknown flags, or the other byte order",
			    "version 0, known flags, the byte order of this machine");
}

/* A bad origin is a finding at the names that the inode has in the upper, if it has any. */
static bool is_told_in_upper(const struct ovl_view *v)
{
	return ovl_index_entry_upper_name(v).layer != OVL_LAYER_NONE;
}

int ovl_check_index_no_origin(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (!ovl_index_entry_is_file(v))
		return 0;
	switch (ovl_index_entry_origin(v)) {
	case OVL_INDEX_ORIGIN_UNREADABLE:
		return ovl_sink_unreadable(sink, v->loc,
					   ovl_xattr_name(OVL_X_ORIGIN, v->stack->config.userxattr),
					   -EIO);
	case OVL_INDEX_ORIGIN_NONE:
		return ovl_sink_add_about(sink, OVL_P_INDEX_NO_ORIGIN, OVL_SEV_ERROR, v->loc,
					  ovl_index_entry_upper_name(v), "no origin",
					  "the handle that is its name");
	case OVL_INDEX_ORIGIN_BAD:
		if (is_told_in_upper(v))
			return 0;
		return ovl_sink_add(sink, OVL_P_INDEX_NO_ORIGIN, v->loc,
				    ovl_sink_text(sink,
						  "origin=%s, which is no handle to the kernel",
						  ovl_sink_hex(sink, v->obs->x[OVL_X_ORIGIN])),
				    "the handle that is its name");
	case OVL_INDEX_ORIGIN_FLAG:
	case OVL_INDEX_ORIGIN_OTHER:
	case OVL_INDEX_ORIGIN_SAME:
		break;
	}
	return 0;
}

int ovl_check_index_origin_mismatch(const struct ovl_view *v, struct ovl_sink *sink)
{
	enum ovl_index_origin origin;

	if (!ovl_index_entry_is_file(v))
		return 0;
	origin = ovl_index_entry_origin(v);
	if (origin != OVL_INDEX_ORIGIN_OTHER &&
	    (origin != OVL_INDEX_ORIGIN_FLAG || is_told_in_upper(v)))
		return 0;
	return ovl_sink_add_about(sink, OVL_P_INDEX_ORIGIN_MISMATCH, OVL_SEV_ERROR, v->loc,
				  ovl_index_entry_upper_name(v),
				  ovl_sink_text(sink, "origin=%s",
						ovl_sink_hex(sink, v->obs->x[OVL_X_ORIGIN])),
				  "the handle that is its name");
}

/* Taken for one whose names were all removed, the entry goes at the next mount, and nobody misses it. */
static bool is_used_up(const struct ovl_view *v)
{
	enum ovl_nlink_base base;
	int diff;

	return (v->obs->xmask & OVL_XBIT(NLINK)) &&
	       ovl_value_nlink(v->obs->x[OVL_X_NLINK], &base, &diff) == 0 &&
	       base == OVL_NLINK_UPPER && (int64_t)v->obs->stat.nlink + diff <= 0;
}

int ovl_check_index_origin_undecodable(const struct ovl_view *v, struct ovl_sink *sink)
{
	enum ovl_origin_state state;

	if (!ovl_index_entry_is_file(v) || ovl_index_entry_origin(v) != OVL_INDEX_ORIGIN_SAME)
		return 0;
	state = v->entry->state;
	if (state == OVL_ORIGIN_UNKNOWN)
		return ovl_sink_unreadable(sink, v->loc, "decode the handle", v->entry->err);
	/* With another name the kernel keeps it, and does not even look where it leads. */
	if (state == OVL_ORIGIN_FOUND || v->obs->stat.nlink > 1 || is_used_up(v))
		return 0;
	return ovl_sink_add(sink, OVL_P_INDEX_ORIGIN_UNDECODABLE, v->loc,
			    state == OVL_ORIGIN_STALE ?
				    "the lower inode is not there any more" :
				    "no lower layer is on the file system that it names",
			    "an inode of a lower layer");
}

int ovl_check_index_type(const struct ovl_view *v, struct ovl_sink *sink)
{
	bool is_dir = v->obs->kind == OVL_KIND_DIR;

	if (!v->entry || v->entry->state != OVL_ORIGIN_FOUND || v->obs->kind == OVL_KIND_WHITEOUT ||
	    ovl_index_entry_is_typed(v))
		return 0;
	if (!is_dir && ovl_index_entry_origin(v) != OVL_INDEX_ORIGIN_SAME)
		return 0; /* the mount fails before anybody compares types */
	return ovl_sink_add_about(sink, OVL_P_INDEX_TYPE, OVL_SEV_ERROR, v->loc, nowhere,
				  ovl_sink_text(sink, "a %s", ovl_kind_name(v->obs->kind)),
				  ovl_kind_name(v->entry->lower_kind));
}
