/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of layer paths. See layers.h.
 */
#include "format/layers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#include "base/banned.h"

void ovl_layers_done(struct ovl_layers *l)
{
	if (!l)
		return;
	while (l->n > 0)
		free(l->path[--l->n]);
	free(l->path);
	l->path = NULL;
}

/* Makes room for one more. There is room for a power of two: the count tells when it is full. */
static int grow(struct ovl_layers *l)
{
	char **more;
	size_t room;

	if (l->n & (l->n - 1))
		return 0;
	if (__builtin_mul_overflow(l->n ? l->n : 1, 2 * sizeof(*more), &room))
		return -ENOMEM;
	more = realloc(l->path, room);
	if (!more)
		return -ENOMEM;
	l->path = more;
	return 0;
}

int ovl_layers_push(struct ovl_layers *l, char *path)
{
	if (!path)
		return -ENOMEM;
	if (grow(l) < 0) {
		free(path);
		return -ENOMEM;
	}
	l->path[l->n++] = path;
	return 0;
}

int ovl_layers_copy(struct ovl_layers *l, char *const *path, size_t n)
{
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		r = ovl_layers_push(l, strdup(path[i]));
		if (r < 0)
			return r;
	}
	return 0;
}

char *ovl_layers_unescape(const char *value, size_t len)
{
	char *s, *to;
	size_t i;

	s = malloc(len + 1);
	if (!s)
		return NULL;
	for (i = 0, to = s; i < len; i++) {
		if (value[i] == '\\' && ++i == len)
			break;
		*to++ = value[i];
	}
	*to = '\0';
	return s;
}

static int push_layer(struct ovl_layers *l, const char *value, size_t len, const char **ret_why)
{
	_cleanup_free_ char *path = NULL;

	path = ovl_layers_unescape(value, len);
	if (!path)
		return -ENOMEM;
	if (!*path) {
		*ret_why = "empty layer path";
		return -EINVAL;
	}
	return ovl_layers_push(l, TAKE_PTR(path));
}

/* The length of the first layer in @s: up to a colon that no backslash protects. */
static size_t layer_len(const char *s)
{
	const char *p;

	for (p = s; *p && *p != ':'; p++)
		if (*p == '\\' && p[1])
			p++;
	return (size_t)(p - s);
}

int ovl_layers_split(const char *value, struct ovl_layers *lower, struct ovl_layers *data,
		     const char **ret_why)
{
	size_t len, colons = 1; /* the list begins as if behind one colon */
	int r;

	if (!*value)
		return 0;
	for (;; value += colons) {
		if (colons == 1 && data->n > 0) {
			*ret_why = "an ordinary layer cannot follow a data-only layer (\"::\")";
			return -EINVAL;
		}
		len = layer_len(value);
		r = push_layer(colons == 2 ? data : lower, value, len, ret_why);
		if (r < 0)
			return r;

		value += len;
		if (!*value)
			return 0;
		colons = strspn(value, ":");
		if (colons > 2) {
			*ret_why = "more than two colons in a row";
			return -EINVAL;
		}
		if (!value[colons]) {
			*ret_why = "empty layer path behind the last colon";
			return -EINVAL;
		}
	}
}
