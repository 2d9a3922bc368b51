/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hard links of upper files: are all names known, and does the index know those that come from a lower
 * hard link?
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/view.h"

#include "base/banned.h"

int ovl_check_index_missing(const struct ovl_view *v, struct ovl_sink *sink)
{
	const struct ovl_origin *origin;

	if (!v->facts->index_judged || v->obs->kind == OVL_KIND_DIR)
		return 0;
	origin = ovl_view_origin(v);
	if (origin->state != OVL_ORIGIN_FOUND || origin->kind != v->obs->kind ||
	    origin->stat.nlink < 2 ||
	    ovl_facts_has_index((struct ovl_facts *)v->facts, v->obs->stat.ino))
		return 0;
	return ovl_sink_add(sink, OVL_P_INDEX_MISSING, v->loc,
			    ovl_sink_text(sink, "its origin has %llu links",
					  (unsigned long long)origin->stat.nlink),
			    "");
}

/** Links that temporary objects of the kernel hold: upper ino -> how many. */
struct temporaries {
	bool known;
	struct ovl_map count;
};

static int count_in(struct ovl_stack *stack, const struct ovl_layer *layer, const char *sub,
		    struct ovl_map *count)
{
	struct ovl_reader *r = stack->reader;
	_cleanup_free_ unsigned char *buf = malloc(OVL_DIRBUF_SIZE);
	struct ovl_dirstream stream = { .buf = buf, .room = OVL_DIRBUF_SIZE };
	struct ovl_dirent d;
	uint64_t *n;
	int dir, err;

	if (!buf)
		return -ENOMEM;
	if (layer->root.fd < 0 || r->ops->open_dir(r, layer->root.fd, sub, &dir) < 0)
		return 0; /* the walk of the work directory tells why */
	while ((err = r->ops->read_dir(r, dir, &stream, &d)) > 0) {
		if (d.name[0] != '#')
			continue;
		err = ovl_map_put(count, (struct ovl_key){ d.ino, 0 }, 0, &n);
		if (err < 0)
			break;
		++*n;
	}
	r->ops->close(r, dir);
	return err == -ENOMEM ? err : 0;
}

/* After a crash such an object may be one more name of a file that was about to be linked. */
static int names_in_work(const struct ovl_view *v, uint64_t ino, struct temporaries *t,
			 uint64_t *ret)
{
	const uint64_t *n;
	int r = 0;

	if (!t->known) {
		r = count_in(v->stack, &v->stack->work, "work", &t->count);
		if (r == 0)
			r = count_in(v->stack, &v->stack->index, "", &t->count);
		t->known = r == 0;
	}
	n = ovl_map_get(&t->count, (struct ovl_key){ ino, 0 });
	*ret = n ? *n : 0;
	return r;
}

/* One of its names: in the upper if it has any there. Counted; a path of NULL: no memory. */
static struct ovl_loc place_of(const struct ovl_view *v, const struct ovl_fact_link *link)
{
	const char *name;

	if (link->path)
		return (struct ovl_loc){ OVL_LAYER_UPPER, ovl_path_ref(link->path) };
	name = v->facts->index.data[link->index - 1].name;
	return (struct ovl_loc){ OVL_LAYER_INDEX, ovl_path_new(NULL, name, strlen(name)) };
}

static int check_link(const struct ovl_view *v, const struct ovl_fact_link *link,
		      struct temporaries *t, struct ovl_sink *sink)
{
	uint64_t known = link->names + link->entries, in_work;
	struct ovl_loc loc;
	int r;

	if (!link->marked || known == 0 || link->nlink <= known)
		return 0;
	r = names_in_work(v, link->ino, t, &in_work);
	if (r < 0 || link->nlink <= known + in_work)
		return r;
	loc = place_of(v, link);
	if (!loc.path)
		return -ENOMEM;
	r = ovl_sink_add(
		sink, OVL_P_UPPER_HARDLINK_FOREIGN, loc,
		ovl_sink_text(sink, "%llu links; names in the upper: %llu, in the index: %llu",
			      (unsigned long long)link->nlink, (unsigned long long)link->names,
			      (unsigned long long)link->entries),
		"as many links as names");
	ovl_path_unref((struct ovl_path *)loc.path);
	return r;
}

int ovl_check_upper_hardlink_foreign(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct temporaries t = { 0 };
	int r = 0;

	/* With a part of the upper unseen, the names may be there. */
	if (v->facts->missed_upper)
		return 0;
	for (size_t i = 0; r == 0 && i < v->facts->link.len; i++)
		r = check_link(v, &v->facts->link.data[i], &t, sink);
	ovl_map_done(&t.count);
	return r;
}
