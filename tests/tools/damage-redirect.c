/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damage to redirects.
 */
#include "damage.h"

#include <unistd.h>

static const char nowhere[] = "/planted-nowhere";

static void set_redirect(struct dmg *d, const struct dmg_obj *o, const char *value)
{
	_cleanup_free_ char *path = dmg_path(o);

	dmg_do_set(d, path, DMG_REDIRECT, value, strlen(value));
}

/** A directory, or a metacopy file with one name, whose redirect the kernel reads. */
static bool is_heeded(struct dmg *d, const struct dmg_obj *o)
{
	return dmg_is_heeded(d, o) && (dmg_is_dir(o) || dmg_is_single(d, o));
}

/** A directory whose redirect the kernel follows; if it may not, all it does is to refuse. */
static bool is_followed_dir(struct dmg *d, const struct dmg_obj *o)
{
	return dmg_is_dir(o) && d->follow && dmg_is_heeded(d, o);
}

static bool plant_syntax(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_heeded);

	if (!o)
		return false;
	set_redirect(d, o, DMG_SOME(d, "", "/", "//", "a/b", "./a", "/a/", "/a//b", "a/", "//a"));
	dmg_expect("redirect-syntax", o);
	dmg_expect_less();
	return true;
}

static bool plant_dotdot(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_heeded);

	if (!o)
		return false;
	set_redirect(d, o, DMG_SOME(d, "..", ".", "/..", "/../../etc", "/.", "/./a"));
	dmg_expect("redirect-dotdot", o);
	dmg_expect_less();
	return true;
}

static bool has_heeded(struct dmg *d, const struct dmg_obj *o)
{
	return is_heeded(d, o) && dmg_has(o, DMG_REDIRECT);
}

static bool plant_nul(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, has_heeded);
	_cleanup_free_ char *path = NULL, *value = NULL;
	size_t len;

	if (!o)
		return false;
	path = dmg_path(o);
	len = o->x[DMG_REDIRECT].len;
	value = ovl_tool_format("%s!/planted", (const char *)o->x[DMG_REDIRECT].data);
	value[len] = '\0';
	dmg_do_set(d, path, DMG_REDIRECT, value, len + 1 + ovl_tool_random(&d->rng, 8));
	dmg_expect("redirect-nul", o);
	return true;
}

/** Is there anything above the layer of an object that may be found through it? */
static bool is_led_through(const struct dmg *d, const struct dmg_obj *o)
{
	for (size_t i = 0; i < d->layer_count; i++) {
		const struct dmg_layer *layer = &d->layers[i];

		if (layer->role != DMG_IN_UPPER &&
		    (layer->role != DMG_IN_LOWER || layer->number >= o->layer->number))
			continue;
		for (size_t k = 0; k < layer->count; k++)
			if (dmg_has(layer->objs[k], DMG_REDIRECT) ||
			    dmg_has(layer->objs[k], DMG_METACOPY))
				return true;
	}
	return false;
}

static bool is_followed_alone(struct dmg *d, const struct dmg_obj *o)
{
	return is_followed_dir(d, o) && (dmg_is_upper(o) || !is_led_through(d, o));
}

static bool plant_target_missing(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_followed_alone);

	if (!o)
		return false;
	set_redirect(d, o, DMG_SOME(d, nowhere, "planted-nowhere", "/planted-nowhere/a/b"));
	dmg_expect("redirect-target-missing", o);
	dmg_expect_less();
	if (!dmg_is_upper(o))
		dmg_expect_more(); /* whiteouts above it may hide nothing now */
	return true;
}

/** What lookup of its own path finds first in the lower layers. */
static bool is_first(struct dmg *d, const struct dmg_obj *o)
{
	struct dmg_node *node = o->dir ? dmg_lookup_lower(d, o->path) : NULL;
	bool first = node && !node->bad && node->lower[0] == o;

	dmg_node_free(node);
	return first && strlen(o->path) < 200;
}

static bool is_first_nondir(struct dmg *d, const struct dmg_obj *o)
{
	return !dmg_is_dir(o) && is_first(d, o);
}

static bool plant_target_type(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, is_followed_dir);
	const struct dmg_obj *to = dmg_pick(d, DMG_IN_LOWER, is_first_nondir);

	if (!o || !to)
		return false;
	set_redirect(d, o, to->path);
	dmg_expect("redirect-target-type", o);
	dmg_expect_less();
	return true;
}

static bool is_redirected(struct dmg *d, const struct dmg_obj *o)
{
	return has_heeded(d, o) && dmg_is_merged(o);
}

/** Is there a hard link below? If it comes to light, its link count will be too low. */
static bool holds_links(const struct dmg_obj *dir)
{
	for (size_t i = 0; i < dir->layer->count; i++) {
		const struct dmg_obj *o = dir->layer->objs[i];

		if (!dmg_is_dir(o) && o->st.st_nlink > 1 && dmg_is_below(o, dir))
			return true;
	}
	return false;
}

/** Do hard links lie in what a name of the overlay stands for? */
static bool shows_links(const struct dmg *d, const struct dmg_node *node)
{
	for (size_t i = 0; d->index && i < node->count; i++)
		if (dmg_is_dir(node->lower[i]) && holds_links(node->lower[i]))
			return true;
	return false;
}

/** Does an upper object stand for something else than the lower one that it covers? */
static bool is_replaced(struct dmg *d, const struct dmg_obj *o)
{
	struct dmg_node *below = dmg_beneath(d, o);
	bool covers = below && !dmg_is_at_home(d, o) &&
		      !(dmg_is_merged(o) && !dmg_has(o, DMG_REDIRECT));

	dmg_node_free(below);
	return covers;
}

/**
 * Nothing was moved out of the directory, or removed or replaced in it: all that would come to
 * light where the lower one is shown once more.
 */
static bool is_redirected_whole(struct dmg *d, const struct dmg_obj *o)
{
	if (!is_redirected(d, o) || shows_links(d, o->node))
		return false;
	for (size_t i = 0; i < d->upper->count; i++)
		if (dmg_is_below(d->upper->objs[i], o) && is_replaced(d, d->upper->objs[i]))
			return false;
	return true;
}

static bool plant_duplicate(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, is_redirected_whole);
	_cleanup_free_ char *path = NULL;
	const char *name;

	if (!o)
		return false;
	name = dmg_new_name(d);
	path = dmg_path_in(o->dir, name);
	dmg_do_mkdir(d, path, 0755);
	dmg_do_set(d, path, DMG_REDIRECT, o->x[DMG_REDIRECT].data, o->x[DMG_REDIRECT].len);
	if (dmg_has(o, DMG_ORIGIN))
		dmg_do_set(d, path, DMG_ORIGIN, o->x[DMG_ORIGIN].data, o->x[DMG_ORIGIN].len);
	/* Which is the copy nobody can tell: the second in order is named. */
	if (strcmp(o->name, name) < 0)
		dmg_expect_at("redirect-duplicate", o->dir, name, false);
	else
		dmg_expect("redirect-duplicate", o);
	return true;
}

/** The upper directory that stands on a lower one by a redirect, or NULL. */
static const struct dmg_obj *redirected_to(struct dmg *d, const struct dmg_obj *lower)
{
	for (size_t i = 0; i < d->upper->count; i++) {
		const struct dmg_obj *o = d->upper->objs[i];

		if (is_redirected_whole(d, o) && o->node->lower[0] == lower)
			return o;
	}
	return NULL;
}

static bool covers_a_target(struct dmg *d, const struct dmg_obj *o)
{
	struct dmg_node *below;
	bool covers;

	if (!dmg_is_whiteout(o) || !o->dir || !strncmp(o->name, ".wh.", 4))
		return false;
	below = dmg_beneath(d, o);
	covers = below && !below->bad && redirected_to(d, below->lower[0]) &&
		 !shows_links(d, below);
	dmg_node_free(below);
	return covers;
}

static bool plant_uncovered(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, covers_a_target);
	_cleanup_free_ char *from = NULL, *to = ovl_tool_format("%s/outside/planted", d->dir);
	struct dmg_node *below;

	if (!o)
		return false;
	from = dmg_path(o);
	dmg_do_rename(d, from, to);
	below = dmg_beneath(d, o);
	dmg_expect("redirect-uncovered", redirected_to(d, below->lower[0]));
	dmg_node_free(below);
	return true;
}

static bool is_opaque_dir(struct dmg *d, const struct dmg_obj *o)
{
	bool below = d->follow || d->data ? o->layer->number < d->lower_count :
					    o->dir && o->dir->node && o->dir->node->count > 0;

	return o->dir && o->node && dmg_is_opaque(o) && !dmg_has(o, DMG_REDIRECT) &&
	       (d->follow || dmg_is_upper(o)) && below;
}

static bool plant_with_opaque(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_opaque_dir);

	if (!o)
		return false;
	set_redirect(d, o, DMG_SOME(d, nowhere, "a", "/a"));
	dmg_expect("redirect-with-opaque", o);
	dmg_expect_less(); /* "impure" on its directory may be meant now */
	return true;
}

static bool is_not_metacopy(struct dmg *d, const struct dmg_obj *o)
{
	return !dmg_is_dir(o) && !dmg_is_metacopy(o) && !dmg_has(o, DMG_REDIRECT) &&
	       o->st.st_nlink == 1 && (!d->userxattr || dmg_is_reg(o));
}

static bool plant_stale_file(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER | DMG_IN_LOWER, is_not_metacopy);

	if (!o)
		return false;
	set_redirect(d, o, DMG_SOME(d, nowhere, "a", "/a/b", "a/b"));
	dmg_expect_info("redirect-stale-file", o);
	return true;
}

static bool is_dir(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return dmg_is_dir(o) && o->node;
}

static bool plant_escape_data(struct dmg *d)
{
	const struct dmg_obj *o = d->data ? dmg_pick(d, DMG_IN_LOWER, is_dir) : NULL;
	_cleanup_free_ char *path = NULL;
	const char *name, *to;

	if (!o)
		return false;
	name = dmg_new_name(d);
	path = dmg_path_in(o, name);
	to = DMG_SOME(d, nowhere, "/planted-nowhere/a");
	dmg_do_file(d, path, 0);
	dmg_do_set(d, path, DMG_METACOPY, "", 0);
	dmg_do_set(d, path, DMG_REDIRECT, to, strlen(to));
	dmg_expect_at("redirect-escape-data", o, name, false);
	return true;
}

/**
 * A metacopy file whose data has a long path. The lower file has two names: only then may it be
 * visible as well.
 */
static bool plant_overlong(struct dmg *d)
{
	_cleanup_free_ char *name = NULL, *dir = NULL, *file = NULL, *other = NULL, *path = NULL;
	const struct dmg_obj *root = d->lower->objs[0], *o;
	const char *new;

	if (!d->metacopy || d->index || !d->upper)
		return false;
	o = dmg_pick(d, DMG_IN_UPPER, is_dir);
	new = dmg_new_name(d);
	name = ovl_tool_format("%0255d", 1);
	dir = dmg_path_in(root, name);
	file = ovl_tool_format("%s/file", dir);
	other = ovl_tool_format("%s/other", dir);
	dmg_do_mkdir(d, dir, 0755);
	dmg_do_file(d, file, 0);
	dmg_do_link(d, file, other);
	path = dmg_path_in(o, new);
	dmg_do_file(d, path, 0);
	dmg_do_set(d, path, DMG_METACOPY, "", 0);
	dmg_do_set(d, path, DMG_REDIRECT, file + strlen(root->layer->dir),
		   strlen(file) - strlen(root->layer->dir));
	dmg_expect_at("redirect-overlong", o, new, true);
	dmg_expect_less(); /* "impure" on its directory may be meant now */
	return true;
}

/** A metacopy file that is found by its own name, or by another one beside it. */
static bool is_found_nearby(struct dmg *d, const struct dmg_obj *o)
{
	return dmg_is_metacopy(o) && dmg_is_heeded(d, o) && dmg_is_single(d, o) &&
	       o->x[DMG_REDIRECT].len < 255 &&
	       (!dmg_has(o, DMG_REDIRECT) || o->x[DMG_REDIRECT].data[0] != '/');
}

static bool is_pure_dir(struct dmg *d, const struct dmg_obj *o)
{
	(void)d;
	return dmg_is_dir(o) && o->dir && o->node && !o->node->count;
}

static bool plant_relative(struct dmg *d)
{
	const struct dmg_obj *o = dmg_pick(d, DMG_IN_UPPER, is_found_nearby);
	const struct dmg_obj *dir = dmg_pick(d, DMG_IN_UPPER, is_pure_dir);
	_cleanup_free_ char *from = NULL, *in = NULL, *to = NULL;
	const char *name;

	if (!o || !dir || o->dir == dir)
		return false;
	name = dmg_new_name(d);
	from = dmg_path(o);
	to = dmg_path_in(dir, name);
	in = dmg_path(dir);
	if (!dmg_has(o, DMG_REDIRECT))
		set_redirect(d, o, o->name);
	if (!dmg_has(dir, DMG_IMPURE))
		dmg_do_set(d, in, DMG_IMPURE, "y", 1);
	dmg_do_link(d, from, to);
	dmg_expect_at("redirect-relative-hardlinked", dir, name, false);
	return true;
}

const struct dmg_slug dmg_redirect_slugs[] = {
	{ "redirect-syntax", plant_syntax },
	{ "redirect-dotdot", plant_dotdot },
	{ "redirect-nul", plant_nul },
	{ "redirect-target-missing", plant_target_missing },
	{ "redirect-target-type", plant_target_type },
	{ "redirect-duplicate", plant_duplicate },
	{ "redirect-uncovered", plant_uncovered },
	{ "redirect-with-opaque", plant_with_opaque },
	{ "redirect-stale-file", plant_stale_file },
	{ "redirect-escape-data", plant_escape_data },
	{ "redirect-overlong", plant_overlong },
	{ "redirect-relative-hardlinked", plant_relative },
	{ NULL, NULL },
};
