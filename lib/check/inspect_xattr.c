/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xattrs of overlayfs in words.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "check/inspect_item.h"
#include "format/metacopy.h"
#include "format/redirect.h"
#include "format/value.h"
#include "stack/origin.h"

#include "base/banned.h"

enum { UUID_SIZE = 16, SHOWN_MAX = 200 };

/* What is known while one value is put into words. */
struct words {
	struct ovl_stack *stack;
	struct ovl_inspect_memory *memory;
	const struct ovl_inspect_item *item;
	struct ovl_bytes value;
	struct ovl_buf text;
};

static int add_quoted(struct words *w)
{
	size_t n = w->value.len > SHOWN_MAX ? SHOWN_MAX : w->value.len;
	int r = ovl_buf_addc(&w->text, '"');

	if (r == 0)
		r = ovl_buf_add_escaped(&w->text, w->value.data, n);
	if (r == 0)
		r = ovl_buf_adds(&w->text, n < w->value.len ? "\"..." : "\"");
	return r;
}

static int add_hex(struct words *w, struct ovl_bytes bytes)
{
	size_t n = bytes.len > SHOWN_MAX ? SHOWN_MAX : bytes.len;
	int r;

	if (n == 0)
		return ovl_buf_adds(&w->text, "empty");
	r = ovl_buf_adds(&w->text, "0x");
	if (r == 0)
		r = ovl_buf_add_hex(&w->text, bytes.data, n);
	if (r == 0 && n < bytes.len)
		r = ovl_buf_adds(&w->text, "...");
	return r;
}

static int add_uuid(struct words *w, const uint8_t *uuid)
{
	static const unsigned dashes = 1u << 4 | 1u << 6 | 1u << 8 | 1u << 10;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < UUID_SIZE; i++) {
		if (dashes & (1u << i))
			r = ovl_buf_addc(&w->text, '-');
		if (r == 0)
			r = ovl_buf_add_hex(&w->text, &uuid[i], 1);
	}
	return r;
}

static int say_opaque(struct words *w)
{
	enum ovl_opaque opaque;
	int r = add_quoted(w);

	if (r < 0)
		return r;
	if (ovl_value_opaque(w->value, &opaque) < 0)
		return ovl_buf_adds(&w->text, ": not heeded, only \"y\" and \"x\" are");
	return ovl_buf_adds(&w->text, opaque == OVL_OPAQUE_YES ? ": hides everything below" :
								 ": may hold xattr whiteouts");
}

/* Why nobody looks at a redirect here; NULL: somebody does. */
static const char *why_no_redirect(const struct ovl_obs *obs)
{
	enum ovl_opaque opaque = OVL_OPAQUE_NO;

	if (obs->kind != OVL_KIND_DIR)
		return ovl_obs_has(obs, OVL_X_METACOPY) && obs->kind == OVL_KIND_REG ?
			       NULL :
			       ": not heeded, for it is no metacopy file";
	if (obs->xmask & OVL_XBIT(OPAQUE))
		ovl_value_opaque(obs->x[OVL_X_OPAQUE], &opaque);
	return opaque == OVL_OPAQUE_YES ? ": not heeded, for the directory is opaque" : NULL;
}

static int say_redirect(struct words *w)
{
	const char *why_not = why_no_redirect(&w->item->obs);
	struct ovl_redirect red;
	int r = add_quoted(w);

	if (r < 0)
		return r;
	if (why_not)
		return ovl_buf_adds(&w->text, why_not);
	if (ovl_redirect_parse(w->value, &red) < 0)
		return ovl_buf_adds(&w->text, ": malformed");
	if (red.flaws & OVL_REDIRECT_DOTDOT)
		return ovl_buf_adds(&w->text, ": leads nowhere, for \".\" and \"..\" are refused");
	if (red.absolute)
		return ovl_buf_adds(&w->text, ": this path in the layers below");
	return ovl_buf_adds(&w->text, ": this name in the layers below");
}

/* The place with this inode among those that are shown; NULL: none */
static const struct ovl_inspect_item *find_inode(const struct words *w, const struct ovl_stat *st)
{
	for (size_t i = 0; i < w->memory->item.len; i++) {
		const struct ovl_inspect_item *item = &w->memory->item.data[i];

		if (item->present && item->obs.stat.dev == st->dev && item->obs.stat.ino == st->ino)
			return item;
	}
	return NULL;
}

static int say_found(struct words *w, const struct ovl_origin *o)
{
	const struct ovl_inspect_item *at = find_inode(w, &o->stat);
	_cleanup_free_ char *place = NULL;
	int r = ovl_buf_addf(&w->text, "handle of inode %" PRIu64 " (device %u:%u), a %s",
			     o->stat.ino, major(o->stat.dev), minor(o->stat.dev),
			     ovl_kind_name(o->kind));

	if (r == 0 && at) {
		place = ovl_stack_place(w->stack, at->loc);
		r = place ? ovl_buf_addf(&w->text, ", that of %s", place) : -ENOMEM;
	} else if (r == 0) {
		place = ovl_stack_layer_name(w->stack, o->layer);
		r = place ? ovl_buf_addf(&w->text, ", on the file system of %s", place) : -ENOMEM;
	}
	if (r == 0 && !o->same_bytes)
		r = ovl_buf_adds(&w->text, "; it would be written in another way now");
	return r;
}

static int say_handle(struct words *w, int from, int to)
{
	struct ovl_origin o;
	int r;

	ovl_origin_decode(w->stack, w->value, from, to, true, &o);
	switch (o.state) {
	case OVL_ORIGIN_FOUND:
		return say_found(w, &o);
	case OVL_ORIGIN_EMPTY:
	case OVL_ORIGIN_NONE:
		return ovl_buf_adds(&w->text, "empty: from a file system without file handles");
	case OVL_ORIGIN_MALFORMED:
		r = add_hex(w, w->value);
		return r < 0 ? r : ovl_buf_adds(&w->text, ": no file handle");
	case OVL_ORIGIN_FOREIGN:
		r = add_hex(w, w->value);
		return r < 0 ? r : ovl_buf_adds(&w->text, ": a handle of a form not known here");
	case OVL_ORIGIN_NO_LAYER:
		r = ovl_buf_adds(&w->text, "handle of an inode on the file system with uuid ");
		if (r == 0)
			r = add_uuid(w, o.fh.uuid);
		return r < 0 ? r : ovl_buf_adds(&w->text, ", on which no layer is");
	case OVL_ORIGIN_STALE:
		return ovl_buf_adds(&w->text, "handle of an inode that is not there any more");
	case OVL_ORIGIN_UNKNOWN:
	default:
		return ovl_buf_addf(&w->text, "handle that cannot be followed: %s",
				    strerror(-o.err));
	}
}

static int say_origin(struct words *w)
{
	return say_handle(w, 1, (int)w->stack->n_lower);
}

static int say_upper(struct words *w)
{
	if (!w->stack->has_upper)
		return add_hex(w, w->value);
	return say_handle(w, OVL_LAYER_UPPER, OVL_LAYER_UPPER);
}

static int say_impure(struct words *w)
{
	int r = add_quoted(w);

	if (r < 0)
		return r;
	return ovl_buf_adds(&w->text, ovl_value_is_y(w->value) ? ": may hold copied-up objects" :
								 ": not heeded, only \"y\" is");
}

static int say_nlink(struct words *w)
{
	enum ovl_nlink_base base;
	int diff, r = add_quoted(w);

	if (r < 0)
		return r;
	if (ovl_value_nlink(w->value, &base, &diff) < 0)
		return ovl_buf_adds(&w->text, ": malformed");
	if (base == OVL_NLINK_LOWER)
		return ovl_buf_adds(&w->text, ": names, counted from the links of the lower inode");
	return ovl_buf_addf(&w->text, ": %lld names", (long long)w->item->obs.stat.nlink + diff);
}

static int say_uuid(struct words *w)
{
	int r;

	if (w->value.len == UUID_SIZE)
		return add_uuid(w, w->value.data);
	r = add_hex(w, w->value);
	return r < 0 ? r : ovl_buf_adds(&w->text, ": not 16 bytes");
}

static int say_metacopy(struct words *w)
{
	struct ovl_metacopy value;
	int r;

	if (ovl_metacopy_parse(w->value, &value) != OVL_METACOPY_GOOD) {
		r = add_hex(w, w->value);
		return r < 0 ? r : ovl_buf_adds(&w->text, ": malformed");
	}
	r = ovl_buf_adds(&w->text, w->item->obs.kind == OVL_KIND_REG ? "the data is further down" :
								       "not heeded here");
	if (r == 0 && value.digest.len > 0) {
		r = ovl_buf_addf(&w->text, "; its fs-verity digest is %s ",
				 value.algo == OVL_METACOPY_ALGO_SHA256 ? "SHA-256" : "SHA-512");
		if (r == 0)
			r = add_hex(w, value.digest);
	}
	return r;
}

static int say_protattr(struct words *w)
{
	unsigned flags;
	int r = add_quoted(w);

	if (r < 0)
		return r;
	if (ovl_value_protattr(w->value, &flags) < 0)
		return ovl_buf_adds(&w->text, ": malformed");
	return ovl_buf_adds(&w->text, flags == 3 ? ": immutable, append-only" :
				      flags == 1 ? ": immutable" :
						   ": append-only");
}

static int say_whiteout(struct words *w)
{
	return ovl_buf_adds(&w->text, w->item->obs.kind == OVL_KIND_XWHITEOUT ?
					      "this is a whiteout" :
					      "not heeded: only an empty file can be a whiteout");
}

static int say_whiteouts(struct words *w)
{
	return ovl_buf_adds(&w->text, "mark of Linux 6.7.0, not heeded since");
}

static int say(struct words *w, enum ovl_xattr_id id)
{
	static int (*const sayers[OVL_X__MAX])(struct words *) = {
		[OVL_X_OPAQUE] = say_opaque,       [OVL_X_REDIRECT] = say_redirect,
		[OVL_X_ORIGIN] = say_origin,       [OVL_X_IMPURE] = say_impure,
		[OVL_X_NLINK] = say_nlink,         [OVL_X_UPPER] = say_upper,
		[OVL_X_UUID] = say_uuid,           [OVL_X_METACOPY] = say_metacopy,
		[OVL_X_PROTATTR] = say_protattr,   [OVL_X_WHITEOUT] = say_whiteout,
		[OVL_X_WHITEOUTS] = say_whiteouts,
	};

	if (w->item->obs.xbad & (1u << id))
		return ovl_buf_adds(&w->text, "cannot be read");
	if (!(w->item->obs.xmask & (1u << id)))
		return ovl_buf_adds(&w->text, "taken away meanwhile");
	w->value = w->item->obs.x[id];
	return sayers[id](w);
}

/* What a name that is not one of those in force means; NULL: nothing to overlayfs. */
static const char *other_meaning(enum ovl_xattr_class class)
{
	switch (class) {
	case OVL_XC_UNKNOWN:
		return "unknown to this program, hidden by the kernel";
	case OVL_XC_ESCAPED:
		return "data of an overlay that is nested in this one";
	case OVL_XC_INACTIVE:
		return "ordinary data: this prefix is not in force";
	case OVL_XC_KNOWN:
	case OVL_XC_FOREIGN:
	default:
		return NULL;
	}
}

static int add_xattr(struct ovl_inspect_item *item, const char *name, struct ovl_buf *text)
{
	_cleanup_(ovl_buf_done) struct ovl_buf shown = { 0 };
	struct ovl_inspect_xattr x;
	int r = ovl_buf_add_escaped(&shown, name, strlen(name));

	if (r < 0)
		return r;
	x.name = ovl_buf_take(&shown);
	x.value = ovl_buf_take(text);
	r = x.name && x.value ? ovl_vec_push(&item->xattr, x) : -ENOMEM;
	if (r < 0) {
		free((char *)x.name);
		free((char *)x.value);
	}
	return r;
}

static int decode_one(struct words *w, struct ovl_inspect_item *item, const char *name)
{
	enum ovl_xattr_id id;
	enum ovl_xattr_class class = ovl_xattr_classify(name, w->stack->config.userxattr, &id);
	const char *other = other_meaning(class);
	int r;

	if (class == OVL_XC_FOREIGN)
		return 0;
	r = other ? ovl_buf_adds(&w->text, other) : say(w, id);
	if (r == 0)
		r = add_xattr(item, name, &w->text);
	ovl_buf_clear(&w->text);
	return r;
}

int ovl_inspect_xattr_decode(struct ovl_stack *stack, struct ovl_inspect_memory *m)
{
	struct words w = { .stack = stack, .memory = m };
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->item.len; i++) {
		struct ovl_inspect_item *item = &m->item.data[i];
		const char *name = (const char *)item->obs.names.data;
		const char *end = item->present ? name + item->obs.names.len : name;

		w.item = item;
		for (; r == 0 && name < end; name += strlen(name) + 1)
			r = decode_one(&w, item, name);
	}
	ovl_buf_done(&w.text);
	return r;
}
