/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths in error texts. See shown.h.
 */
#include "io/shown.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

#include "base/banned.h"

char *ovl_shown_path(const char *path)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };

	if (ovl_buf_add_escaped(&b, path, strlen(path)) < 0)
		return NULL;
	return ovl_buf_take(&b);
}
