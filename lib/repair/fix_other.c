/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planners for small values, and for xattrs that mean nothing where they are.
 */
#include <errno.h>
#include <string.h>

#include "repair/fix_origin.h"
#include "repair/fixes.h"

#include "base/banned.h"

static int remove_it(struct ovl_fixer *fx, enum ovl_xattr_id id)
{
	int r = ovl_way_remove_xattr(fx, fx->finding->loc, id);

	return r < 0 ? r : 1;
}

int ovl_fix_uuid_remove(struct ovl_fixer *fx)
{
	return ovl_fix_is_told(fx) ? 0 : remove_it(fx, OVL_X_UUID);
}

/* The letters that are right, each once; their number. */
static size_t right_letters(struct ovl_bytes value, char ret[2])
{
	size_t n = 0;

	for (size_t i = 0; n < 2 && i < value.len; i++)
		if ((value.data[i] == 'a' || value.data[i] == 'i') &&
		    (n == 0 || ret[0] != (char)value.data[i]))
			ret[n++] = (char)value.data[i];
	return n;
}

/* Without a letter that is right there is nothing to keep. */
int ovl_fix_protattr_letters(struct ovl_fixer *fx)
{
	const struct ovl_loc loc = fx->finding->loc;
	struct ovl_obs obs;
	char letters[2];
	size_t n;
	int r = ovl_fix_is_known(fx, loc);

	if (r > 0)
		r = ovl_fixer_observe(fx, loc, &obs) < 0 ? -EIO : 1;
	if (r <= 0)
		return r;
	n = right_letters(obs.x[OVL_X_PROTATTR], letters);
	if (n == 0) {
		r = ovl_way_say(fx, "remove the xattr protattr");
		return r < 0 ? r : remove_it(fx, OVL_X_PROTATTR);
	}
	r = ovl_way_say(fx, "keep \"%.*s\" of it", (int)n, letters);
	if (r == 0)
		r = ovl_way_set_xattr(fx, loc, OVL_X_PROTATTR,
				      (struct ovl_bytes){ (const unsigned char *)letters, n });
	return r < 0 ? r : 1;
}

int ovl_fix_protattr_remove(struct ovl_fixer *fx)
{
	int r = ovl_fix_is_known(fx, fx->finding->loc);

	return r > 0 ? remove_it(fx, OVL_X_PROTATTR) : r;
}
