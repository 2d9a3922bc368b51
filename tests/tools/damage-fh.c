/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damage to the form of stored file handles.
 */
#include "damage.h"

enum { AT_VERSION, AT_MAGIC, AT_LEN, AT_FLAGS, AT_TYPE, AT_FID = 21 };

enum { FLAG_BIG_ENDIAN = 1, FLAG_PATH_UPPER = 4 };

static bool has_handle(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return dmg_is_plain_handle(&o->x[DMG_ORIGIN]);
}

static void set_origin(struct dmg *d, const struct dmg_obj *o, const void *data, size_t len)
{
	_cleanup_free_ char *path = dmg_path(o);

	dmg_do_set(d, path, DMG_ORIGIN, data, len);
}

static bool plant_malformed(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, has_handle);
	unsigned char value[256] = { 0 };
	size_t len;

	if (!o)
		return false;
	len = o->x[DMG_ORIGIN].len;
	memcpy(value, o->x[DMG_ORIGIN].data, len);
	switch (ovl_tool_random(&d->rng, 7)) {
	case 0:
		len = 1 + ovl_tool_random(&d->rng, (uint32_t)len - 1); /* cut */
		break;
	case 1:
		value[AT_MAGIC] ^= 1;
		break;
	case 2:
		value[AT_LEN] = (unsigned char)ovl_tool_random(&d->rng, AT_FID + 4);
		break;
	case 3:
		value[AT_LEN] += 4; /* longer than the value */
		break;
	case 4:
		memset(value, 0, len);
		break;
	case 5:
		memset(value, 'x', sizeof(value));
		len = sizeof(value);
		break;
	default:
		value[0] = 'y';
		len = 1;
		break;
	}
	set_origin(d, o, value, len);
	dmg_expect_names(d, "fh-malformed", o, false);
	return true;
}

static bool plant_foreign(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, has_handle);
	unsigned char *value;

	if (!o)
		return false;
	value = o->x[DMG_ORIGIN].data;
	switch (ovl_tool_random(&d->rng, 3)) {
	case 0:
		value[AT_VERSION] = (unsigned char)(1 + ovl_tool_random(&d->rng, 255));
		break;
	case 1:
		value[AT_FLAGS] |= (unsigned char)(8 << ovl_tool_random(&d->rng, 5));
		break;
	default:
		value[AT_FLAGS] ^= FLAG_BIG_ENDIAN;
		break;
	}
	set_origin(d, o, value, o->x[DMG_ORIGIN].len);
	dmg_expect_names(d, "fh-foreign", o, false);
	return true;
}

static bool plant_trailing(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, has_handle);
	unsigned char value[256] = { 0 };

	if (!o)
		return false;
	memcpy(value, o->x[DMG_ORIGIN].data, o->x[DMG_ORIGIN].len);
	set_origin(d, o, value, o->x[DMG_ORIGIN].len + 1 + ovl_tool_random(&d->rng, 60));
	dmg_expect_names(d, "fh-trailing-bytes", o, true);
	return true;
}

/** The xattr "upper" of the index, and of the directories in it. */
static bool names_an_upper(struct dmg *d, const struct dmg_obj *o)
{
	return o->x[DMG_UPPER].len > AT_FID && d->index && (!o->dir || d->nfs_export);
}

static bool plant_upper_flag(struct dmg *d)
{
	bool in_index = ovl_tool_chance(&d->rng, 1, 2);
	const struct dmg_obj *o = in_index ? dmg_pick(d, DMG_IN_INDEX, names_an_upper) : NULL;
	_cleanup_free_ char *path = NULL;
	enum dmg_xattr x = o ? DMG_UPPER : DMG_ORIGIN;

	if (!o)
		o = dmg_pick(d, DMG_IN_UPPER, has_handle);
	if (!o)
		return false;
	path = dmg_path(o);
	o->x[x].data[AT_FLAGS] ^= FLAG_PATH_UPPER;
	dmg_do_set(d, path, x, o->x[x].data, o->x[x].len);
	dmg_expect_names(d, "fh-upper-flag", o, false);
	return true;
}

/** XFS has two forms of handle: type 0x81 with a 64-bit inode number, and 0x01 with a 32-bit one. */
static bool is_long_xfs(const struct dmg_value *v)
{
	static const unsigned char high[4];

	return v->len == AT_FID + 12 && v->data[AT_TYPE] == 0x81 &&
	       !memcmp(v->data + AT_FID + 4, high, sizeof(high));
}

static bool plant_short_xfs(struct dmg *d)
{
	const struct dmg_obj *o = d->upper ? d->upper->objs[0] : NULL;
	_cleanup_free_ char *path = NULL;
	enum dmg_xattr x = DMG_ORIGIN;
	unsigned char *value;

	if (o && d->index && d->index_layer && ovl_tool_chance(&d->rng, 1, 2)) {
		o = d->index_layer->objs[0];
		x = DMG_UPPER;
	}
	if (!o || !is_long_xfs(&o->x[x]))
		return false;
	path = dmg_path(o);
	value = o->x[x].data;
	value[AT_TYPE] = 0x01;
	value[AT_LEN] = AT_FID + 8;
	memmove(value + AT_FID + 4, value + AT_FID + 8, 4);
	dmg_do_set(d, path, x, value, AT_FID + 8);
	dmg_expect("fh-encoding-changed", o);
	return true;
}

/** The root of the upper from a time when the option uuid was another one. */
static bool plant_other_uuid(struct dmg *d)
{
	const struct dmg_obj *o = d->upper ? d->upper->objs[0] : NULL;
	struct dmg_value *origin;

	if (!o || !d->uuid_given || !has_handle(d, o))
		return false;
	origin = &d->upper->objs[0]->x[DMG_ORIGIN];
	if (!dmg_handle_other_uuid(d, origin))
		return false;
	set_origin(d, o, origin->data, origin->len);
	dmg_expect("fh-encoding-changed", o);
	return true;
}

static bool plant_encoding(struct dmg *d)
{
	bool uuid = ovl_tool_chance(&d->rng, 1, 2);

	if (!(uuid && plant_other_uuid(d)) && !plant_short_xfs(d) &&
	    !(!uuid && plant_other_uuid(d)))
		return false;
	dmg_expect_less(); /* no entry of the index is judged */
	return true;
}

const struct dmg_slug dmg_handle_slugs[] = {
	{ "fh-malformed", plant_malformed },       { "fh-foreign", plant_foreign },
	{ "fh-trailing-bytes", plant_trailing },   { "fh-upper-flag", plant_upper_flag },
	{ "fh-encoding-changed", plant_encoding }, { NULL, NULL },
};
