/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages in the log of the kernel. See log.h.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	MESSAGES_MAX = 20,
	TEXT_MAX = 800, /* the kernel takes 1023 bytes, our name included */
};

void ovl_log_open(struct ovl_log *log)
{
	const char *target = secure_getenv("SYSTEMD_LOG_TARGET");

	*log = (struct ovl_log){ .fd = -EBADF };
	log->is_console = target && strcmp(target, "console") == 0;
	if (log->is_console)
		log->fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		log->fd = open("/dev/kmsg", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

/* Printable ASCII stays. */
static size_t escape(const char *text, char *to, size_t room)
{
	size_t len = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (len + 5 > room)
			break;
		if (c >= ' ' && c < 127)
			to[len++] = (char)c;
		else
			len += (size_t)snprintf(to + len, room - len, "\\%03o", c);
	}
	to[len] = '\0';
	return len;
}

static void write_line(struct ovl_log *log, const char *text)
{
	char safe[TEXT_MAX], line[TEXT_MAX + 100];
	int len;

	escape(text, safe, sizeof(safe));
	/* warning, of a daemon: see syslog(3) */
	len = snprintf(line, sizeof(line), "%sfsck-overlay-generator[%ld]: %s\n",
		       log->is_console ? "" : "<28>", (long)getpid(), safe);
	/* Nobody can be told that it failed. */
	if (len > 0 && write(log->fd, line, (size_t)len) < 0)
		return;
}

void ovl_log(struct ovl_log *log, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;
	int len;

	if (log->fd < 0 || log->n++ >= MESSAGES_MAX)
		return;
	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len >= 0) {
		write_line(log, text);
		free(text);
	}
}

void ovl_log_close(struct ovl_log *log)
{
	char text[100];

	if (log->fd < 0)
		return;
	if (log->n > MESSAGES_MAX) {
		snprintf(text, sizeof(text), "%u more messages left out", log->n - MESSAGES_MAX);
		write_line(log, text);
	}
	close(log->fd);
	log->fd = -EBADF;
}
