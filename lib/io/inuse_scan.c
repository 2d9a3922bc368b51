/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which overlay mounts use a directory? See inuse.h.
 *
 * The mount table of each mount namespace is read once, by way of one of its processes; the paths
 * of the layers are followed from that process' root and compared by device and inode, which are
 * the same in all namespaces. Relative paths cannot be followed; what is missed so is what
 * ovl_inuse_probe() finds.
 */
#include "io/inuse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/vec.h"
#include "io/mountinfo.h"
#include "io/root.h"

#include "base/banned.h"

struct scan {
	struct ovl_map roots; /* (device, inode) -> index */
	struct ovl_map seen;  /* what was dealt with: namespaces, and users of an overlay */
	OVL_VEC(struct ovl_mount_user) users;
	int pid;  /* whose mounts are being read */
	int root; /* its root directory */
};

static void scan_done(struct scan *s)
{
	ovl_map_done(&s->roots);
	ovl_map_done(&s->seen);
	ovl_inuse_users_free(s->users.data, s->users.len);
}

/* 1 the first time that these bytes are given, then 0; -ENOMEM. */
static int is_new(struct scan *s, const void *data, size_t len)
{
	uint64_t *value;

	return ovl_map_put(&s->seen, ovl_map_hash(data, len), 1, &value);
}

static int fill_roots(struct scan *s, const struct ovl_root *const *roots, size_t n)
{
	uint64_t *value;
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		r = ovl_map_put(&s->roots,
				(struct ovl_key){ roots[i]->stat.dev, roots[i]->stat.ino }, i,
				&value);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Follows an absolute path from the root of the other process. Links that /proc makes up, as in
 * /proc/self/fd/3, would lead us to something of our own.
 */
static int stat_in_root(int root, const char *path, struct stat *ret)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_close_ int fd = -EBADF;

	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	if (fd >= 0)
		return fstat(fd, ret) < 0 ? -errno : 0;
	if (errno != ENOSYS || strncmp(path, "/proc/", strlen("/proc/")) == 0)
		return -errno;
	/* before Linux 5.6: right unless an absolute symlink is on the way */
	path += strspn(path, "/");
	return fstatat(root, *path ? path : ".", ret, AT_NO_AUTOMOUNT) < 0 ? -errno : 0;
}

static int add_user(struct scan *s, const char *target, size_t which, int as)
{
	struct ovl_mount_user user = { .pid = s->pid, .which = (int)which };
	int r;

	user.as = (__typeof__(user.as))as;
	user.mountpoint = strdup(target);
	if (!user.mountpoint)
		return -ENOMEM;
	r = ovl_vec_push(&s->users, user);
	if (r < 0)
		free(user.mountpoint);
	return r;
}

/* An overlay is told once, however many namespaces have a mount of it. */
static int check_layer(struct scan *s, const struct ovl_mountinfo_row *row, const char *path,
		       int as)
{
	char key[64];
	const uint64_t *which;
	struct stat st;
	int len, r;

	if (!path || *path != '/' || stat_in_root(s->root, path, &st) < 0)
		return 0;
	which = ovl_map_get(&s->roots, (struct ovl_key){ st.st_dev, st.st_ino });
	if (!which)
		return 0;
	len = snprintf(key, sizeof(key), "user %.20s %zu %d", row->dev, (size_t)*which, as);
	r = is_new(s, key, (size_t)len);
	return r > 0 ? add_user(s, row->target, *which, as) : r;
}

static int check_layers(struct scan *s, const struct ovl_mountinfo_row *row,
			const struct ovl_config *c)
{
	size_t i;
	int r;

	r = check_layer(s, row, c->upper, OVL_USED_AS_UPPER);
	if (r == 0)
		r = check_layer(s, row, c->work, OVL_USED_AS_WORK);
	for (i = 0; r == 0 && i < c->n_lower; i++)
		r = check_layer(s, row, c->lower[i], OVL_USED_AS_LOWER);
	for (i = 0; r == 0 && i < c->n_data; i++)
		r = check_layer(s, row, c->data[i], OVL_USED_AS_LOWER);
	return r;
}

static int scan_row(struct ovl_mountinfo_row *row, void *ctx)
{
	_cleanup_(ovl_config_done) struct ovl_config config = { 0 };
	struct scan *s = ctx;
	int r;

	if (strcmp(row->fs_type, "overlay") != 0)
		return 0;
	ovl_mountinfo_unescape(row->target);
	r = ovl_mountinfo_config(row, true, &config, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	return check_layers(s, row, &config);
}

/* 1 if this is the first process seen in its mount namespace with its root, 0 if not. */
static int is_new_view(struct scan *s, const char *proc)
{
	_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 };
	struct stat ns, root;
	uint64_t key[4];

	if (ovl_buf_addf(&path, "%s/ns/mnt", proc) < 0)
		return -ENOMEM;
	if (stat(path.data, &ns) < 0)
		return 0;
	ovl_buf_clear(&path);
	if (ovl_buf_addf(&path, "%s/root", proc) < 0)
		return -ENOMEM;
	if (stat(path.data, &root) < 0)
		return 0;
	key[0] = ns.st_dev;
	key[1] = ns.st_ino;
	key[2] = root.st_dev;
	key[3] = root.st_ino;
	return is_new(s, key, sizeof(key));
}

/* A process may be gone, or none of our business: what cannot be read is passed over. */
static int scan_process(struct scan *s, const char *proc, int pid)
{
	_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 };
	_cleanup_close_ int root = -EBADF;
	int r;

	r = is_new_view(s, proc);
	if (r <= 0)
		return r;
	if (ovl_buf_addf(&path, "%s/root", proc) < 0)
		return -ENOMEM;
	root = open(path.data, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return 0;
	ovl_buf_clear(&path);
	if (ovl_buf_addf(&path, "%s/mountinfo", proc) < 0)
		return -ENOMEM;
	s->pid = pid;
	s->root = root;
	r = ovl_mountinfo_read(path.data, scan_row, s);
	return r == -ENOMEM ? r : 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int scan_processes(struct scan *s)
{
	_cleanup_(close_dir) DIR *dir = NULL;
	char proc[sizeof("/proc/") + 20];
	struct dirent *d;
	char *end;
	long pid;
	int r;

	dir = opendir("/proc");
	if (!dir)
		return -errno;
	for (;;) {
		errno = 0;
		d = readdir(dir);
		if (!d)
			return -errno;
		pid = strtol(d->d_name, &end, 10);
		if (pid <= 0 || *end != '\0')
			continue;
		snprintf(proc, sizeof(proc), "/proc/%ld", pid);
		r = scan_process(s, proc, (int)pid);
		if (r < 0)
			return r;
	}
}

int ovl_inuse_scan(const struct ovl_root *const *roots, size_t n, struct ovl_mount_user **ret,
		   size_t *ret_n)
{
	_cleanup_(scan_done) struct scan s = { 0 };
	int r;

	r = fill_roots(&s, roots, n);
	if (r < 0)
		return r;
	/* Our own namespace first, so that what is in several of them is told as we see it. */
	r = scan_process(&s, "/proc/self", 0);
	if (r == 0)
		r = scan_processes(&s);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s.users.data);
	*ret_n = s.users.len;
	s.users.len = 0;
	return 0;
}

void ovl_inuse_users_free(struct ovl_mount_user *users, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(users[i].mountpoint);
	free(users);
}
