/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of ovl-damage: a small overlay held in memory, and what can be done to it.
 *
 * Everything is loaded and looked up before anything is changed. So all of this shows the overlay
 * as it was when it was sound, where lookup is simple: whatever gives an error is left alone.
 */
#ifndef TESTS_TOOLS_DAMAGE_H
#define TESTS_TOOLS_DAMAGE_H

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tool.h"

/** The xattrs of overlayfs, in the order of dmg_xattr_names. */
enum dmg_xattr {
	DMG_OPAQUE,
	DMG_REDIRECT,
	DMG_ORIGIN,
	DMG_IMPURE,
	DMG_NLINK,
	DMG_UPPER,
	DMG_UUID,
	DMG_METACOPY,
	DMG_PROTATTR,
	DMG_WHITEOUT,
	DMG_WHITEOUTS,
	DMG_XATTRS
};

struct dmg_value {
	bool there;
	unsigned char *data; /* a NUL byte follows that does not count */
	size_t len;
};

/** Where an object lies; a mask, for picking. */
enum dmg_role {
	DMG_IN_UPPER = 1 << 0,
	DMG_IN_LOWER = 1 << 1,
	DMG_IN_DATA = 1 << 2,
	DMG_IN_INDEX = 1 << 3,
};

struct dmg_node;

struct dmg_obj {
	struct dmg_layer *layer;
	struct dmg_obj *dir; /* that holds it; NULL for a root */
	char *path;          /* from the root of the layer, "" for that itself */
	const char *name;
	struct stat st;
	struct dmg_value x[DMG_XATTRS];
	bool has_unknown;      /* xattrs of overlayfs by other names */
	bool has_inactive;     /* xattrs of overlayfs with the other prefix */
	bool has_foreign;      /* xattrs of fuse-overlayfs */
	struct dmg_value fh;   /* its handle, as an origin would have it */
	struct dmg_node *node; /* where the overlay shows it; NULL: nowhere */
};

struct dmg_layer {
	enum dmg_role role;
	size_t number; /* 1 is the topmost lower; 0 for upper and index */
	char *dir;
	char label[32];        /* as the program calls it */
	struct dmg_obj **objs; /* a directory comes before what it holds; the first is the root */
	size_t count;
};

/** A name of the overlay, and the real objects that it stands for. */
struct dmg_node {
	struct dmg_node *dir; /* NULL for the root */
	char *path;
	struct dmg_obj *upper;
	struct dmg_obj **lower; /* topmost first */
	size_t count;
	bool bad; /* lookup gives an error */
};

struct dmg {
	struct ovl_rng rng;
	char *dir;  /* what ovl-random filled */
	char *work; /* the work base, or NULL */
	bool userxattr, nfs_export, index, metacopy, metacopy_off, follow;
	bool uuid_given, null_uuid, use_uuid;
	bool nfs_traces; /* the index has entries that only nfs_export=on makes */
	struct dmg_layer *layers;
	size_t layer_count;
	struct dmg_layer *upper, *index_layer; /* NULL if there is none */
	struct dmg_layer *lower;               /* the topmost; the others follow */
	size_t lower_count;
	struct dmg_layer *data; /* a data-only layer, or NULL */
	struct dmg_node **nodes;
	size_t node_count;
	FILE *undo;
};

/* damage-load.c */

/** dmg_load - read the overlay that ovl-random left in @dir */
void dmg_load(struct dmg *d, const char *dir);

/** dmg_xattr_name - "trusted.overlay.opaque"; the caller frees it */
char *dmg_xattr_name(const struct dmg *d, enum dmg_xattr x);

/** dmg_path - where an object really is; the caller frees it */
char *dmg_path(const struct dmg_obj *o);

/** dmg_path_in - the path of a name in a directory; the caller frees it */
char *dmg_path_in(const struct dmg_obj *dir, const char *name);

/** dmg_child - the entry of a directory with this name, or NULL */
struct dmg_obj *dmg_child(const struct dmg_obj *dir, const char *name, size_t len);

/** dmg_free - free everything */
void dmg_free(struct dmg *d);

/* damage-handle.c */

/** dmg_handle - the handle of what is at @path, as an origin would have it; !there: it has none */
struct dmg_value dmg_handle(const struct dmg *d, const char *path);

/**
 * dmg_handle_other_uuid - make it the handle that the kernel would write with another option uuid
 * With uuid=off the uuid of the file system is not written. False: that is the same handle.
 */
bool dmg_handle_other_uuid(const struct dmg *d, struct dmg_value *v);

/** dmg_handle_stale - a handle that leads to nothing any more, of a directory or a file */
struct dmg_value dmg_handle_stale(const struct dmg *d, mode_t mode);

/** dmg_value_new - a value of one's own; @data NULL: zeros */
struct dmg_value dmg_value_new(const void *data, size_t len);

static inline void dmg_value_done(struct dmg_value *v)
{
	free(v->data);
}

/** dmg_handle_same - do two handles name the same inode? */
bool dmg_handle_same(const struct dmg_value *a, const struct dmg_value *b);

/** dmg_handle_name - the name of an index entry for this handle; the caller frees it */
char *dmg_handle_name(const struct dmg_value *v);

/** dmg_by_handle - a lower object with this handle, or NULL */
struct dmg_obj *dmg_by_handle(const struct dmg *d, const struct dmg_value *v);

/* damage-view.c */

/** dmg_view - look up every name of the overlay */
void dmg_view(struct dmg *d);

/** dmg_beneath - what the overlay would show at the name of an upper object without it; NULL: none */
struct dmg_node *dmg_beneath(struct dmg *d, const struct dmg_obj *o);

/** dmg_lookup_lower - what the lower layers alone show at an absolute path; NULL: nothing */
struct dmg_node *dmg_lookup_lower(struct dmg *d, const char *path);

void dmg_node_free(struct dmg_node *node);

/* damage-object.c: what is known of an object */

static inline bool dmg_is_dir(const struct dmg_obj *o)
{
	return S_ISDIR(o->st.st_mode);
}

static inline bool dmg_is_reg(const struct dmg_obj *o)
{
	return S_ISREG(o->st.st_mode);
}

static inline bool dmg_is_upper(const struct dmg_obj *o)
{
	return o->layer->role == DMG_IN_UPPER;
}

static inline bool dmg_has(const struct dmg_obj *o, enum dmg_xattr x)
{
	return o->x[x].there;
}

bool dmg_is_whiteout(const struct dmg_obj *o);
bool dmg_is_metacopy(const struct dmg_obj *o);
bool dmg_is_opaque(const struct dmg_obj *o);

/** dmg_in_opaque - is a directory, or one above it in its layer, opaque? */
bool dmg_in_opaque(const struct dmg_obj *dir);

/** dmg_is_last - is there no layer below that of the object, data-only ones included? */
bool dmg_is_last(const struct dmg *d, const struct dmg_obj *o);

/** dmg_is_heeded - does the kernel read a redirect of the object? (if it had one) */
bool dmg_is_heeded(const struct dmg *d, const struct dmg_obj *o);

/** dmg_is_indexed - is it an upper file with an entry in the index? */
bool dmg_is_indexed(const struct dmg *d, const struct dmg_obj *o);

/** dmg_is_below - is the object somewhere in this directory? */
bool dmg_is_below(const struct dmg_obj *o, const struct dmg_obj *dir);

/** dmg_is_merged - an upper directory with lower ones below it? */
bool dmg_is_merged(const struct dmg_obj *o);

/** dmg_is_listed_merged - are whiteouts in this directory, which is shown, kept out of listings? */
bool dmg_is_listed_merged(const struct dmg_obj *dir);

/** dmg_is_at_home - was this upper file copied up from the lower file that it covers? */
bool dmg_is_at_home(struct dmg *d, const struct dmg_obj *o);

/** dmg_is_single - has the inode no other name, nor an entry in the index? */
bool dmg_is_single(const struct dmg *d, const struct dmg_obj *o);

/** dmg_is_plain_handle - a value that is a handle in the form that this kernel writes? */
bool dmg_is_plain_handle(const struct dmg_value *v);

/** dmg_lower_nlink - st_nlink of the lower inode that an origin leads to; 0: it leads nowhere */
nlink_t dmg_lower_nlink(const struct dmg *d, const struct dmg_value *origin);

/* damage-pick.c */

typedef bool dmg_fits(struct dmg *d, const struct dmg_obj *o);

/** dmg_pick - some object that fits, or NULL; @roles: a mask of enum dmg_role */
struct dmg_obj *dmg_pick(struct dmg *d, unsigned roles, dmg_fits *fits);

/** dmg_some - one of several words */
const char *dmg_some(struct dmg *d, const char *const *words, size_t count);
#define DMG_SOME(d, ...)                                    \
	dmg_some((d), (const char *const[]){ __VA_ARGS__ }, \
		 sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/** dmg_new_name - a name that stands nowhere in the overlay; borrowed */
const char *dmg_new_name(struct dmg *d);

/** dmg_expect - say what must be found: a warning or an error */
void dmg_expect(const char *slug, const struct dmg_obj *o);

/** dmg_expect_info - the same, information only */
void dmg_expect_info(const char *slug, const struct dmg_obj *o);

/** dmg_expect_at - the same for a name in a directory; @info: information only */
void dmg_expect_at(const char *slug, const struct dmg_obj *dir, const char *name, bool info);

/** dmg_expect_place - the same for a path in any layer, "work:" say, or "overlay" and NULL */
void dmg_expect_place(const char *slug, const char *label, const char *path, bool info);

/** dmg_expect_names - the same for all names that the inode has in its layer */
void dmg_expect_names(struct dmg *d, const char *slug, const struct dmg_obj *o, bool info);

/** dmg_expect_less - say that information about other objects may go: they are hidden now */
void dmg_expect_less(void);

/** dmg_expect_more - say that information about other objects may come */
void dmg_expect_more(void);

/* damage-do.c: changes; each is noted first, so that dmg_undo() can take it back */

void dmg_undo_open(struct dmg *d, const char *dir);
void dmg_undo_close(struct dmg *d);

/** dmg_undo - take back all that was noted in @dir, the last change first */
void dmg_undo(const char *dir);

void dmg_do_set(struct dmg *d, const char *path, enum dmg_xattr x, const void *data, size_t len);
void dmg_do_set_named(struct dmg *d, const char *path, const char *name, const void *data,
		      size_t len);
void dmg_do_remove(struct dmg *d, const char *path, enum dmg_xattr x);
void dmg_do_mknod(struct dmg *d, const char *path, mode_t mode, dev_t dev);
void dmg_do_mkdir(struct dmg *d, const char *path, mode_t mode);
void dmg_do_symlink(struct dmg *d, const char *target, const char *path);

/** dmg_do_file - a new file with a handful of bytes, or with none */
void dmg_do_file(struct dmg *d, const char *path, size_t len);

void dmg_do_link(struct dmg *d, const char *from, const char *to);
void dmg_do_rename(struct dmg *d, const char *from, const char *to);

/** dmg_do_unlink - @other is another name of the same inode */
void dmg_do_unlink(struct dmg *d, const char *path, const char *other);

/** dmg_do_size - change the size; @st: what it was, times included, which stay */
void dmg_do_size(struct dmg *d, const char *path, const struct stat *st, off_t size);

/** dmg_do_write - write a byte into a file that is one hole; size and times stay */
void dmg_do_write(struct dmg *d, const char *path, const struct stat *st, off_t at);

/* What can be planted, a family each; false: nothing here is suitable, and nothing was changed. */

typedef bool dmg_plant(struct dmg *d);

struct dmg_slug {
	const char *slug;
	dmg_plant *plant;
};

extern const struct dmg_slug dmg_handle_slugs[];
extern const struct dmg_slug dmg_origin_slugs[];
extern const struct dmg_slug dmg_whiteout_slugs[];
extern const struct dmg_slug dmg_redirect_slugs[];
extern const struct dmg_slug dmg_metacopy_slugs[];
extern const struct dmg_slug dmg_index_slugs[];
extern const struct dmg_slug dmg_nlink_slugs[];
extern const struct dmg_slug dmg_work_slugs[];
extern const struct dmg_slug dmg_other_slugs[];

#endif
