/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every system call that changes a layer, the journal or the marker. Nothing else in the project
 * writes; lib/repair is the only room that may include this file.
 *
 * A directory is a descriptor and an object is one name in it, as for the reader: names have no slash
 * and are never "." or "..", no symlink is followed, no mount is crossed. What acts on an existing
 * object takes a descriptor made by ovl_write_hold(), so that it cannot be exchanged between the look
 * and the change. All functions return 0 or a negative errno and repeat what a signal interrupted.
 */
#ifndef OVL_IO_WRITE_H
#define OVL_IO_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "overlayfs/observe.h"
#include "overlayfs/types.h"

/** Access and modification time, as utimensat() takes them. */
struct ovl_times {
	struct timespec access, modify;
};

/**
 * ovl_write_hold - an O_PATH descriptor of an object, whatever its type
 * @name: "" holds the directory itself
 * @ret_stat: may be NULL
 * -ENOENT if it is not there, -EXDEV if it is a mount point.
 */
int ovl_write_hold(int dir, const char *name, int *ret_object, struct ovl_stat *ret_stat);

/** ovl_write_times - the times of an object that is held */
int ovl_write_times(int object, struct ovl_times *ret);

/**
 * ovl_write_get_xattr - one value of an object that is held, into @ret (cleared first)
 * What is going to be changed is compared on the same descriptor. -ENODATA if it is not there.
 */
int ovl_write_get_xattr(int object, const char *xattr, struct ovl_buf *ret);

/** Flags that somebody gave an object to keep everybody from changing it: chattr +i and +a. */
enum ovl_frozen { OVL_FROZEN_NOT, OVL_FROZEN_IMMUTABLE, OVL_FROZEN_APPEND };

/** ovl_write_frozen - which of them has an object that is held? Where nobody can tell: OVL_FROZEN_NOT */
enum ovl_frozen ovl_write_frozen(int object);

/** ovl_write_read_link - the target of a symlink that is held; free() it */
int ovl_write_read_link(int object, char **ret);

/* On an object that is held. Xattrs without /proc: directories only, else -EOPNOTSUPP. */
int ovl_write_set_xattr(int object, const char *xattr, struct ovl_bytes value);
int ovl_write_remove_xattr(int object, const char *xattr); /* -ENODATA if it has none */
int ovl_write_set_times(int object, const struct ovl_times *times);
int ovl_write_set_owner(int object, uint32_t uid, uint32_t gid);
int ovl_write_set_mode(int object, uint32_t mode); /* not for symlinks: -EOPNOTSUPP */
/** ovl_write_open - open a regular file that is held, for reading and writing
 * -ESTALE if it is none; -EOPNOTSUPP without /proc; -EPERM if it is immutable or has fs-verity. */
int ovl_write_open(int object, int *ret_fd);

/** ovl_write_link - give an object that is held one more name; -EEXIST */
int ovl_write_link(int object, int dir, const char *name);

/** ovl_write_rename - rename, and never replace anything: -EEXIST */
int ovl_write_rename(int from_dir, const char *from, int to_dir, const char *to);

/* New objects; -EEXIST if the name is taken. */
int ovl_write_make_node(int dir, const char *name, uint32_t mode, uint64_t rdev);
int ovl_write_make_dir(int dir, const char *name, uint32_t mode);
int ovl_write_make_symlink(int dir, const char *name, const char *target);
/** ovl_write_make_file - an empty file of mode 0600, open for reading and writing */
int ovl_write_make_file(int dir, const char *name, int *ret_fd);

/* In our own folders only: nothing of a user is ever removed or replaced. */
/** ovl_write_replace - rename over whatever file has the other name in the same folder */
int ovl_write_replace(int dir, const char *from, const char *to);
int ovl_write_remove(int dir, const char *name);     /* a file or a node */
int ovl_write_remove_dir(int dir, const char *name); /* an empty directory */

/* On a file that is open: */
/** ovl_write_append - write behind its end, wherever the descriptor stands */
int ovl_write_append(int fd, const void *data, size_t len);
int ovl_write_truncate(int fd, uint64_t size);
/** ovl_write_punch - make the whole file one hole, its size unchanged; by truncating where needed */
int ovl_write_punch(int fd);
int ovl_write_hole(int fd, uint64_t size); /* the same, of another size */
/** ovl_write_has_data - has it data extents? 1 (also where nobody can tell), 0 or negative errno */
int ovl_write_has_data(int fd);
/** ovl_write_same - do two files have the same content? 1, 0 or negative errno */
int ovl_write_same(int a, int b);
/**
 * ovl_write_copy_flags - project, and the flags that copy-up copies, of a file or directory
 * What is made where a directory hands its project down keeps that one, as a copy by the kernel does.
 * Both open, not held. Not every file system can: -EOPNOTSUPP, -ENOTTY and others are to be expected.
 */
int ovl_write_copy_flags(int from, int to);
/**
 * ovl_write_copy - the content of a file into another one, which is empty or one hole
 * @size: of the source; the target gets it
 * @cancelled: asked now and then; NULL: never
 * As a reflink where possible, else without the holes, and compared with the source then.
 * -ECANCELED; -EIO if the source is shorter, or what was read back is something else.
 */
int ovl_write_copy(int from, int to, uint64_t size, bool (*cancelled)(void *ctx), void *ctx);

/** ovl_write_copy_new - the same into a file that was just made and is empty: fast, also for many small ones */
int ovl_write_copy_new(int from, int to, uint64_t size);

int ovl_write_sync(int fd);    /* one file or directory */
int ovl_write_sync_fs(int fd); /* the file system that it is on */

/** ovl_write_lock - an exclusive lock until the descriptor is closed; -EWOULDBLOCK if others have it */
int ovl_write_lock(int fd);

#endif
