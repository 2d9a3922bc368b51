/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recording why something failed. The contract is in overlayfs/error.h.
 */
#include "overlayfs/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* The text of @fmt followed by @cause (if any), or NULL when memory is short. */
static char *__attribute__((format(__printf__, 1, 0)))
compose(const char *fmt, va_list ap, const char *cause)
{
	size_t tail = cause ? strlen(cause) + 2 : 0;
	va_list again;
	char *text;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return NULL;

	text = malloc((size_t)n + tail + 1);
	if (!text)
		return NULL;
	if (vsnprintf(text, (size_t)n + 1, fmt, ap) != n) {
		free(text);
		return NULL;
	}
	if (cause)
		snprintf(text + n, tail + 1, ": %s", cause);
	return text;
}

int ovl_fail(struct ovl_error *e, int code, const char *fmt, ...)
{
	va_list ap;

	assert(code < 0);
	if (!e || e->code != 0)
		return code;
	va_start(ap, fmt);
	e->code = code;
	/* Safe in threads: known errors are constant strings, the others thread-local. */
	e->text = compose(fmt, ap, strerror(-code));
	va_end(ap);
	return code;
}

int ovl_fail_plain(struct ovl_error *e, int code, const char *fmt, ...)
{
	va_list ap;

	assert(code < 0);
	if (!e || e->code != 0)
		return code;
	va_start(ap, fmt);
	e->code = code;
	e->text = compose(fmt, ap, NULL);
	va_end(ap);
	return code;
}

void ovl_error_done(struct ovl_error *e)
{
	if (!e)
		return;
	free(e->text);
	*e = (struct ovl_error)OVL_ERROR_INIT;
}
