/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-listen - what somebody is told through a socket
 *
 *	ovl-listen stream PATH     prints what comes, until the one that connects first closes
 *	ovl-listen dgram PATH      prints the first message
 *	ovl-listen deaf PATH       accepts nobody and reads nothing
 *
 * PATH is there once it listens. Ends with 99 after a minute, "deaf" with 0.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tool.h"

enum { PATIENCE = 60 };

static void copy(int fd, bool all)
{
	char buf[8192];
	ssize_t n;

	do {
		n = read(fd, buf, sizeof(buf));
		if (n < 0)
			ovl_tool_die("read");
		fwrite(buf, 1, (size_t)n, stdout);
	} while (all && n > 0);
	if (fflush(stdout) != 0)
		ovl_tool_die("write");
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	bool dgram = argc == 3 && strcmp(argv[1], "dgram") == 0;
	int fd, peer;

	if (argc != 3 || strlen(argv[2]) >= sizeof(address.sun_path))
		ovl_tool_die("usage: ovl-listen stream|dgram|deaf PATH");
	memcpy(address.sun_path, argv[2], strlen(argv[2]));
	fd = socket(AF_UNIX, dgram ? SOCK_DGRAM : SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    (!dgram && listen(fd, 1) < 0))
		ovl_tool_die("cannot listen at %s", argv[2]);
	if (strcmp(argv[1], "deaf") == 0) {
		sleep(PATIENCE);
		return 0;
	}
	alarm(PATIENCE);
	peer = dgram ? fd : accept(fd, NULL, NULL);
	if (peer < 0)
		ovl_tool_die("accept");
	copy(peer, !dgram);
	return 0;
}
