/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File handles as overlayfs stores them, from the kernel's own encoder.
 */
#include "damage.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifndef FS_IOC_GETFSUUID /* Linux 6.9 */
struct fsuuid2 {
	uint8_t len;
	uint8_t uuid[16];
};
#define FS_IOC_GETFSUUID _IOR(0x15, 0, struct fsuuid2)
#endif

enum {
	AT_MAGIC = 1,
	AT_LEN = 2,
	AT_FLAGS = 3,
	AT_TYPE = 4,
	AT_UUID = 5,
	AT_FID = 21,
	FID_MAX = 128
};

struct dmg_value dmg_value_new(const void *data, size_t len)
{
	struct dmg_value v = { .there = true,
			       .data = ovl_tool_realloc(NULL, len + 1, 1),
			       .len = len };

	if (data)
		memcpy(v.data, data, len);
	else
		memset(v.data, 0, len);
	v.data[len] = '\0';
	return v;
}

static void read_uuid(const char *dir, unsigned char *uuid)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC);
	struct btrfs_ioctl_fs_info_args btrfs = { 0 };
	struct fsuuid2 generic = { 0 };

	if (fd < 0)
		ovl_tool_die("%s", dir);
	if (!ioctl(fd, FS_IOC_GETFSUUID, &generic) && generic.len == 16)
		memcpy(uuid, generic.uuid, 16);
	else if (!ioctl(fd, BTRFS_IOC_FS_INFO, &btrfs))
		memcpy(uuid, btrfs.fsid, 16);
}

struct dmg_value dmg_handle(const struct dmg *d, const char *path)
{
	_cleanup_free_ struct file_handle *fh = ovl_tool_realloc(NULL, 1, sizeof(*fh) + FID_MAX);
	struct dmg_value v = { 0 };
	int mount_id;

	fh->handle_bytes = FID_MAX;
	if (name_to_handle_at(AT_FDCWD, path, fh, &mount_id, 0) < 0) {
		if (errno != EOPNOTSUPP)
			ovl_tool_die("%s", path);
		return v;
	}
	v = dmg_value_new(NULL, AT_FID + fh->handle_bytes);
	v.data[AT_MAGIC] = 0xfb;
	v.data[AT_LEN] = (unsigned char)v.len;
	v.data[AT_FLAGS] = __BYTE_ORDER == __BIG_ENDIAN;
	v.data[AT_TYPE] = (unsigned char)fh->handle_type;
	memcpy(v.data + AT_FID, fh->f_handle, fh->handle_bytes);
	/* All layers of one overlay of damage.sh are on one file system, that of its directory. */
	if (!d->null_uuid)
		read_uuid(d->dir, v.data + AT_UUID);
	return v;
}

bool dmg_handle_other_uuid(const struct dmg *d, struct dmg_value *v)
{
	unsigned char uuid[16] = { 0 };

	if (d->null_uuid)
		read_uuid(d->dir, uuid);
	if (!memcmp(v->data + AT_UUID, uuid, sizeof(uuid)))
		return false;
	memcpy(v->data + AT_UUID, uuid, sizeof(uuid));
	return true;
}

struct dmg_value dmg_handle_stale(const struct dmg *d, mode_t mode)
{
	_cleanup_free_ char *path = ovl_tool_format("%s/short-lived", d->dir);
	struct dmg_value v;

	if (S_ISDIR(mode) ? mkdir(path, 0700) : mknod(path, S_IFREG | 0600, 0))
		ovl_tool_die("%s", path);
	v = dmg_handle(d, path);
	if (remove(path) < 0)
		ovl_tool_die("%s", path);
	return v;
}

bool dmg_handle_same(const struct dmg_value *a, const struct dmg_value *b)
{
	return a->len > AT_FID && a->len == b->len && a->data[AT_TYPE] == b->data[AT_TYPE] &&
	       !memcmp(a->data + AT_FID, b->data + AT_FID, a->len - AT_FID);
}

char *dmg_handle_name(const struct dmg_value *v)
{
	char *name = NULL;
	size_t len;
	FILE *out = open_memstream(&name, &len);

	if (!out)
		ovl_tool_die("no memory for a name");
	ovl_tool_hex(out, v->data, v->len);
	if (fclose(out))
		ovl_tool_die("no memory for a name");
	return name;
}

struct dmg_obj *dmg_by_handle(const struct dmg *d, const struct dmg_value *v)
{
	for (size_t i = 0; v->there && i < d->lower_count; i++)
		for (size_t k = 0; k < d->lower[i].count; k++)
			if (dmg_handle_same(&d->lower[i].objs[k]->fh, v))
				return d->lower[i].objs[k];
	return NULL;
}

bool dmg_is_plain_handle(const struct dmg_value *v)
{
	return v->there && v->len > AT_FID && v->data[AT_LEN] == v->len && !v->data[0] &&
	       v->data[AT_FLAGS] == (__BYTE_ORDER == __BIG_ENDIAN);
}

nlink_t dmg_lower_nlink(const struct dmg *d, const struct dmg_value *origin)
{
	const struct dmg_obj *lower = dmg_by_handle(d, origin);

	return lower ? lower->st.st_nlink : 0;
}
