/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Corruption of an xattr: of its value, of its name, of the object that has it.
 */
#include "corrupt.h"

#include <sys/xattr.h>

/** Changes some bytes of a value that has one at least. */
static const char *change(struct corrupt *c, struct dmg_value *v)
{
	size_t at = corrupt_random(c, v->len), other = corrupt_random(c, v->len);
	unsigned char byte = v->data[at];

	switch (corrupt_random(c, 4)) {
	case 0:
		v->data[at] ^= (unsigned char)(1u << corrupt_random(c, 8));
		return "bit-flipped";
	case 1:
		v->data[at] = v->data[other];
		v->data[other] = byte;
		return "bytes swapped";
	case 2:
		v->data[at] = (unsigned char)corrupt_random(c, 256);
		return "byte changed";
	default:
		for (size_t i = 0; i < v->len; i++)
			v->data[i] = (unsigned char)corrupt_random(c, 256);
		return "all bytes changed";
	}
}

struct dmg_value corrupt_mangle(struct corrupt *c, const struct dmg_value *v, const char **ret_what)
{
	size_t how = corrupt_random(c, 6);
	size_t longest = ovl_tool_chance(&c->d.rng, 1, 4) ? 600 : 8;
	struct dmg_value to;

	if (how == 0 || !v->len) {
		/* What is empty can only grow. */
		to = dmg_value_new(NULL, v->len ? 0 : 1 + corrupt_random(c, longest));
		*ret_what = v->len ? "emptied" : "filled with zeros";
		return to;
	}
	if (how == 1) {
		*ret_what = "cut";
		return dmg_value_new(v->data, corrupt_random(c, v->len));
	}
	if (how == 2) {
		to = dmg_value_new(NULL, v->len + 1 + corrupt_random(c, longest));
		memcpy(to.data, v->data, v->len);
		for (size_t i = v->len; i < to.len; i++)
			to.data[i] = (unsigned char)corrupt_random(c, 256);
		*ret_what = "lengthened";
		return to;
	}
	to = dmg_value_new(v->data, v->len);
	*ret_what = change(c, &to);
	return to;
}

static bool set(const char *what, const char *path, const char *name, const struct dmg_value *v)
{
	return corrupt_did(lsetxattr(path, name, v->data, v->len, 0), what, path, name);
}

bool corrupt_xattr(struct corrupt *c, const struct corrupt_at *at)
{
	enum dmg_xattr x = at->kind - CORRUPT_XATTR;
	const struct dmg_value *v = &at->o->x[x];
	_cleanup_free_ char *name = dmg_xattr_name(&c->d, x);
	_cleanup_free_ char *other = NULL, *path = NULL;
	struct dmg_value to;
	const char *what;
	bool done;

	switch (corrupt_random(c, 10)) {
	case 0:
	case 1:
		return corrupt_did(lremovexattr(at->path, name), "removed", at->path, name);
	case 2:
	case 3:
		path = dmg_path(corrupt_some_object(c));
		return set("copied here", path, name, v);
	case 4:
		other = dmg_xattr_name(&c->d, (enum dmg_xattr)corrupt_random(c, DMG_XATTRS));
		return set("copied to this name", at->path, other, v);
	default:
		to = corrupt_mangle(c, v, &what);
		done = set(what, at->path, name, &to);
		dmg_value_done(&to);
		return done;
	}
}
