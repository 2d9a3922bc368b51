/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damage to link counts.
 */
#include "damage.h"

/** An entry of the index whose count the kernel looks at: the lower file has several names. */
static bool is_counted(struct dmg *d, const struct dmg_obj *o)
{
	return d->index && o->dir && !o->dir->dir && o->name[0] != '#' && !dmg_is_dir(o) &&
	       !dmg_is_whiteout(o) && dmg_lower_nlink(d, &o->x[DMG_ORIGIN]) > 1;
}

static void set_nlink(struct dmg *d, const struct dmg_obj *o, const char *value)
{
	_cleanup_free_ char *path = dmg_path(o);

	dmg_do_set(d, path, DMG_NLINK, value, strlen(value));
}

static bool plant_format(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_INDEX, is_counted);

	if (!o)
		return false;
	set_nlink(d, o, DMG_SOME(d, "", "U", "X+1", "1", "U+", "U+1 ", "U+00000000001", "u+1"));
	dmg_expect("nlink-format", o);
	return true;
}

/** How many names of the inode of an entry are visible. */
static size_t visible_names(const struct dmg *d, const struct dmg_obj *entry)
{
	const struct dmg_obj *lower = dmg_by_handle(d, &entry->x[DMG_ORIGIN]);
	size_t count = 0;

	for (size_t i = 0; i < d->upper->count; i++)
		count += d->upper->objs[i]->st.st_ino == entry->st.st_ino;
	for (size_t i = 0; i < d->node_count; i++)
		count += !d->nodes[i]->bad && !d->nodes[i]->upper &&
			 d->nodes[i]->lower[0]->st.st_ino == lower->st.st_ino;
	return count;
}

static bool has_names(struct dmg *d, const struct dmg_obj *o)
{
	return is_counted(d, o) && visible_names(d, o) > 1;
}

static bool plant_low(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_INDEX, has_names);
	_cleanup_free_ char *value = NULL;
	long total;

	if (!o)
		return false;
	/* The kernel takes 0 and less for malformed. */
	total = 1 + (long)ovl_tool_random(&d->rng, (uint32_t)visible_names(d, o) - 1);
	if (ovl_tool_chance(&d->rng, 1, 2))
		value = ovl_tool_format("U%+ld", total - (long)o->st.st_nlink);
	else
		value = ovl_tool_format("L%+ld",
					total - (long)dmg_lower_nlink(d, &o->x[DMG_ORIGIN]));
	set_nlink(d, o, value);
	dmg_expect("nlink-low", o);
	return true;
}

static bool plant_high(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_INDEX, is_counted);
	_cleanup_free_ char *value = NULL;
	long total;

	if (!o)
		return false;
	total = (long)(o->st.st_nlink + dmg_lower_nlink(d, &o->x[DMG_ORIGIN])) +
		(long)ovl_tool_random(&d->rng, 100);
	value = ovl_tool_format("U%+ld", total - (long)o->st.st_nlink);
	set_nlink(d, o, value);
	dmg_expect("nlink-high", o);
	return true;
}

static bool is_nonindexed(struct dmg *d, const struct dmg_obj *o)
{
	return !dmg_is_dir(o) && !dmg_is_whiteout(o) && !dmg_is_indexed(d, o) &&
	       !dmg_has(o, DMG_NLINK) && (!d->userxattr || dmg_is_reg(o));
}

static bool plant_nonindexed(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, is_nonindexed);

	if (!o)
		return false;
	set_nlink(d, o, DMG_SOME(d, "U+1", "L-1", "nonsense"));
	dmg_expect_names(d, "nlink-nonindexed", o, true);
	return true;
}

/** Of files without any mark the links are not counted. */
static bool is_marked(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	if (dmg_is_dir(o) || dmg_is_whiteout(o))
		return false;
	for (size_t x = 0; x < DMG_XATTRS; x++)
		if (dmg_has(o, x))
			return true;
	return false;
}

static bool plant_foreign(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, is_marked);
	_cleanup_free_ char *from = NULL, *to = ovl_tool_format("%s/outside/planted", d->dir);

	if (!o)
		return false;
	from = dmg_path(o);
	dmg_do_link(d, from, to);
	/* One line for the inode, by the first of its names. */
	for (size_t i = 0; i < d->upper->count; i++) {
		if (d->upper->objs[i]->st.st_ino == o->st.st_ino) {
			dmg_expect("upper-hardlink-foreign", d->upper->objs[i]);
			break;
		}
	}
	return true;
}

const struct dmg_slug dmg_nlink_slugs[] = {
	{ "nlink-format", plant_format },
	{ "nlink-low", plant_low },
	{ "nlink-high", plant_high },
	{ "nlink-nonindexed", plant_nonindexed },
	{ "upper-hardlink-foreign", plant_foreign },
	{ NULL, NULL },
};
