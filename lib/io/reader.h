/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seam between the checks and the world: everything that may be asked of a layer.
 *
 * There is no function here that writes. Who holds a reader cannot change a layer, not even an
 * access time. Directories are file descriptors; an object is a directory and one name in it
 * ("" stands for the directory itself). Names never contain a slash and are never "." or "..",
 * symlinks are never followed, mounts are never crossed.
 *
 * The Linux reader (reader_linux.c) talks to the kernel; tests wrap it to make any call fail.
 */
#ifndef OVL_IO_READER_H
#define OVL_IO_READER_H

#include "base/buf.h"
#include "overlayfs/observe.h"
#include "overlayfs/types.h"

struct ovl_reader;

enum ovl_dtype {
	OVL_DT_UNKNOWN, /* the file system does not tell: stat it */
	OVL_DT_DIR,
	OVL_DT_REG,
	OVL_DT_LNK,
	OVL_DT_CHR,
	OVL_DT_OTHER, /* block device, fifo, socket */
};

/** One entry of a directory. @name is valid until the next call on the same stream. */
struct ovl_dirent {
	const char *name;
	size_t len;
	uint64_t ino; /* as the directory tells it: the same as st_ino on the file systems we know,
		       * except at the root of a btrfs subvolume and on overlayfs */
	enum ovl_dtype type;
};

/** A stream over the entries of one directory; zeroed before the first call, "." and ".." left out. */
struct ovl_dirstream {
	unsigned char *buf; /* 256 KiB, borrowed from the thread that walks; see ovl_dirbuf_size */
	size_t room;
	size_t pos, end;
};

/** A handle of a real file system (struct file_handle without its header). */
struct ovl_fid {
	int type; /* handle_type; only its low 8 bits ever reach an overlay blob */
	unsigned len;
	unsigned char data[128];
};

/** Whether a regular file has data extents, i.e. is not one hole. */
enum ovl_extents { OVL_EXTENTS_NONE, OVL_EXTENTS_SOME, OVL_EXTENTS_UNKNOWN };

struct ovl_reader_ops {
	/*
	 * open_dir - open a directory below @dir for reading
	 * @path: one or more names joined by slashes, relative, resolved beneath @dir without
	 *        symlinks and without crossing mounts; "" reopens @dir
	 * Returns 0 and @ret_dir, or -ENOENT, -ENOTDIR, -ELOOP for a symlink, -EXDEV, -EACCES ...
	 */
	int (*open_dir)(struct ovl_reader *r, int dir, const char *path, int *ret_dir);
	void (*close)(struct ovl_reader *r, int fd);

	/*
	 * enter - from now on this thread asks about the entries of @dir
	 * Makes the calls below cheaper while @dir stays the one that is asked about (the Linux
	 * reader does fchdir() in a thread that has its own file system context). Purely an
	 * optimisation: it may do nothing. leave() ends it and must come before @dir is closed.
	 */
	void (*enter)(struct ovl_reader *r, int dir);
	void (*leave)(struct ovl_reader *r, int dir);

	/* next entry: 1 and @ret, 0 at the end, or an error; @s zeroed first but for buf and room */
	int (*read_dir)(struct ovl_reader *r, int dir, struct ovl_dirstream *s,
			struct ovl_dirent *ret);
	/* stat, never following, no automount. -ENOENT if it is not there. */
	int (*stat)(struct ovl_reader *r, int dir, const char *name, struct ovl_stat *ret);
	/* The NUL-separated list of names into @buf (cleared first). Handles ERANGE races. */
	int (*list_xattrs)(struct ovl_reader *r, int dir, const char *name, struct ovl_buf *buf);
	/* One value into @buf (cleared first), up to 64 KiB. -ENODATA if it is not there. */
	int (*get_xattr)(struct ovl_reader *r, int dir, const char *name, const char *xattr,
			 struct ovl_buf *buf);
	/* The target of a symlink into @buf (cleared first). -EINVAL if it is none. */
	int (*read_link)(struct ovl_reader *r, int dir, const char *name, struct ovl_buf *buf);
	/*
	 * Opens a regular file for reading, without changing its access time and without ever
	 * blocking or opening anything else: -ESTALE if the object is not the regular file @dev:@ino.
	 */
	int (*open_file)(struct ovl_reader *r, int dir, const char *name, uint64_t dev,
			 uint64_t ino, int *ret_fd);
	/* Up to @len bytes at @offset; 0 at the end of the file. */
	int64_t (*pread)(struct ovl_reader *r, int fd, void *buf, size_t len, uint64_t offset);
	/* lseek SEEK_DATA: 0 and @ret, -ENXIO if there is only a hole behind @offset */
	int (*seek_data)(struct ovl_reader *r, int fd, uint64_t offset, uint64_t *ret);

	/* The handle of an object, non-connectable. -EOPNOTSUPP if the file system has none. */
	int (*encode)(struct ovl_reader *r, int dir, const char *name, struct ovl_fid *ret);
	/*
	 * decode - what a handle names, on the file system of @dir
	 * @ret_stat: written on success
	 * @ret_fd: if not NULL, an O_PATH fd of the object, for the caller to close()
	 * -ESTALE if it names nothing there (or another file system), -EOPNOTSUPP, -EPERM.
	 */
	int (*decode)(struct ovl_reader *r, int dir, const struct ovl_fid *fid,
		      struct ovl_stat *ret_stat, int *ret_fd);
	/* The fs-verity digest as the kernel measured it; -ENODATA if the file has none,
	 * -EOPNOTSUPP, -ENOTTY if the file system does not know it. */
	int (*measure_verity)(struct ovl_reader *r, int fd, uint8_t *ret_algo,
			      unsigned char ret_digest[64], unsigned *ret_len);

	/* Called in each thread that will use the reader, before and after. May be NULL. */
	int (*thread_start)(struct ovl_reader *r);
	void (*thread_stop)(struct ovl_reader *r);
};

struct ovl_reader {
	const struct ovl_reader_ops *ops;
};

/** The size of buffer that a directory stream wants. */
enum { OVL_DIRBUF_SIZE = 256 * 1024 };

/**
 * ovl_reader_linux - the reader of the real world
 *
 * Static storage; holds no state but what the kernel can do (found out once).
 */
struct ovl_reader *ovl_reader_linux(void);

/**
 * ovl_reader_observe - stat an object and read its overlay xattrs
 * @userxattr: which prefix is active
 * @scratch: memory that @ret points into; reused by the next call with the same scratch
 *
 * Stats, lists the xattrs once, and reads only what is there. Returns 0, -ENOENT, or the errno
 * that hid the object; an xattr value that cannot be read is no failure but a bit in @xbad.
 */
struct ovl_obs_scratch {
	struct ovl_buf names;
	struct ovl_buf value[OVL_X__MAX];
};
int ovl_reader_observe(struct ovl_reader *r, int dir, const char *name, bool userxattr,
		       struct ovl_obs_scratch *scratch, struct ovl_obs *ret);

/**
 * ovl_reader_observe_rest - the same, for who has stat'ed the object and cares for some xattrs only
 * @wanted: their bits (OVL_XBIT()); all others are taken for absent
 */
int ovl_reader_observe_rest(struct ovl_reader *r, int dir, const char *name,
			    const struct ovl_stat *st, uint32_t wanted, bool userxattr,
			    struct ovl_obs_scratch *scratch, struct ovl_obs *ret);
void ovl_obs_scratch_done(struct ovl_obs_scratch *scratch);

/**
 * ovl_reader_is_whiteout - is an entry of a listing a whiteout? Other character devices are files.
 * What cannot be looked at is none.
 */
bool ovl_reader_is_whiteout(struct ovl_reader *r, int dir, const struct ovl_dirent *d);

/**
 * ovl_reader_glance - the hot path of a walk: is an entry of any interest?
 * @names: receives the xattr list
 *
 * One list_xattrs. Returns 1 if the list holds any name under "trusted.overlay." or
 * "user.overlay." (or a mark of another union format), 0 if not, negative errno.
 */
int ovl_reader_glance(struct ovl_reader *r, int dir, const char *name, struct ovl_buf *names);

/**
 * ovl_reader_extents - has a regular file any data extent?
 * -> OVL_EXTENTS_UNKNOWN where the file system answers SEEK_DATA without knowing holes is not
 * possible to tell apart, so a file system that reports no hole at all counts as SOME.
 */
int ovl_reader_extents(struct ovl_reader *r, int fd, enum ovl_extents *ret);

#endif
