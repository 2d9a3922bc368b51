/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When an object was made. See birth.h.
 */
#include "io/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

int ovl_birth_get(int dir, const char *name, struct ovl_birth *ret)
{
	struct statx sx;
	int r;

	do
		r = statx(dir, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
			  STATX_TYPE | STATX_MODE | STATX_INO | STATX_BTIME, &sx);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	*ret = (struct ovl_birth){ .ino = sx.stx_ino, .mode = sx.stx_mode };
	if (sx.stx_mask & STATX_BTIME) {
		ret->sec = sx.stx_btime.tv_sec;
		ret->nsec = sx.stx_btime.tv_nsec;
	}
	return 0;
}
