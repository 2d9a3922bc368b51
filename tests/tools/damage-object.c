/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of an object of an overlay that was sound a moment ago.
 */
#include "damage.h"

bool dmg_is_whiteout(const struct dmg_obj *o)
{
	return S_ISCHR(o->st.st_mode) && o->st.st_rdev == 0;
}

bool dmg_is_metacopy(const struct dmg_obj *o)
{
	return dmg_is_reg(o) && dmg_has(o, DMG_METACOPY);
}

bool dmg_is_opaque(const struct dmg_obj *o)
{
	return dmg_is_dir(o) && o->x[DMG_OPAQUE].len == 1 && o->x[DMG_OPAQUE].data[0] == 'y';
}

bool dmg_in_opaque(const struct dmg_obj *dir)
{
	for (; dir; dir = dir->dir)
		if (dmg_is_opaque(dir))
			return true;
	return false;
}

bool dmg_is_last(const struct dmg *d, const struct dmg_obj *o)
{
	return o->layer->role == DMG_IN_LOWER && o->layer->number == d->lower_count && !d->data;
}

bool dmg_is_heeded(const struct dmg *d, const struct dmg_obj *o)
{
	if (!o->dir || !o->node)
		return false;
	if (dmg_is_dir(o) ? dmg_is_opaque(o) : !dmg_is_metacopy(o))
		return false;
	if (d->follow || d->data)
		return o->layer->role == DMG_IN_UPPER ||
		       (o->layer->role == DMG_IN_LOWER && o->layer->number < d->lower_count);
	return dmg_is_upper(o) && o->node->dir->count > 0;
}

bool dmg_is_indexed(const struct dmg *d, const struct dmg_obj *o)
{
	const struct dmg_layer *index = d->index_layer;

	for (size_t i = 1; index && i < index->count; i++)
		if (index->objs[i]->st.st_ino == o->st.st_ino && index->objs[i]->name[0] != '#')
			return true;
	return false;
}

bool dmg_is_below(const struct dmg_obj *o, const struct dmg_obj *dir)
{
	for (o = o->dir; o; o = o->dir)
		if (o == dir)
			return true;
	return false;
}

bool dmg_is_merged(const struct dmg_obj *o)
{
	return dmg_is_upper(o) && dmg_is_dir(o) && o->node && o->node->upper == o &&
	       o->node->count > 0;
}

bool dmg_is_listed_merged(const struct dmg_obj *dir)
{
	const struct dmg_node *node = dir->node;
	const struct dmg_obj *top = node->upper ? node->upper : node->lower[0];

	return !dir->dir || node->count + (node->upper != NULL) > 1 || dmg_has(top, DMG_ORIGIN);
}

bool dmg_is_at_home(struct dmg *d, const struct dmg_obj *o)
{
	struct dmg_node *home;
	bool is_home;

	if (!dmg_is_upper(o) || dmg_is_dir(o) || !dmg_is_plain_handle(&o->x[DMG_ORIGIN]))
		return false;
	home = dmg_beneath(d, o);
	is_home = home && !home->bad && dmg_handle_same(&home->lower[0]->fh, &o->x[DMG_ORIGIN]);
	dmg_node_free(home);
	return is_home;
}

bool dmg_is_single(const struct dmg *d, const struct dmg_obj *o)
{
	return o->st.st_nlink == 1 && !dmg_is_indexed(d, o);
}
