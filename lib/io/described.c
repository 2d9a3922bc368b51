/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mount points and options of descriptions. See described.h.
 */
#include "io/described.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

#include "base/banned.h"

char *ovl_described_where(const char *path)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	_cleanup_free_ char *cwd = NULL;
	const char *p, *end;
	char *real;

	real = realpath(path, NULL);
	if (real || errno == ENOMEM)
		return real;
	/* Not there, as a mount point may be before the boot is over: by its text alone. */
	if (*path != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd || (strcmp(cwd, "/") != 0 && ovl_buf_adds(&b, cwd) < 0))
			return NULL;
	}
	for (p = path; *p; p = end) {
		p += strspn(p, "/");
		end = strchrnul(p, '/');
		if (end == p || (end == p + 1 && *p == '.'))
			continue;
		if (ovl_buf_addc(&b, '/') < 0 || ovl_buf_add(&b, p, (size_t)(end - p)) < 0)
			return NULL;
	}
	if (b.len == 0 && ovl_buf_addc(&b, '/') < 0)
		return NULL;
	return ovl_buf_take(&b);
}

static int from_root(char **path)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };

	if (!*path || **path == '/')
		return 0;
	if (ovl_buf_addc(&b, '/') < 0 || ovl_buf_adds(&b, *path) < 0)
		return -ENOMEM;
	free(*path);
	*path = ovl_buf_take(&b);
	return 0;
}

int ovl_described_config(const char *options, struct ovl_config *c, struct ovl_error *e)
{
	int r = ovl_config_parse(c, options, e);
	size_t i;

	if (r < 0)
		return r;
	r = from_root(&c->upper);
	if (r == 0)
		r = from_root(&c->work);
	for (i = 0; i < c->n_lower && r == 0; i++)
		r = from_root(&c->lower[i]);
	for (i = 0; i < c->n_data && r == 0; i++)
		r = from_root(&c->data[i]);
	return r < 0 ? ovl_fail(e, r, "cannot read the mount options") : 0;
}
