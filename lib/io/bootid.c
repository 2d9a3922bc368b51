/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot id, from /proc.
 */
#include "io/bootid.h"

#include <fcntl.h>
#include <string.h>
#include <uuid/uuid.h>

#include "base/cleanup.h"

#include "base/banned.h"

void ovl_bootid(uint8_t ret[16])
{
	_cleanup_close_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[UUID_STR_LEN] = { 0 };

	memset(ret, 0, 16);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1 &&
	    uuid_parse(text, ret) < 0)
		memset(ret, 0, 16);
}
