/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lookups could not read. See unread.h.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "stack/unread.h"

#include "base/banned.h"

int ovl_unread_init(struct ovl_unread_list *list)
{
	*list = (struct ovl_unread_list){ 0 };
	return -pthread_mutex_init(&list->lock, NULL);
}

void ovl_unread_clear(struct ovl_unread_list *list)
{
	for (size_t i = 0; i < list->item.len; i++)
		ovl_path_unref((struct ovl_path *)list->item.data[i].loc.path);
	ovl_vec_done(&list->item);
	ovl_map_done(&list->seen);
}

void ovl_unread_done(struct ovl_unread_list *list)
{
	ovl_unread_clear(list);
	pthread_mutex_destroy(&list->lock);
}

int ovl_unread_key(struct ovl_loc loc, struct ovl_key *ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = ovl_buf_add(&b, &loc.layer, sizeof(loc.layer));

	if (r == 0)
		r = ovl_path_add(&b, loc.path);
	if (r < 0)
		return r;
	*ret = ovl_map_hash(b.data, b.len);
	return 0;
}

static int add_locked(struct ovl_unread_list *list, struct ovl_loc loc, int err, struct ovl_key key)
{
	struct ovl_unread item = { loc, err };
	uint64_t *value;
	int r = ovl_map_put(&list->seen, key, 0, &value);

	if (r <= 0)
		return r;
	r = ovl_vec_push(&list->item, item);
	if (r == 0)
		ovl_path_ref(loc.path);
	return r;
}

int ovl_unread_note(struct ovl_unread_list *list, struct ovl_loc loc, int err)
{
	struct ovl_key key;
	int r = ovl_unread_key(loc, &key);

	if (r < 0)
		return r;
	pthread_mutex_lock(&list->lock);
	r = add_locked(list, loc, err, key);
	pthread_mutex_unlock(&list->lock);
	return r;
}
