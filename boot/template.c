/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking for the template. See template.h.
 */
#include "template.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Does the file stand for a unit? 1, 0 if it masks one, -1 if there is none */
static int look(const char *dir, const char *instance)
{
	struct stat st;
	char *path;
	int r;

	if (asprintf(&path, "%s/fsck-overlay@%s.service", dir, instance) < 0)
		return 0;
	r = stat(path, &st);
	free(path);
	if (r < 0)
		return -1;
	return S_ISREG(st.st_mode) && st.st_size > 0;
}

bool ovl_template_is_there(const char *instance)
{
	static const char *const dirs[] = {
		"/etc/systemd/system",     "/run/systemd/system", "/usr/local/lib/systemd/system",
		"/usr/lib/systemd/system", "/lib/systemd/system",
	};
	const char *const names[] = { instance, "" };

	for (int n = 0; n < 2; n++) {
		for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
			int r = look(dirs[i], names[n]);

			if (r >= 0)
				return r == 1;
		}
	}
	return false;
}
