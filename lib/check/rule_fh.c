/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File handles in the xattr "origin": are they in a form that the kernel reads?
 *
 * Handles of the index have checks of their own.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "check/copied.h"
#include "check/index_root.h"

#include "base/banned.h"

static const struct ovl_loc nowhere = { OVL_LAYER_NONE, NULL };
static const struct ovl_loc upper_root = { OVL_LAYER_UPPER, NULL };

/* The kernel looks at no xattr of a whiteout. */
static bool is_whiteout(const struct ovl_view *v)
{
	return v->obs->kind == OVL_KIND_WHITEOUT || v->obs->kind == OVL_KIND_XWHITEOUT;
}

static int parse(const struct ovl_view *v, struct ovl_fh *ret)
{
	if (is_whiteout(v) || !(v->obs->xmask & OVL_XBIT(ORIGIN)))
		return -ENODATA;
	return ovl_fh_parse(v->obs->x[OVL_X_ORIGIN], ret);
}

static const char *hex(const struct ovl_view *v, struct ovl_sink *sink)
{
	return ovl_sink_text(sink, "origin=%s", ovl_sink_hex(sink, v->obs->x[OVL_X_ORIGIN]));
}

/* No origin that can be read: a mount with index=on fails for an object that is in the index. */
static int report_unread(const struct ovl_view *v, enum ovl_problem_id problem,
			 const char *expected, struct ovl_sink *sink)
{
	return ovl_sink_add_about(sink, problem,
				  ovl_view_is_indexed(v) ? OVL_SEV_ERROR : OVL_SEV_WARNING, v->loc,
				  nowhere, hex(v, sink), expected);
}

int ovl_check_fh_malformed(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_fh fh;

	if (parse(v, &fh) != -EINVAL)
		return 0;
	return report_unread(v, OVL_P_FH_MALFORMED, "a file handle as overlayfs writes it", sink);
}

int ovl_check_fh_foreign(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_fh fh;

	if (parse(v, &fh) != -ENODATA || is_whiteout(v) || v->obs->x[OVL_X_ORIGIN].len == 0)
		return 0; /* no value: copied up from a file system without file handles */
	return report_unread(v, OVL_P_FH_FOREIGN,
			     "version 0, known flags, the byte order of this machine", sink);
}

int ovl_check_fh_trailing_bytes(const struct ovl_view *v, struct ovl_sink *sink)
{
	size_t len = v->obs->x[OVL_X_ORIGIN].len;
	struct ovl_fh fh;

	if (parse(v, &fh) < 0 || fh.len == len)
		return 0;
	return ovl_sink_add(sink, OVL_P_FH_TRAILING_BYTES, v->loc,
			    ovl_sink_text(sink, "%zu bytes after a handle of %u", len - fh.len,
					  (unsigned)fh.len),
			    "");
}

int ovl_check_fh_upper_flag(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_fh fh;

	if (parse(v, &fh) < 0 || !(fh.flags & OVL_FH_FLAG_PATH_UPPER))
		return 0;
	/* The bytes are compared with index=on; else only the inode matters that they lead to. */
	return ovl_sink_add_about(
		sink, OVL_P_FH_UPPER_FLAG,
		v->stack->config.index == OVL_ON ? OVL_SEV_ERROR : OVL_SEV_WARNING, v->loc, nowhere,
		hex(v, sink), "a handle without the flag that says: leads to the upper");
}

int ovl_check_fh_encoding_changed(const struct ovl_view *v, struct ovl_sink *sink)
{
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	struct ovl_stack *stack = v->stack;
	const char *name = ovl_xattr_name(OVL_X_ORIGIN, stack->config.userxattr);
	enum ovl_index_handle handle;
	enum ovl_copied copied;
	int r = ovl_copied_root(v, &copied, NULL);

	if (r < 0 || !stack->has_upper)
		return r;
	r = stack->reader->ops->get_xattr(stack->reader, stack->layer[0].root.fd, "", name, &value);
	if (r < 0)
		return r == -ENOMEM ? r : 0; /* absent, or told where the root is looked at */
	handle = ovl_index_root_compare(stack, ovl_buf_bytes(&value), 1);
	if (handle != OVL_INDEX_HANDLE_ENCODED && copied != OVL_COPIED_BYTES)
		return 0;
	return ovl_sink_add_about(
		sink, OVL_P_FH_ENCODING_CHANGED,
		stack->config.index == OVL_ON ? OVL_SEV_ERROR : OVL_SEV_WARNING, upper_root,
		nowhere,
		ovl_sink_text(sink, "origin=%s", ovl_sink_hex(sink, ovl_buf_bytes(&value))),
		copied == OVL_COPIED_BYTES ? "a handle as the option uuid has it written" :
					     "the bytes that the file system gives for lower1 now");
}
