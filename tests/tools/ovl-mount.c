/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-mount - mount an overlay, or say with which errno the kernel refuses it
 *
 *	ovl-mount [-r] OPTIONS DIR    -r: read-only; OPTIONS as for mount -o
 *	ovl-mount -u DIR              unmount
 *
 * Exit status: 0; 32 with the name of the errno on stderr; 99 trouble.
 */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "mount.h"
#include "tool.h"

int main(int argc, char **argv)
{
	bool readonly = false, undo = false;
	int opt, r;

	while ((opt = getopt(argc, argv, "ru")) != -1) {
		readonly |= opt == 'r';
		undo |= opt == 'u';
		if (opt == '?')
			argc = 0;
	}
	if (argc - optind != (undo ? 1 : 2)) {
		fputs("usage: ovl-mount [-r] OPTIONS DIR\n"
		      "       ovl-mount -u DIR\n",
		      stderr);
		return 99;
	}
	if (undo)
		r = umount2(argv[optind], 0) < 0 ? -errno : 0;
	else
		r = ovl_mount(argv[optind], argv[optind + 1], readonly);
	if (!r)
		return 0;
	fprintf(stderr, "%s: %s\n", strerrorname_np(-r), strerror(-r));
	return 32;
}
