/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-fh - file handles as overlayfs stores them
 *
 *	ovl-fh encode [-u] [-z] [-n] PATH   the value that "origin" would have for this object,
 *	                                    as 0x... for setfattr
 *	                                    -u  of an upper object, as in "upper" (flag bit 2)
 *	                                    -z  with a null uuid, as mounts with uuid=off write it
 *	                                    -n  without 0x, as the name of an index entry
 *	ovl-fh decode HEX                   the fields of a value
 *	ovl-fh open DIR HEX                 the inode that it stands for on the file system of DIR
 *
 * Prints an empty value ("0x") for an object whose file system has no handles, as a copy-up
 * would write it. Uses the kernel's own encoder, name_to_handle_at(), and none of our library.
 *
 * Exit status: 0; 1 if the value is no handle or stands for nothing; 99 trouble.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

#ifndef FS_IOC_GETFSUUID /* Linux 6.9 */
struct fsuuid2 {
	uint8_t len;
	uint8_t uuid[16];
};
#define FS_IOC_GETFSUUID _IOR(0x15, 0, struct fsuuid2)
#endif

enum {
	MAGIC = 0xfb,
	FLAG_BIG_ENDIAN = 1 << 0,
	FLAG_PATH_UPPER = 1 << 2,
	HEADER = 21,
	FID_MAX = 128,
};

struct blob {
	uint8_t version;
	uint8_t magic;
	uint8_t len;
	uint8_t flags;
	uint8_t type;
	uint8_t uuid[16];
	uint8_t fid[FID_MAX];
} __attribute__((packed));

/** The uuid that the kernel has in the superblock, or zeros where it has none. */
static void read_uuid(const char *dir, uint8_t *uuid)
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

/** The directory to ask for the uuid: the object itself, or the one that holds it. */
static char *dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (!lstat(path, &st) && S_ISDIR(st.st_mode))
		return ovl_tool_format("%s", path);
	if (!slash)
		return ovl_tool_format(".");
	return ovl_tool_format("%.*s", (int)(slash - path + 1), path);
}

static int encode(const char *path, bool upper, bool null_uuid, bool bare)
{
	_cleanup_free_ struct file_handle *fh = ovl_tool_realloc(NULL, 1, sizeof(*fh) + FID_MAX);
	struct blob blob = { .magic = MAGIC };
	int mount_id;

	if (!bare)
		fputs("0x", stdout);
	fh->handle_bytes = FID_MAX;
	if (name_to_handle_at(AT_FDCWD, path, fh, &mount_id, 0) < 0) {
		if (errno != EOPNOTSUPP)
			ovl_tool_die("%s", path);
		putchar('\n');
		return 0;
	}
	if (__BYTE_ORDER == __BIG_ENDIAN)
		blob.flags |= FLAG_BIG_ENDIAN;
	if (upper)
		blob.flags |= FLAG_PATH_UPPER;
	blob.len = (uint8_t)(HEADER + fh->handle_bytes);
	blob.type = (uint8_t)fh->handle_type;
	memcpy(blob.fid, fh->f_handle, fh->handle_bytes);
	if (!null_uuid) {
		_cleanup_free_ char *dir = dir_of(path);

		read_uuid(dir, blob.uuid);
	}
	ovl_tool_hex(stdout, &blob, blob.len);
	putchar('\n');
	return 0;
}

static int digit(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) % 16 : -1;
}

/** Reads hex, with or without 0x. Returns the number of bytes, or -1 if it is no hex. */
static int parse_hex(const char *hex, uint8_t *bytes, size_t size)
{
	size_t len;

	if (!strncmp(hex, "0x", 2))
		hex += 2;
	len = strlen(hex);
	if (len % 2 || len / 2 > size)
		return -1;
	for (size_t i = 0; i < len / 2; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return (int)(len / 2);
}

/** Fills @blob from hex; says what is wrong and returns false if it is no whole handle. */
static bool parse_blob(const char *hex, struct blob *blob)
{
	int len;

	memset(blob, 0, sizeof(*blob));
	len = parse_hex(hex, (uint8_t *)blob, sizeof(*blob));
	if (len < HEADER || blob->magic != MAGIC || blob->len > len || blob->len < HEADER) {
		printf("no handle: %d bytes, magic %02x, length %u\n", len, blob->magic, blob->len);
		return false;
	}
	return true;
}

static int decode(const char *hex)
{
	struct blob blob;

	if (!parse_blob(hex, &blob))
		return 1;
	printf("version=%u len=%u flags=%u type=0x%02x uuid=", blob.version, blob.len, blob.flags,
	       blob.type);
	ovl_tool_hex(stdout, blob.uuid, sizeof(blob.uuid));
	fputs(" fid=", stdout);
	ovl_tool_hex(stdout, blob.fid, blob.len - HEADER);
	putchar('\n');
	return 0;
}

static int open_handle(const char *dir, const char *hex)
{
	_cleanup_close_ int mount = open(dir, O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC);
	_cleanup_close_ int fd = -EBADF;
	_cleanup_free_ struct file_handle *fh = ovl_tool_realloc(NULL, 1, sizeof(*fh) + FID_MAX);
	struct blob blob;
	struct stat st;

	if (mount < 0)
		ovl_tool_die("%s", dir);
	if (!parse_blob(hex, &blob))
		return 1;
	fh->handle_bytes = blob.len - HEADER;
	fh->handle_type = blob.type;
	memcpy(fh->f_handle, blob.fid, fh->handle_bytes);
	fd = open_by_handle_at(mount, fh, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		printf("stands for nothing: %s\n", strerrorname_np(errno));
		return 1;
	}
	printf("ino=%ju mode=%06o nlink=%ju\n", (uintmax_t)st.st_ino, st.st_mode,
	       (uintmax_t)st.st_nlink);
	return 0;
}

static int usage(void)
{
	fputs("usage: ovl-fh encode [-u] [-z] [-n] PATH\n"
	      "       ovl-fh decode HEX\n"
	      "       ovl-fh open DIR HEX\n",
	      stderr);
	return 99;
}

int main(int argc, char **argv)
{
	bool upper = false, null_uuid = false, bare = false;
	int opt;

	if (argc == 3 && !strcmp(argv[1], "decode"))
		return decode(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "open"))
		return open_handle(argv[2], argv[3]);
	if (argc < 3 || strcmp(argv[1], "encode"))
		return usage();
	argv++;
	argc--;
	while ((opt = getopt(argc, argv, "uzn")) != -1) {
		if (opt == '?')
			return usage();
		upper |= opt == 'u';
		null_uuid |= opt == 'z';
		bare |= opt == 'n';
	}
	return optind == argc - 1 ? encode(argv[optind], upper, null_uuid, bare) : usage();
}
