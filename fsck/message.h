/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages on stderr: errors and warnings about the work, never findings.
 */
#ifndef FSCK_MESSAGE_H
#define FSCK_MESSAGE_H

/**
 * ovl_message_error - print "fsck.overlay: <text>" as one line
 *
 * What could harm a terminal or forge a line is escaped, so names may be printed as they are.
 */
void ovl_message_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** ovl_message_warning - print "fsck.overlay: warning: <text>" in the same way */
void ovl_message_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** ovl_message_debug - print "fsck.overlay: debug: <text>" in the same way */
void ovl_message_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
