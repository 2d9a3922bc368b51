/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tool.h"

/** Cuts the next part off a string at an unescaped @sep; the escapes stay. NULL at the end. */
static char *next_part(char **rest, char sep)
{
	char *part = *rest, *at = part;

	if (!part)
		return NULL;
	while (*at && *at != sep)
		at += *at == '\\' && at[1] ? 2 : 1;
	*rest = *at ? at + 1 : NULL;
	*at = '\0';
	return part;
}

static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text == '\\' && text[1])
			text++;
		*to++ = *text;
	}
	*to = '\0';
}

static int set(int fs, const char *key, const char *value)
{
	int rc = value ? fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) :
			 fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0);

	return rc < 0 ? -errno : 0;
}

/** Gives the layers of a lowerdir= one by one. */
static int set_lowers(int fs, char *value)
{
	const char *key = "lowerdir+";
	char *rest = value, *part;
	int r = 0;

	while (!r && (part = next_part(&rest, ':'))) {
		unescape(part);
		if (*part)
			r = set(fs, key, part);
		else
			key = "datadir+"; /* an empty part is the middle of "::" */
	}
	return r;
}

static int set_options(int fs, char *options)
{
	char *rest = options, *word;
	int r = 0;

	while (!r && (word = next_part(&rest, ','))) {
		/* Of lowerdir+=/l the key is "lowerdir+". */
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		if (value && !strcmp(word, "lowerdir"))
			r = set_lowers(fs, value);
		else if (*word)
			r = set(fs, word, value);
	}
	return r;
}

static int mount_one_by_one(const char *options, const char *dir, bool readonly)
{
	const unsigned flags = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID |
			       (readonly ? MOUNT_ATTR_RDONLY : 0);
	_cleanup_free_ char *copy = ovl_tool_format("%s", options);
	_cleanup_close_ int fs = fsopen("overlay", FSOPEN_CLOEXEC);
	_cleanup_close_ int fd = -EBADF;
	int r;

	if (fs < 0)
		return -errno;
	r = set_options(fs, copy);
	if (!r && readonly)
		r = set(fs, "ro", NULL);
	if (r)
		return r;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, flags);
	if (fd < 0 || move_mount(fd, "", AT_FDCWD, dir, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

int ovl_mount(const char *options, const char *dir, bool readonly)
{
	const unsigned long flags = MS_NODEV | MS_NOSUID | (readonly ? MS_RDONLY : 0);
	const long page = sysconf(_SC_PAGESIZE);

	if (strlen(options) + 1 >= (size_t)page || strstr(options, "lowerdir+=") ||
	    strstr(options, "datadir+="))
		return mount_one_by_one(options, dir, readonly);
	return mount("overlay", dir, "overlay", flags, options) < 0 ? -errno : 0;
}
