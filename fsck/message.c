/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages on stderr.
 */
#include "message.h"

#include <stdarg.h>
#include <stdio.h>

#include "cleanup.h"
#include "text.h"

static void __attribute__((format(printf, 2, 0)))
say(const char *prefix, const char *fmt, va_list ap)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *safe = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	else
		safe = ovl_text_safe(text);
	/* One call, so that lines of several processes do not mix. */
	fprintf(stderr, "fsck.overlay: %s%s\n", prefix, safe ? safe : "out of memory");
}

void ovl_message_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

void ovl_message_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("warning: ", fmt, ap);
	va_end(ap);
}

void ovl_message_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("debug: ", fmt, ap);
	va_end(ap);
}
