/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The root of a layer. See root.h.
 */
#include "io/root.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "io/mountid.h"
#include "io/reader.h"
#include "io/shown.h"

#include "base/banned.h"

/*
 * The same what overlayfs makes of a layer at mount: a copy of the mount alone, without the mounts
 * on it, that no path leads to. It goes away with the last descriptor that was opened through it.
 * Kernel: fs/namespace.c, clone_private_mount().
 *
 * Returns an O_PATH descriptor of the directory in it, or negative errno.
 */
static int clone_mount(int plain)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			    MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME,
		.attr_clr = MOUNT_ATTR__ATIME,
	};
	int fd;

	fd = open_tree(plain, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (fd < 0)
		return -errno;
	/*
	 * A second fence: even a call that we did not mean to make cannot write. Linux 5.12; without
	 * it, and where the atime flags are locked by another user namespace, we must rely on never
	 * making one, and on O_NOATIME.
	 */
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0) {
		attr.attr_set &= ~(uint64_t)MOUNT_ATTR_NOATIME;
		attr.attr_clr = 0;
		(void)!mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr));
	}
	return fd;
}

/* O_NOATIME is for the owner and for CAP_FOWNER. */
static int open_for_reading(int at)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int fd;

	fd = openat(at, ".", flags | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = openat(at, ".", flags);
	return fd < 0 ? -errno : fd;
}

static int open_view(int plain, bool *ret_clone)
{
	_cleanup_close_ int tree = clone_mount(plain);
	int fd;

	fd = open_for_reading(tree >= 0 ? tree : plain);
	if (fd >= 0)
		*ret_clone = tree >= 0;
	return fd;
}

/* As overlayfs asks: can the file system decode handles? Kernel: util.c, ovl_can_decode_fh(). */
static bool has_handles(int fd)
{
	struct ovl_reader *r = ovl_reader_linux();
	struct ovl_fid fid;

	/* Without AT_HANDLE_FID the kernel refuses where it could not decode. */
	return r->ops->encode(r, fd, "", &fid) == 0;
}

/* Fills in all but the descriptors. */
static int learn(struct ovl_root *root)
{
	struct ovl_reader *r = ovl_reader_linux();
	struct statfs fs;
	struct statvfs vfs;
	int err;

	err = r->ops->stat(r, root->fd, "", &root->stat);
	if (err < 0)
		return err;
	if (fstatfs(root->fd, &fs) < 0 || fstatvfs(root->plain, &vfs) < 0)
		return -errno;
	root->fs_type = (uint64_t)(unsigned long)fs.f_type;
	root->mount_read_only = (vfs.f_flag & ST_RDONLY) != 0;
	root->has_uuid = ovl_root_uuid(root->fd, root->uuid) == 0;
	root->has_handles = has_handles(root->fd);
	root->folds_case = ovl_root_folds_case(root->fd);
	if (ovl_mountid_get(root->plain, &root->mnt_id) < 0)
		root->mnt_id = 0;
	return 0;
}

static int fail(struct ovl_error *e, int code, const char *verb, const char *what, const char *path)
{
	_cleanup_free_ char *shown = ovl_shown_path(path);

	return ovl_fail(e, code, "cannot %s %s '%s'", verb, what, ovl_shown_or(shown));
}

int ovl_root_open(const char *path, const char *what, struct ovl_root *ret, struct ovl_error *e)
{
	_cleanup_(ovl_root_done) struct ovl_root root = OVL_ROOT_INIT;
	int r;

	/* O_PATH opens nothing: with O_DIRECTORY a FIFO or a device is refused for what it is. */
	root.plain = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root.plain < 0)
		return fail(e, -errno, "open", what, path);
	r = open_view(root.plain, &root.clone);
	if (r < 0)
		return fail(e, r, "read", what, path);
	root.fd = r;
	r = learn(&root);
	if (r < 0)
		return fail(e, r, "examine", what, path);

	*ret = root;
	root = (struct ovl_root)OVL_ROOT_INIT;
	return 0;
}

void ovl_root_done(struct ovl_root *root)
{
	if (!root)
		return;
	/* A zeroed root never owned descriptor 0: the program keeps 0 to 2 for itself. */
	if (root->fd > 0)
		close(root->fd);
	if (root->plain > 0)
		close(root->plain);
	*root = (struct ovl_root)OVL_ROOT_INIT;
}

int ovl_root_handles_refused(int fd)
{
	/* Of a type that no file system has: who may ask is told that, or that handles are not known. */
	union {
		struct file_handle h;
		unsigned char room[sizeof(struct file_handle) + 8];
	} none = { .h = { .handle_bytes = 8, .handle_type = 0xfe } };
	_cleanup_close_ int opened = open_by_handle_at(fd, &none.h, O_PATH | O_CLOEXEC);

	return opened < 0 && errno == EPERM;
}

int ovl_root_trusted_visible(void)
{
	_cleanup_close_ int fd = -EBADF;

	/*
	 * Reading tells nothing: without the right, trusted.* xattrs are just not there. So ask to
	 * remove one that is not there either, from a file that only this function knows: the
	 * kernel's answer is EPERM or not, by the check that hides them (fs/xattr.c,
	 * xattr_permission()).
	 */
	fd = memfd_create("overlay-check", MFD_CLOEXEC);
	if (fd < 0)
		return 0;
	return fremovexattr(fd, "trusted.overlay.probe") < 0 && errno != EPERM;
}
