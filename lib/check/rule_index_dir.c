/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries that only nfs_export=on makes: directories, each of which names an upper directory, and
 * whiteouts, which say that the lower object was deleted.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/index_entry.h"

#include "base/banned.h"

static const struct ovl_loc nowhere = { OVL_LAYER_NONE, NULL };

static bool is_dir_entry(const struct ovl_view *v)
{
	return v->entry && v->entry->state >= OVL_ORIGIN_NO_LAYER && v->obs->kind == OVL_KIND_DIR;
}

/* The value of "origin" of the directory that a handle leads to; empty if it has none. */
static int read_origin(const struct ovl_view *v, const struct ovl_fh *fh, struct ovl_buf *value)
{
	struct ovl_reader *reader = v->stack->reader;
	struct ovl_fid fid = { .type = fh->type, .len = (unsigned)fh->fid.len };
	struct ovl_stat st;
	int fd, dir, r;

	memcpy(fid.data, fh->fid.data, fh->fid.len);
	r = reader->ops->decode(reader, v->stack->layer[0].root.fd, &fid, &st, &fd);
	if (r < 0)
		return r;
	r = reader->ops->open_dir(reader, fd, "", &dir); /* the other one opens nothing */
	reader->ops->close(reader, fd);
	if (r < 0)
		return r;
	r = reader->ops->get_xattr(reader, dir, "",
				   ovl_xattr_name(OVL_X_ORIGIN, v->stack->config.userxattr), value);
	reader->ops->close(reader, dir);
	if (r == -ENODATA)
		ovl_buf_clear(value);
	return r == -ENODATA ? 0 : r;
}

/*
 * The upper directory that the entry names was copied up from the lower one that it is named after.
 * 1 if it was, 0 if not, which is reported then, or a negative errno.
 */
static int check_origin(const struct ovl_view *v, const struct ovl_origin *upper,
			const struct ovl_path *path, struct ovl_sink *sink)
{
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	const struct ovl_loc at = { OVL_LAYER_UPPER, path };
	unsigned char raw[128];
	int len = ovl_fh_parse_name(v->entry->name, raw), r;
	const char *found;

	r = read_origin(v, &upper->fh, &value);
	if (r < 0)
		return r == -ENOMEM ? r : ovl_sink_unreadable(sink, at, "read origin", r);
	/* As much as the length in the handle says; the name has nothing behind it. */
	if (len > 0 && value.len >= (size_t)len && memcmp(value.data, raw, (size_t)len) == 0)
		return 1;
	found = value.len == 0 ? "it names an upper directory without origin" :
				 ovl_sink_text(sink, "it names an upper directory with origin=%s",
					       ovl_sink_hex(sink, ovl_buf_bytes(&value)));
	return ovl_sink_add_about(sink, OVL_P_INDEX_DIR_UPPER, OVL_SEV_ERROR, v->loc, at, found,
				  "one whose origin is the name of the entry");
}

static int report_place(const struct ovl_view *v, const struct ovl_index_home *home,
			const char *found, struct ovl_sink *sink)
{
	struct ovl_loc at = home->at;

	if (!home->bare)
		at = (struct ovl_loc){ OVL_LAYER_UPPER, home->upper_path };
	return ovl_sink_add_about(sink, OVL_P_INDEX_DIR_UPPER, OVL_SEV_ERROR, v->loc, at, found,
				  "the upper directory that is merged with the lower one");
}

/* The overlay shows the lower directory, but not with the upper one that the entry names. */
static int check_place(const struct ovl_view *v, const struct ovl_index_home *home,
		       struct ovl_sink *sink)
{
	if (!home->shown || home->astray)
		return 0;
	return report_place(v, home,
			    home->bare ? "the lower directory is visible with no upper one" :
					 "the lower directory is visible merged with another one",
			    sink);
}

/* What is wrong with the handle itself; the mount takes it, but not the lookup, which compares bytes. */
static int check_handle(const struct ovl_view *v, const struct ovl_origin *upper,
			struct ovl_sink *sink)
{
	const char *found;

	if ((upper->fh.flags & OVL_FH_FLAG_PATH_UPPER) && upper->same_bytes)
		return 1;
	found = ovl_sink_text(sink, "upper=%s", ovl_sink_hex(sink, v->obs->x[OVL_X_UPPER]));
	if (upper->same_bytes)
		return ovl_sink_add(sink, OVL_P_FH_UPPER_FLAG, v->loc, found,
				    "the flag that says: leads to the upper");
	return ovl_sink_add(sink, OVL_P_FH_ENCODING_CHANGED, v->loc, found,
			    "the bytes that the file system gives for the directory now");
}

/* The path of the directory that the entry names, if it is in the upper. */
static const struct ovl_path *upper_path(const struct ovl_view *v, const struct ovl_origin *upper)
{
	const uint64_t *path;

	if (upper->state != OVL_ORIGIN_FOUND || upper->kind != OVL_KIND_DIR)
		return NULL;
	path = ovl_map_get(&v->facts->index_dir, (struct ovl_key){ upper->stat.ino, 0 });
	return path ? (const struct ovl_path *)(uintptr_t)*path : NULL;
}

static int check_upper(const struct ovl_view *v, const struct ovl_origin *upper,
		       struct ovl_sink *sink)
{
	_cleanup_(ovl_index_home_done) struct ovl_index_home home = { 0 };
	const struct ovl_path *path = upper_path(v, upper);
	int r;

	if (upper->state == OVL_ORIGIN_UNKNOWN)
		return ovl_sink_unreadable(sink, v->loc, "decode upper", upper->err);
	if (!path && v->facts->missed_upper)
		return 0;
	r = path ? check_handle(v, upper, sink) : 1;
	if (r <= 0)
		return r;
	r = ovl_index_entry_home(v, &home);
	if (r < 0)
		return r;
	/*
	 * Gone: at the next mount the kernel makes a whiteout of the entry, as it would have done when
	 * the directory was removed with nfs_export=on. No harm where the lower one is covered.
	 */
	if (!path)
		return !home.shown || home.astray ?
			       0 :
			       report_place(v, &home,
					    "it names a directory that is not in the upper", sink);
	if (home.shown && !home.bare && home.upper_ino == upper->stat.ino)
		return 0; /* where it should be: its origin is judged there */
	r = check_origin(v, upper, path, sink);
	return r > 0 ? check_place(v, &home, sink) : r;
}

int ovl_check_index_dir_upper(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_origin upper;

	/* Without nfs_export the kernel does not look at these entries at all. */
	if (!is_dir_entry(v) || v->stack->config.nfs_export != OVL_ON)
		return 0;
	if (v->entry->state == OVL_ORIGIN_FOUND && v->entry->lower_kind != OVL_KIND_DIR)
		return 0; /* index-type */
	if (v->obs->xbad & OVL_XBIT(UPPER))
		return ovl_sink_unreadable(sink, v->loc,
					   ovl_xattr_name(OVL_X_UPPER, v->stack->config.userxattr),
					   -EIO);
	upper.state = OVL_ORIGIN_EMPTY;
	if (v->obs->xmask & OVL_XBIT(UPPER))
		ovl_origin_decode(v->stack, v->obs->x[OVL_X_UPPER], OVL_LAYER_UPPER,
				  OVL_LAYER_UPPER, true, &upper);
	if (upper.state >= OVL_ORIGIN_NO_LAYER)
		return check_upper(v, &upper, sink);
	return ovl_sink_add(sink, OVL_P_INDEX_DIR_UPPER, v->loc,
			    v->obs->xmask & OVL_XBIT(UPPER) ?
				    ovl_sink_text(sink, "upper=%s",
						  ovl_sink_hex(sink, v->obs->x[OVL_X_UPPER])) :
				    "no xattr upper",
			    "the handle of an upper directory");
}

/* Room for at least one entry. */
enum { FEW = 1024 };

int ovl_check_index_dir_nonempty(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_reader *reader = v->stack->reader;
	unsigned char buf[FEW] __attribute__((aligned(8)));
	struct ovl_dirstream stream = { .buf = buf, .room = sizeof(buf) };
	struct ovl_dirent d;
	int dir, r;

	if (!is_dir_entry(v))
		return 0;
	r = reader->ops->open_dir(reader, v->dirfd, v->name, &dir);
	if (r < 0)
		return ovl_sink_unreadable(sink, v->loc, "open directory", r);
	r = reader->ops->read_dir(reader, dir, &stream, &d);
	if (r < 0)
		r = ovl_sink_unreadable(sink, v->loc, "read directory", r);
	else if (r > 0)
		r = ovl_sink_add(sink, OVL_P_INDEX_DIR_NONEMPTY, v->loc,
				 ovl_sink_text(sink, "it holds %s",
					       ovl_sink_quote(sink,
							      (struct ovl_bytes){
								      (const unsigned char *)d.name,
								      d.len })),
				 "an empty directory");
	reader->ops->close(reader, dir);
	return r;
}

/* An upper file that has this origin, if there is one: whatever its name, the kernel fails on it. */
static struct ovl_loc claimed_by(const struct ovl_view *v)
{
	const struct ovl_path *path = ovl_facts_claim(v->facts, v->entry->lower);

	return path ? (struct ovl_loc){ OVL_LAYER_UPPER, path } : nowhere;
}

static int visible_dir(const struct ovl_view *v, struct ovl_loc *ret)
{
	_cleanup_(ovl_index_home_done) struct ovl_index_home home = { 0 };
	int r;

	*ret = nowhere;
	if (v->stack->config.nfs_export != OVL_ON)
		return 0;
	r = ovl_index_entry_home(v, &home);
	if (home.shown && !home.astray)
		*ret = home.at;
	return r;
}

static int visible_file(const struct ovl_view *v, struct ovl_loc *ret)
{
	struct ovl_index_shown shown;
	int r = ovl_index_entry_shown(v, &shown);

	*ret = r == 0 && shown.n > 0 ? shown.first : claimed_by(v);
	return r;
}

int ovl_check_index_stale_whiteout(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_loc at;
	int r;

	if (!v->entry || v->obs->kind != OVL_KIND_WHITEOUT || v->entry->state != OVL_ORIGIN_FOUND ||
	    !v->entry->same_bytes)
		return 0;
	r = v->entry->lower_kind == OVL_KIND_DIR ? visible_dir(v, &at) : visible_file(v, &at);
	if (r < 0 || at.layer == OVL_LAYER_NONE)
		return r;
	return ovl_sink_add_about(sink, OVL_P_INDEX_STALE_WHITEOUT, OVL_SEV_ERROR, v->loc, at,
				  "the object is visible",
				  "a whiteout only for what is gone under all its names");
}
