/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking the kernel whether a directory is in use by a live overlay. See inuse.h.
 *
 * Overlayfs marks the inodes of its upper and work base for as long as it is mounted. A new
 * overlay with index=on that finds the mark on one of its layers, or on a directory above it,
 * refuses with EBUSY (fs/overlayfs/super.c, ovl_check_layer() and ovl_report_in_use()). So we make
 * such an overlay, with the directory as lower layer, which is never written to, and a fresh tmpfs
 * for the rest. Only its superblock is made: there is no mount, and it is gone when the
 * descriptors are closed.
 *
 * Where index=on was not kept, as on file systems without file handles, the mark would only be
 * warned about. Whether it was kept is told by the work base: the directory "index" is made after
 * all layers were looked at, and only then (ovl_get_indexdir()).
 */
#include "io/inuse.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#include "base/banned.h"

static int set(int context, const char *key, const char *value)
{
	return fsconfig(context, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

/* By way of /proc: a path that needs no escapes and is never too long for fsconfig(). */
static int set_dir(int context, const char *key, int fd, const char *below)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d%s", fd, below);
	return set(context, key, path);
}

/* A detached tmpfs with the directories "u" and "w". */
static int make_scratch(int *ret_fd)
{
	const unsigned attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	_cleanup_close_ int context = -EBADF, fd = -EBADF;

	context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (context < 0)
		return -errno;
	if (set(context, "size", "1M") < 0 || set(context, "mode", "0700") < 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(context, FSMOUNT_CLOEXEC, attr);
	if (fd < 0)
		return -errno;
	if (mkdirat(fd, "u", 0700) < 0 || mkdirat(fd, "w", 0700) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int make_overlay(int dir, int scratch)
{
	_cleanup_close_ int context = -EBADF;
	int r;

	context = fsopen("overlay", FSOPEN_CLOEXEC);
	if (context < 0)
		return -errno;
	if ((r = set_dir(context, "lowerdir", dir, "")) < 0 ||
	    (r = set_dir(context, "upperdir", scratch, "/u")) < 0 ||
	    (r = set_dir(context, "workdir", scratch, "/w")) < 0 ||
	    (r = set(context, "redirect_dir", "nofollow")) < 0 ||
	    (r = set(context, "index", "on")) < 0)
		return r;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	/* Closing the context undoes it all; what was written to the scratch remains to be seen. */
	return 0;
}

static bool is_index_kept(int scratch)
{
	struct stat st;

	return fstatat(scratch, "w/index", &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * @attach: -1, or the directory to hide behind the scratch. Returns enum ovl_inuse, or -EINVAL if
 * overlayfs would not have the scratch (or the directory) as a layer.
 */
static int probe(int dir, int attach)
{
	_cleanup_close_ int scratch = -EBADF;
	int r;

	r = make_scratch(&scratch);
	if (r < 0)
		return OVL_INUSE_UNKNOWN;
	if (attach >= 0 && move_mount(scratch, "", attach, "",
				      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return OVL_INUSE_UNKNOWN;
	r = make_overlay(dir, scratch);
	if (r == -EBUSY)
		return OVL_INUSE_YES;
	if (r == -EINVAL)
		return r;
	return r == 0 && is_index_kept(scratch) ? OVL_INUSE_NO : OVL_INUSE_UNKNOWN;
}

static int open_dir(const char *dir)
{
	return open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

struct private_probe {
	const char *dir;
	enum ovl_inuse answer;
};

/*
 * From Linux 5.14 to 6.14 the layers of an overlay must be on mounts that a namespace has. So a
 * thread goes into a namespace of its own, where it mounts the scratch over the very directory
 * that is asked about: there is sure to be one, and a descriptor still leads to what is below. The
 * namespace, and all that is mounted in it, goes away with the thread, however it ends.
 */
static void *run_private_probe(void *arg)
{
	_cleanup_close_ int fd = -EBADF;
	struct private_probe *p = arg;
	int r;

	if (unshare(CLONE_NEWNS) < 0)
		return NULL;
	/* What we mount here must not turn up in the namespace that this one was copied from. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return NULL;
	fd = open_dir(p->dir);
	if (fd < 0)
		return NULL;
	r = probe(fd, fd);
	if (r >= 0)
		p->answer = (enum ovl_inuse)r;
	return NULL;
}

static enum ovl_inuse probe_privately(const char *dir)
{
	struct private_probe p = { .dir = dir, .answer = OVL_INUSE_UNKNOWN };
	sigset_t all, old;
	pthread_t thread;
	int r;

	/* Signals are for the threads that the program knows of. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&thread, NULL, run_private_probe, &p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		return OVL_INUSE_UNKNOWN;
	pthread_join(thread, NULL);
	return p.answer;
}

enum ovl_inuse ovl_inuse_probe(const char *dir)
{
	_cleanup_close_ int fd = -EBADF;
	int r;

	fd = open_dir(dir);
	if (fd < 0)
		return OVL_INUSE_UNKNOWN;
	r = probe(fd, -1);
	return r == -EINVAL ? probe_privately(dir) : (enum ovl_inuse)r;
}
