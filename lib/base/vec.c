/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Growing arrays: the part that does not depend on the type.
 */
#include "base/vec.h"

#include <stdint.h>
#include <string.h>

#include "base/banned.h"

enum { FIRST_ROOM = 8 };

int ovl_vec_grow_(void **data, size_t len, size_t *room, size_t size)
{
	size_t more, bytes;
	void *old, *new;

	if (len < *room)
		return 0;
	more = *room ? *room : FIRST_ROOM;
	if (__builtin_add_overflow(*room, more, &more) ||
	    __builtin_mul_overflow(more, size, &bytes))
		return -ENOMEM;

	/* @data is really a pointer to some other pointer type: copy its bytes, never alias it. */
	memcpy(&old, data, sizeof(old));
	new = realloc(old, bytes);
	if (!new)
		return -ENOMEM;
	memcpy(data, &new, sizeof(new));
	*room = more;
	return 0;
}
