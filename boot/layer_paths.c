/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths of layers. See layer_paths.h.
 */
#include "layer_paths.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "overlayfs/boot.h"
#include "unit_text.h"

void ovl_layer_paths_done(struct ovl_layer_paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->path[i]);
	free(p->path);
	*p = (struct ovl_layer_paths){ 0 };
}

/* Is @path the folder @where or something in it? Both are plain: no double slashes, no dots. */
static bool is_in(const char *path, const char *where)
{
	size_t len = strlen(where);

	return len > 1 && strncmp(path, where, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Adds a plain path, which is taken. */
static void add(struct ovl_layer_paths *p, char *path, const char *where)
{
	char *slash;

	if (is_in(path, where)) {
		path[strlen(where)] = '\0';
		slash = strrchr(path, '/');
		slash[slash == path] = '\0';
	}
	p->path[p->n++] = path;
}

/* As it is written, and as it is: at least one of them is wanted. There is room for both. */
static int add_layer(struct ovl_layer_paths *p, const char *layer, const char *where)
{
	char *path[2] = { NULL, NULL };
	size_t before = p->n;
	int r;

	r = ovl_boot_plain(layer, &path[0]);
	if (r == 0)
		r = ovl_boot_chase(layer, &path[1]);
	for (int i = 0; i < 2; i++) {
		if (r == 0 && ovl_unit_text_can_be(path[i]))
			add(p, path[i], where);
		else
			free(path[i]);
	}
	p->left_out += r == 0 && p->n == before;
	return r;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void drop_doubles(struct ovl_layer_paths *p)
{
	size_t i, n = 0;

	if (p->n == 0)
		return;
	qsort(p->path, p->n, sizeof(*p->path), compare);
	for (i = 1; i < p->n; i++) {
		if (strcmp(p->path[i], p->path[n]) == 0)
			free(p->path[i]);
		else
			p->path[++n] = p->path[i];
	}
	p->n = n + 1;
}

int ovl_layer_paths(const struct ovl_config *config, const char *where, struct ovl_layer_paths *ret)
{
	struct ovl_layer_paths p = { 0 };
	size_t i;
	int r = 0;

	p.path = calloc(2 * (config->n_lower + config->n_data + 2), sizeof(*p.path));
	if (!p.path)
		return -ENOMEM;
	if (config->upper)
		r = add_layer(&p, config->upper, where);
	if (config->work && r == 0)
		r = add_layer(&p, config->work, where);
	for (i = 0; i < config->n_lower && r == 0; i++)
		r = add_layer(&p, config->lower[i], where);
	for (i = 0; i < config->n_data && r == 0; i++)
		r = add_layer(&p, config->data[i], where);
	if (r < 0) {
		ovl_layer_paths_done(&p);
		return r;
	}
	drop_doubles(&p);
	*ret = p;
	return 0;
}
