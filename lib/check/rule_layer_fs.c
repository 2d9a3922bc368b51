/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file systems under the layers: is that of the upper fit for it, and can handles be told apart?
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/view.h"

#include "base/banned.h"

/* Entries to look at before a directory is said to know no types. */
enum { ENOUGH_ENTRIES = 16 };

static const struct ovl_loc upper_root = { OVL_LAYER_UPPER, NULL };

static bool is_on_overlay(const struct ovl_stack *stack)
{
	return stack->has_upper && stack->layer[OVL_LAYER_UPPER].root.fs_type == OVL_FS_OVERLAY;
}

int ovl_check_layout_upper_on_overlay(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (!is_on_overlay(v->stack))
		return 0;
	return ovl_sink_add(sink, OVL_P_LAYOUT_UPPER_ON_OVERLAY, upper_root,
			    "a directory of an overlay", "a directory of a real file system");
}

/*
 * Asking for an xattr that is not there tells whether there could be one: a file system that knows the
 * prefix answers ENODATA. Kernel: ovl_make_workdir(), which sets one to find out.
 */
int ovl_check_layout_upper_no_xattr(const struct ovl_view *v, struct ovl_sink *sink)
{
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	struct ovl_reader *r = v->stack->reader;
	const char *name = ovl_xattr_name(OVL_X_OPAQUE, v->stack->config.userxattr);
	int err;

	if (!v->stack->has_upper || is_on_overlay(v->stack))
		return 0;
	err = r->ops->get_xattr(r, v->stack->layer[OVL_LAYER_UPPER].root.fd, "", name, &value);
	if (err == -ENOMEM)
		return err;
	if (err != -EOPNOTSUPP)
		return 0; /* what else may be wrong, the walk will meet */
	return ovl_sink_add(sink, OVL_P_LAYOUT_UPPER_NO_XATTR, upper_root,
			    ovl_sink_text(sink, "%s: %s", name, strerror(EOPNOTSUPP)),
			    "a file system that keeps such xattrs");
}

/* Does the directory tell the types of its entries? 1, 0, -ENODATA if it has no entries. */
static int tells_types(struct ovl_reader *r, int at)
{
	_cleanup_free_ unsigned char *buf = malloc(OVL_DIRBUF_SIZE);
	struct ovl_dirstream stream = { .buf = buf, .room = OVL_DIRBUF_SIZE };
	struct ovl_dirent d;
	int dir, answer = -ENODATA;

	if (!buf)
		return -ENOMEM;
	if (r->ops->open_dir(r, at, "", &dir) < 0)
		return -ENODATA; /* the walk will tell why */
	for (int i = 0; i < ENOUGH_ENTRIES && r->ops->read_dir(r, dir, &stream, &d) > 0; i++) {
		answer = d.type != OVL_DT_UNKNOWN;
		if (answer)
			break;
	}
	r->ops->close(r, dir);
	return answer;
}

/* The work directory holds work/ once it was used; that is where the kernel looks, too. */
int ovl_check_layout_upper_no_dtype(const struct ovl_view *v, struct ovl_sink *sink)
{
	int r;

	if (!v->stack->has_upper || is_on_overlay(v->stack))
		return 0;
	r = tells_types(v->stack->reader, v->stack->work.root.fd);
	if (r == -ENODATA)
		r = tells_types(v->stack->reader, v->stack->layer[OVL_LAYER_UPPER].root.fd);
	if (r != 0)
		return r == -ENOMEM ? r : 0;
	return ovl_sink_add(sink, OVL_P_LAYOUT_UPPER_NO_DTYPE, upper_root,
			    "directory entries without type",
			    "a file system that tells the type of each entry");
}

static bool is_null_uuid(const struct ovl_root *root)
{
	static const uint8_t none[sizeof(root->uuid)];

	return memcmp(root->uuid, none, sizeof(none)) == 0;
}

static struct ovl_key uuid_key(const struct ovl_root *root)
{
	return ovl_map_hash(root->uuid, sizeof(root->uuid));
}

/* Subvolumes of one btrfs have device numbers of their own; its uuid is known to the kernel once. */
static struct ovl_key fs_key(const struct ovl_root *root)
{
	if (root->fs_type == OVL_FS_BTRFS && root->has_uuid)
		return uuid_key(root);
	return (struct ovl_key){ root->stat.dev, 0 };
}

static bool is_same_key(struct ovl_key a, struct ovl_key b)
{
	return a.a == b.a && a.b == b.b;
}

/* What the kernel knows of the file systems of the lowers, while it goes through them from the top. */
struct uuids {
	const struct ovl_root *upper; /* NULL: none */
	bool want_null;               /* having none is a uuid that must not be there twice */
	struct ovl_map seen;          /* file systems */
	struct ovl_map first;         /* uuid -> the first lower that has it */
};

static void uuids_done(struct uuids *u)
{
	ovl_map_done(&u->seen);
	ovl_map_done(&u->first);
}

enum clash {
	CLASH_NONE,
	CLASH_LOWER, /* with the file system of a lower further up, which the kernel notices */
	CLASH_UPPER, /* with that of the upper alone, which it does not */
};

/*
 * The next lower: each file system is compared once, where it turns up first, and that of the upper
 * never. Kernel: fs/overlayfs/super.c, ovl_get_fsid() and ovl_lower_uuid_ok().
 */
static int next_lower(struct uuids *u, const struct ovl_layer *lower, enum clash *ret,
		      int *ret_other)
{
	const struct ovl_root *root = &lower->root;
	bool upper_fs = u->upper && is_same_key(fs_key(root), fs_key(u->upper));
	uint64_t *value;
	int r;

	*ret = CLASH_NONE;
	if (!root->has_uuid || (is_null_uuid(root) && !u->want_null))
		return 0;
	r = ovl_map_put(&u->seen, fs_key(root), 0, &value);
	if (r <= 0)
		return r;
	r = ovl_map_put(&u->first, uuid_key(root), (uint64_t)lower->number, &value);
	if (r < 0 || upper_fs)
		return r < 0 ? r : 0;
	if (r == 0) {
		*ret = CLASH_LOWER;
		*ret_other = (int)*value;
	} else if (u->upper && u->upper->has_uuid && !is_null_uuid(root) &&
		   is_same_key(uuid_key(root), uuid_key(u->upper))) {
		*ret = CLASH_UPPER;
		*ret_other = OVL_LAYER_UPPER;
	}
	return 0;
}

/* Origins are followed in one file system without uuid, if options forbid that it was replaced. */
static bool wants_null(const struct ovl_stack *s)
{
	return s->config.index == OVL_ON || s->config.nfs_export == OVL_ON ||
	       s->given->xino == OVL_XINO_ON;
}

static const char *evidence(struct ovl_sink *sink, const struct ovl_root *root)
{
	const struct ovl_bytes uuid = { root->uuid, sizeof(root->uuid) };

	if (is_null_uuid(root))
		return "neither has a uuid";
	return ovl_sink_text(sink, "both have uuid %s", ovl_sink_hex(sink, uuid));
}

static int report_clashes(const struct ovl_view *v, struct ovl_sink *sink, enum clash wanted,
			  enum ovl_problem_id problem)
{
	const struct ovl_stack *stack = v->stack;
	_cleanup_(uuids_done) struct uuids uuids = {
		.upper = stack->has_upper ? &stack->layer[OVL_LAYER_UPPER].root : NULL,
		.want_null = wants_null(stack),
	};
	const struct ovl_layer *lower;
	enum clash clash;
	int other = OVL_LAYER_NONE, r = 0;

	for (unsigned n = 1; r == 0 && n <= stack->n_lower; n++) {
		lower = &stack->layer[n];
		r = next_lower(&uuids, lower, &clash, &other);
		if (r < 0 || clash != wanted)
			continue;
		r = ovl_sink_add_about(sink, problem, ovl_problem_get(problem)->severity,
				       (struct ovl_loc){ lower->number, NULL },
				       (struct ovl_loc){ other, NULL },
				       evidence(sink, &lower->root),
				       "a uuid of its own for each file system");
	}
	return r;
}

int ovl_check_layout_uuid_conflict(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (!v->stack->has_upper && v->stack->config.nfs_export != OVL_ON)
		return 0; /* nobody follows an origin */
	return report_clashes(v, sink, CLASH_LOWER, OVL_P_LAYOUT_UUID_CONFLICT);
}

int ovl_check_layout_upper_lower_same_uuid(const struct ovl_view *v, struct ovl_sink *sink)
{
	return report_clashes(v, sink, CLASH_UPPER, OVL_P_LAYOUT_UPPER_LOWER_SAME_UUID);
}
