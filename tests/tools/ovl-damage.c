/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-damage - damages an overlay in one way, and says what must be found
 *
 *	ovl-damage DIR SLUG SEED    DIR is what ovl-random filled
 *	ovl-damage -u DIR           takes the last damage back
 *	ovl-damage -l               every SLUG
 *
 * Picks, by the seed, an object that can have the problem SLUG, makes it so with plain system
 * calls, behind the kernel's back, and prints what the check must find now and did not find
 * before, each as one line:
 *
 *	problem SLUG PLACE    a warning or an error
 *	info SLUG PLACE       information
 *	less                  something is hidden now: information about it may be gone
 *	more                  the same, but information may have come
 *
 * Everything else in the overlay must be judged as before.
 *
 * Exit status: 0; 77 if nothing in the overlay can have this problem; 99 trouble.
 */
#include "damage.h"

#include <stdio.h>

static const struct dmg_slug *const families[] = {
	dmg_work_slugs,     dmg_handle_slugs,   dmg_origin_slugs,
	dmg_whiteout_slugs, dmg_redirect_slugs, dmg_metacopy_slugs,
	dmg_index_slugs,    dmg_nlink_slugs,    dmg_other_slugs,
};

static const struct dmg_slug *find(const char *slug)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		for (const struct dmg_slug *s = families[i]; s->slug; s++)
			if (!strcmp(s->slug, slug))
				return s;
	return NULL;
}

static int list(void)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		for (const struct dmg_slug *s = families[i]; s->slug; s++)
			puts(s->slug);
	return 0;
}

/** Every slug gets numbers of its own from the same seed. */
static uint64_t mix(const char *slug, uint64_t seed)
{
	for (; *slug; slug++)
		seed = (seed ^ (unsigned char)*slug) * 0x100000001b3u;
	return seed;
}

static int usage(void)
{
	fputs("usage: ovl-damage DIR SLUG SEED\n"
	      "       ovl-damage -u DIR\n"
	      "       ovl-damage -l\n",
	      stderr);
	return 99;
}

int main(int argc, char **argv)
{
	const struct dmg_slug *slug;
	struct dmg d = { 0 };
	bool planted;

	if (argc == 2 && !strcmp(argv[1], "-l"))
		return list();
	if (argc == 3 && !strcmp(argv[1], "-u")) {
		dmg_undo(argv[2]);
		return 0;
	}
	slug = argc == 4 ? find(argv[2]) : NULL;
	if (!slug)
		return usage();
	d.rng.state = mix(argv[2], ovl_tool_number(argv[3], UINT64_MAX));
	dmg_load(&d, argv[1]);
	dmg_view(&d);
	dmg_undo_open(&d, d.dir);
	planted = slug->plant(&d);
	dmg_undo_close(&d);
	dmg_free(&d);
	if (fflush(stdout) || ferror(stdout))
		ovl_tool_die("writing");
	return planted ? 0 : 77;
}
