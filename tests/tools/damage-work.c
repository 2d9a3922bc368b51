/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damage to the work directory.
 */
#include "damage.h"

#include <unistd.h>

static char *in_work(const struct dmg *d, const char *path)
{
	return ovl_tool_format("%s/work%s", d->work, path);
}

/** work/ is there, as after every mount. */
static bool has_work(const struct dmg *d)
{
	_cleanup_free_ char *path = d->work ? in_work(d, "") : NULL;
	struct stat st;

	return path && !lstat(path, &st) && S_ISDIR(st.st_mode);
}

static void make_dir(struct dmg *d, const char *path)
{
	_cleanup_free_ char *real = in_work(d, path);
	struct stat st;

	if (lstat(real, &st) < 0)
		dmg_do_mkdir(d, real, 0700);
}

static void make_file(struct dmg *d, const char *path)
{
	_cleanup_free_ char *real = in_work(d, path);

	dmg_do_file(d, real, ovl_tool_random(&d->rng, 20));
}

static bool plant_incompat(struct dmg *d)
{
	if (!has_work(d))
		return false;
	make_dir(d, "/incompat");
	if (ovl_tool_chance(&d->rng, 1, 2)) {
		make_dir(d, "/incompat/volatile");
		make_file(d, "/incompat/volatile/dirty");
		dmg_expect_place("work-incompat", "work", "/work/incompat/volatile", false);
	} else {
		make_file(d, "/incompat/planted");
		dmg_expect_place("work-incompat", "work", "/work/incompat/planted", false);
	}
	return true;
}

static bool plant_deep(struct dmg *d)
{
	if (!has_work(d))
		return false;
	make_dir(d, "/#planted");
	make_dir(d, "/#planted/a");
	make_dir(d, "/#planted/a/b");
	if (ovl_tool_chance(&d->rng, 1, 2))
		make_dir(d, "/#planted/a/b/c");
	if (ovl_tool_chance(&d->rng, 1, 2))
		make_file(d, "/#planted/a/c");
	dmg_expect_place("work-deep-leftover", "work", "/work/#planted/a", false);
	return true;
}

static bool plant_temp(struct dmg *d)
{
	const char *name = DMG_SOME(d, "/#planted", "/#ffff0000", "/planted");
	_cleanup_free_ char *place = ovl_tool_format("/work%s", name);
	_cleanup_free_ char *below = ovl_tool_format("%s/a", name);

	if (!has_work(d))
		return false;
	if (ovl_tool_chance(&d->rng, 1, 2)) {
		make_file(d, name);
	} else {
		make_dir(d, name);
		make_dir(d, below);
	}
	dmg_expect_place("work-temp-leftover", "work", place, false);
	return true;
}

static bool plant_not_dir(struct dmg *d)
{
	_cleanup_free_ char *path = NULL, *to = ovl_tool_format("%s/outside/planted", d->dir);

	if (!has_work(d))
		return false;
	path = in_work(d, "");
	dmg_do_rename(d, path, to);
	make_file(d, "");
	dmg_expect_place("work-not-dir", "work", "/work", true);
	return true;
}

static bool plant_foreign(struct dmg *d)
{
	const char *name = DMG_SOME(d, "planted", "plan\nted", "#1", "work.old", "upper");
	_cleanup_free_ char *path = NULL, *place = ovl_tool_format("/%s", name);

	if (!d->work)
		return false;
	path = ovl_tool_format("%s/%s", d->work, name);
	if (ovl_tool_chance(&d->rng, 1, 2))
		dmg_do_file(d, path, 10);
	else
		dmg_do_mkdir(d, path, 0755);
	dmg_expect_place("work-foreign-file", "work", place, false);
	return true;
}

const struct dmg_slug dmg_work_slugs[] = {
	{ "work-incompat", plant_incompat },    { "work-deep-leftover", plant_deep },
	{ "work-temp-leftover", plant_temp },   { "work-not-dir", plant_not_dir },
	{ "work-foreign-file", plant_foreign }, { NULL, NULL },
};
