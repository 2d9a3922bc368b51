/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small values, and xattrs and names that mean nothing where they are.
 */
#include <string.h>

#include "base/cleanup.h"
#include "check/view.h"
#include "format/value.h"

#include "base/banned.h"

enum { UUID_SIZE = 16, MAX_LISTED = 8 };

static const struct ovl_loc nowhere = { OVL_LAYER_NONE, NULL };

static struct ovl_bytes bytes_of(const char *text)
{
	return (struct ovl_bytes){ (const unsigned char *)text, strlen(text) };
}

/* The root of the upper is seen without a directory above it. */
static bool is_root(const struct ovl_view *v)
{
	return !v->dir;
}

int ovl_check_uuid_size(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_bytes uuid = v->obs->x[OVL_X_UUID];
	enum ovl_uuid option = v->stack->config.uuid;
	bool unused = option == OVL_UUID_OFF || option == OVL_UUID_NULL;

	if (!is_root(v) || !(v->obs->xmask & OVL_XBIT(UUID)) || uuid.len == UUID_SIZE)
		return 0;
	return ovl_sink_add_about(
		sink, OVL_P_UUID_SIZE,
		unused ? OVL_SEV_INFO : ovl_problem_get(OVL_P_UUID_SIZE)->severity, v->loc, nowhere,
		ovl_sink_text(sink, "%zu bytes, %s", uuid.len, ovl_sink_hex(sink, uuid)),
		"16 bytes");
}

int ovl_check_uuid_misplaced(const struct ovl_view *v, struct ovl_sink *sink)
{
	return ovl_sink_add(sink, OVL_P_UUID_MISPLACED, v->loc,
			    v->obs->xmask & OVL_XBIT(UUID) ?
				    ovl_sink_hex(sink, v->obs->x[OVL_X_UUID]) :
				    "a value that cannot be read",
			    "no uuid but on the root of the upper");
}

int ovl_check_protattr_value(const struct ovl_view *v, struct ovl_sink *sink)
{
	unsigned flags;

	if (!(v->obs->xmask & OVL_XBIT(PROTATTR)) ||
	    ovl_value_protattr(v->obs->x[OVL_X_PROTATTR], &flags) == 0)
		return 0;
	return ovl_sink_add(sink, OVL_P_PROTATTR_VALUE, v->loc,
			    ovl_sink_quote(sink, v->obs->x[OVL_X_PROTATTR]),
			    "\"a\", \"i\" or both");
}

/* Appends the names of one class in the list of an object, quoted; 0 or -ENOMEM. */
static int list_names(const struct ovl_view *v, struct ovl_sink *sink, enum ovl_xattr_class class,
		      struct ovl_buf *ret)
{
	const struct ovl_bytes list = v->obs->names;
	const char *name = (const char *)list.data;
	const char *end = list.len > 0 ? name + list.len : name;
	unsigned n = 0;
	int r = 0;

	for (; r == 0 && name < end; name += strlen(name) + 1) {
		if (ovl_xattr_classify(name, v->stack->config.userxattr, NULL) != class)
			continue;
		if (n++ >= MAX_LISTED)
			continue;
		if (n > 1)
			r = ovl_buf_adds(ret, ", ");
		if (r == 0)
			r = ovl_buf_adds(ret, ovl_sink_quote(sink, bytes_of(name)));
	}
	if (r == 0 && n > MAX_LISTED)
		r = ovl_buf_addf(ret, " and %u more", n - MAX_LISTED);
	return r;
}

static int report_names(const struct ovl_view *v, struct ovl_sink *sink,
			enum ovl_problem_id problem, enum ovl_severity severity,
			enum ovl_xattr_class class)
{
	_cleanup_(ovl_buf_done) struct ovl_buf names = { 0 };
	int r = list_names(v, sink, class, &names);

	if (r < 0)
		return r;
	return ovl_sink_add_about(sink, problem, severity, v->loc, nowhere, names.data, "");
}

int ovl_check_xattr_unknown(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (!v->obs->has_unknown)
		return 0;
	return report_names(v, sink, OVL_P_XATTR_UNKNOWN,
			    v->role == OVL_ROLE_UPPER ?
				    ovl_problem_get(OVL_P_XATTR_UNKNOWN)->severity :
				    OVL_SEV_INFO,
			    OVL_XC_UNKNOWN);
}

int ovl_check_xattr_inactive_prefix(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (!v->obs->has_inactive)
		return 0;
	return report_names(v, sink, OVL_P_XATTR_INACTIVE_PREFIX,
			    ovl_problem_get(OVL_P_XATTR_INACTIVE_PREFIX)->severity,
			    OVL_XC_INACTIVE);
}

int ovl_check_xattr_lower_stale(const struct ovl_view *v, struct ovl_sink *sink)
{
	static const enum ovl_xattr_id ids[] = { OVL_X_NLINK, OVL_X_UPPER, OVL_X_UUID,
						 OVL_X_PROTATTR, OVL_X_IMPURE };
	_cleanup_(ovl_buf_done) struct ovl_buf names = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(ids); i++) {
		if (!ovl_obs_has(v->obs, ids[i]))
			continue;
		if (names.len > 0)
			r = ovl_buf_adds(&names, ", ");
		if (r == 0)
			r = ovl_buf_adds(&names,
					 ovl_xattr_name(ids[i], v->stack->config.userxattr));
	}
	if (r < 0)
		return r;
	return ovl_sink_add(sink, OVL_P_XATTR_LOWER_STALE, v->loc, names.data, "");
}

/* AUFS, and images that were unpacked as they are, hide a name by a file with this in front of it. */
static bool is_foreign_whiteout(const char *name)
{
	static const char prefix[] = ".wh.";

	return strncmp(name, prefix, sizeof(prefix) - 1) == 0 && name[sizeof(prefix) - 1] != '\0';
}

int ovl_check_layer_foreign_wh(const struct ovl_view *v, struct ovl_sink *sink)
{
	const char *found;

	if (is_foreign_whiteout(v->name))
		found = "a whiteout of AUFS or of an image, by its name";
	else if (v->obs->has_foreign_layer)
		found = "an xattr of fuse-overlayfs";
	else
		return 0;
	return ovl_sink_add(sink, OVL_P_LAYER_FOREIGN_WH, v->loc, found, "");
}
