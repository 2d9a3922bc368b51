/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Progress while the machine boots. See boot_progress.h.
 */
#include "boot_progress.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Both belong to root; whoever else could put something there owns the machine already. */
static const char listener[] = "/run/systemd/fsck.progress";
static const char shown[] = "/run/systemd/show-status";

/* A listener whose queue is full is left alone: without waiting connect() fails then, as do writes. */
static int connect_listener(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t i;

	if (fd < 0)
		return -1;
	for (i = 0; i < sizeof(listener); i++)
		address.sun_path[i] = listener[i];
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

int ovl_boot_progress_open(struct ovl_options *o)
{
	int fd;

	if (o->progress)
		return -1;
	fd = connect_listener();
	if (fd < 0 && access(shown, F_OK) == 0) {
		fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
		o->progress_console = fd >= 0;
	}
	if (fd < 0)
		return -1;
	o->progress = true;
	o->progress_fd = fd;
	return fd;
}
