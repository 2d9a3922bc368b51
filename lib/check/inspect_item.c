/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an inspection found in each layer. See inspect_item.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "check/inspect_item.h"

#include "base/banned.h"

static void item_done(struct ovl_inspect_item *item)
{
	for (size_t i = 0; i < item->xattr.len; i++) {
		free((char *)item->xattr.data[i].name);
		free((char *)item->xattr.data[i].value);
	}
	ovl_vec_done(&item->xattr);
	ovl_path_unref((struct ovl_path *)item->loc.path);
	free(item->bytes);
	free(item->why);
}

/* One block holds the list of names and all values. */
static int copy_obs(const struct ovl_obs *from, struct ovl_inspect_item *item)
{
	size_t len = from->names.len + 1;
	unsigned char *p;

	for (int id = 0; id < OVL_X__MAX; id++)
		len += from->xmask & (1u << id) ? from->x[id].len : 0;
	p = item->bytes = malloc(len);
	if (!p)
		return -ENOMEM;
	item->present = true;
	item->obs = *from;
	if (from->names.len > 0)
		memcpy(p, from->names.data, from->names.len);
	item->obs.names.data = p;
	p += from->names.len;
	*p++ = '\0'; /* the kernel's list may lack its last one */
	for (int id = 0; id < OVL_X__MAX; id++) {
		if (!(from->xmask & (1u << id)))
			continue;
		if (from->x[id].len > 0)
			memcpy(p, from->x[id].data, from->x[id].len);
		item->obs.x[id].data = p;
		p += from->x[id].len;
	}
	return 0;
}

int ovl_inspect_item_add(struct ovl_inspect_memory *m, int layer, const struct ovl_path *path,
			 const struct ovl_obs *obs, struct ovl_inspect_item **ret)
{
	struct ovl_inspect_item item = { .loc = { layer, ovl_path_ref(path) } };
	int r = obs ? copy_obs(obs, &item) : 0;

	if (r == 0)
		r = ovl_vec_push(&m->item, item);
	if (r < 0) {
		item_done(&item);
		return r;
	}
	*ret = &m->item.data[m->item.len - 1];
	return 0;
}

void ovl_inspect_item_drop_last(struct ovl_inspect_memory *m)
{
	item_done(&m->item.data[--m->item.len]);
}

void ovl_inspect_item_clear(struct ovl_inspect_memory *m)
{
	while (m->item.len > 0)
		ovl_inspect_item_drop_last(m);
}

struct ovl_inspect_item *ovl_inspect_item_find(struct ovl_inspect_memory *m, int layer,
					       const struct ovl_path *path)
{
	for (size_t i = 0; i < m->item.len; i++) {
		struct ovl_inspect_item *item = &m->item.data[i];

		if (item->present && item->loc.layer == layer &&
		    ovl_path_compare(item->loc.path, path) == 0)
			return item;
	}
	return NULL;
}

int ovl_inspect_item_say(struct ovl_inspect_item *item, const char *fmt, ...)
{
	va_list args;
	int n;

	if (item->why)
		return 0;
	va_start(args, fmt);
	n = vasprintf(&item->why, fmt, args);
	va_end(args);
	if (n < 0) {
		item->why = NULL;
		return -ENOMEM;
	}
	return 0;
}
