/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of files with several of them. See linked.h.
 */
#include "repair/linked.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "stack/dir.h"

#include "base/banned.h"

/** One walk through a layer. */
struct walk {
	struct ovl_linked *linked;
	struct ovl_stack *stack;
	int layer; /* that the names are noted for */
	OVL_VEC(struct ovl_dir *) waiting;
	unsigned char *buf; /* of the directory stream */
};

void ovl_linked_done(struct ovl_linked *linked)
{
	for (size_t i = 0; i < linked->name.len; i++)
		ovl_path_unref((struct ovl_path *)linked->name.data[i].loc.path);
	ovl_vec_done(&linked->name);
	ovl_map_done(&linked->searched);
}

static void walk_done(struct walk *w)
{
	for (size_t i = 0; i < w->waiting.len; i++)
		ovl_dir_unref(w->waiting.data[i]);
	ovl_vec_done(&w->waiting);
	free(w->buf);
}

static int add_name(struct walk *w, int layer, const struct ovl_stat *st, struct ovl_path *path)
{
	struct ovl_linked_name name = { .layer = w->layer,
					.ino = st->ino,
					.loc = { layer, ovl_path_ref(path) } };
	int r = ovl_vec_push(&w->linked->name, name);

	if (r < 0)
		ovl_path_unref(path);
	return r;
}

static int add_dir(struct walk *w, struct ovl_dir *in, struct ovl_path *path)
{
	struct ovl_dir *dir;
	int r = ovl_dir_child(in, path, &dir);

	if (r < 0)
		return r;
	r = ovl_vec_push(&w->waiting, dir);
	if (r < 0)
		ovl_dir_unref(dir);
	return r;
}

static int visit(struct walk *w, struct ovl_dir *in, int fd, const struct ovl_dirent *d)
{
	struct ovl_reader *reader = w->stack->reader;
	struct ovl_path *path;
	struct ovl_stat st;
	int r;

	if (d->type != OVL_DT_UNKNOWN && d->type != OVL_DT_DIR && d->type != OVL_DT_REG)
		return 0;
	r = reader->ops->stat(reader, fd, d->name, &st);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!S_ISDIR(st.mode) && (!S_ISREG(st.mode) || st.nlink < 2))
		return 0;
	path = ovl_path_new(in->path, d->name, d->len);
	if (!path)
		return -ENOMEM;
	r = S_ISDIR(st.mode) ? add_dir(w, in, path) : add_name(w, in->layer, &st, path);
	ovl_path_unref(path);
	return r;
}

static int read_dir(struct walk *w, struct ovl_dir *dir)
{
	struct ovl_reader *reader = w->stack->reader;
	struct ovl_dirstream stream = { .buf = w->buf, .room = OVL_DIRBUF_SIZE };
	struct ovl_dirent d;
	int pinned, fd, r = ovl_dir_pin(dir, &pinned);

	if (r < 0)
		return r;
	r = reader->ops->open_dir(reader, pinned, "", &fd);
	ovl_dir_unpin(dir);
	if (r < 0)
		return r;
	while ((r = reader->ops->read_dir(reader, fd, &stream, &d)) > 0) {
		r = visit(w, dir, fd, &d);
		if (r < 0)
			break;
	}
	reader->ops->close(reader, fd);
	return r;
}

/* @layer: that is walked, for the one of the walk */
static int search(struct walk *w, int layer)
{
	struct ovl_dir *dir = ovl_dir_new(w->stack, layer, NULL);
	int r = dir ? ovl_vec_push(&w->waiting, dir) : -ENOMEM;

	if (r < 0)
		ovl_dir_unref(dir);
	while (r == 0 && w->waiting.len > 0) {
		dir = w->waiting.data[--w->waiting.len];
		r = read_dir(w, dir);
		ovl_dir_unref(dir);
	}
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct ovl_linked_name *x = a, *y = b;

	if (x->layer != y->layer)
		return x->layer < y->layer ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	if (x->loc.layer != y->loc.layer) /* the index comes last */
		return x->loc.layer > y->loc.layer ? -1 : 1;
	return ovl_path_compare(x->loc.path, y->loc.path);
}

static int search_layer(struct ovl_linked *linked, struct ovl_stack *stack, int layer)
{
	_cleanup_(walk_done) struct walk w = {
		.linked = linked, .stack = stack, .layer = layer, .buf = malloc(OVL_DIRBUF_SIZE)
	};
	const size_t before = linked->name.len;
	int r = w.buf ? search(&w, layer) : -ENOMEM;

	if (r == 0 && layer == OVL_LAYER_UPPER && stack->index.root.fd >= 0)
		r = search(&w, OVL_LAYER_INDEX);
	while (r < 0 && linked->name.len > before)
		ovl_path_unref((struct ovl_path *)linked->name.data[--linked->name.len].loc.path);
	if (linked->name.len > 1)
		qsort(linked->name.data, linked->name.len, sizeof(*linked->name.data), compare);
	return r;
}

long ovl_linked_names(struct ovl_linked *linked, struct ovl_stack *stack, int layer, uint64_t ino,
		      const struct ovl_linked_name **ret)
{
	const struct ovl_key key = { (uint64_t)layer, 0 };
	size_t from = 0, to, n = 0;
	uint64_t *value;
	int r = 0;

	if (!ovl_map_get(&linked->searched, key)) {
		r = search_layer(linked, stack, layer);
		if (r == 0)
			r = ovl_map_put(&linked->searched, key, 1, &value);
	}
	if (r < 0)
		return r;
	for (to = linked->name.len; from < to;) {
		size_t mid = from + (to - from) / 2;
		const struct ovl_linked_name *name = &linked->name.data[mid];

		if (name->layer < layer || (name->layer == layer && name->ino < ino))
			from = mid + 1;
		else
			to = mid;
	}
	*ret = linked->name.data + from;
	while (from + n < linked->name.len && linked->name.data[from + n].layer == layer &&
	       linked->name.data[from + n].ino == ino)
		n++;
	return (long)n;
}
