/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Choosing at random, and saying what must be found.
 */
#include "damage.h"

struct dmg_obj *dmg_pick(struct dmg *d, unsigned roles, dmg_fits *fits)
{
	struct dmg_obj **all = NULL, *picked;
	size_t count = 0;

	for (size_t i = 0; i < d->layer_count; i++) {
		const struct dmg_layer *layer = &d->layers[i];

		for (size_t k = 0; (layer->role & roles) && k < layer->count; k++) {
			if (!fits(d, layer->objs[k]))
				continue;
			all = ovl_tool_realloc(all, count + 1, sizeof(*all));
			all[count++] = layer->objs[k];
		}
	}
	picked = count ? all[ovl_tool_random(&d->rng, (uint32_t)count)] : NULL;
	free(all);
	return picked;
}

const char *dmg_some(struct dmg *d, const char *const *words, size_t count)
{
	return words[ovl_tool_random(&d->rng, (uint32_t)count)];
}

const char *dmg_new_name(struct dmg *d)
{
	/* ovl-random uses none of these. */
	return DMG_SOME(d, "planted", "plan\nted", "plan\\ted", "planted: text (slug)",
			"pl\xfdnted", "pl\xc3\xa4nted");
}

/** Valid UTF-8 stays as it is; the names of the tests have it in two bytes only. */
static bool is_letter(const char *at)
{
	const unsigned char *u = (const unsigned char *)at;

	return u[0] >= 0xc3 && u[0] <= 0xdf && (u[1] & 0xc0) == 0x80;
}

static void print_path(const char *path)
{
	for (; *path; path++) {
		if (is_letter(path)) {
			putchar(*path++);
			putchar(*path);
		} else {
			ovl_tool_escape(stdout, path, 1, "");
		}
	}
}

void dmg_expect_place(const char *slug, const char *label, const char *path, bool info)
{
	printf("%s %s %s", info ? "info" : "problem", slug, label);
	if (path) {
		putchar(':');
		print_path(*path ? path : "/");
	}
	putchar('\n');
}

void dmg_expect(const char *slug, const struct dmg_obj *o)
{
	dmg_expect_place(slug, o->layer->label, o->path, false);
}

void dmg_expect_info(const char *slug, const struct dmg_obj *o)
{
	dmg_expect_place(slug, o->layer->label, o->path, true);
}

void dmg_expect_at(const char *slug, const struct dmg_obj *dir, const char *name, bool info)
{
	_cleanup_free_ char *path = ovl_tool_format("%s/%s", dir->path, name);

	dmg_expect_place(slug, dir->layer->label, path, info);
}

void dmg_expect_names(struct dmg *d, const char *slug, const struct dmg_obj *o, bool info)
{
	const struct dmg_layer *layer = o->layer;

	(void)d;
	for (size_t i = 0; i < layer->count; i++)
		if (layer->objs[i]->st.st_ino == o->st.st_ino)
			dmg_expect_place(slug, layer->label, layer->objs[i]->path, info);
}

void dmg_expect_less(void)
{
	puts("less");
}

void dmg_expect_more(void)
{
	puts("more");
}
