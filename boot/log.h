/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a generator has to say: to the log of the kernel, since no other is there yet.
 */
#ifndef BOOT_LOG_H
#define BOOT_LOG_H

/** Where messages go, and how many there were. */
struct ovl_log {
	int fd; /* -EBADF: nowhere */
	int is_console;
	unsigned n;
};

/**
 * ovl_log_open - begin
 *
 * Opens /dev/kmsg, or, with SYSTEMD_LOG_TARGET=console in the environment, as systemd's own
 * generators do, a copy of standard error. If that fails nothing is said at all.
 */
void ovl_log_open(struct ovl_log *log);

/**
 * ovl_log - a warning of one line
 *
 * Cut where the kernel would refuse it; bytes that are not printable ASCII become \ooo. Only some
 * messages are written, further ones are counted: an fstab may have many lines.
 */
void ovl_log(struct ovl_log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** ovl_log_close - say how many messages were left out, and end */
void ovl_log_close(struct ovl_log *log);

#endif
