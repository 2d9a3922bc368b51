/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the overlay shows: lookup as the kernel does it, on what was loaded.
 *
 * Written from the model of lookup, not from the library under test, and simpler than that: an
 * error of any kind makes the name bad, and nothing is planted at bad names.
 */
#include "damage.h"

#include "walk.h"

/** The state of one lookup, with the names that it has in the kernel's ovl_lookup(). */
struct look {
	const struct dmg *d;
	char *name;     /* what is looked for below: a name, or a path from the roots */
	char *redirect; /* of the layer just seen, or NULL */
	bool is_dir, stop, metacopy, absolute, last, bad;
	struct dmg_node *ret;
};

static void look_done(struct look *k)
{
	free(k->name);
	free(k->redirect);
}

static bool is_xwhiteout(const struct dmg_obj *o)
{
	return dmg_is_reg(o) && o->st.st_size == 0 && dmg_has(o, DMG_WHITEOUT);
}

/** Takes over the redirect of @o: a relative one goes on with the rest of the path. */
static void follow(struct look *k, const struct dmg_obj *o, size_t before, const char *rest)
{
	const char *to = (const char *)o->x[DMG_REDIRECT].data;
	char *path;

	if (*to == '/') {
		k->stop = false;
		k->absolute = true;
		path = ovl_tool_format("%s%s", to, rest);
	} else {
		k->absolute = false;
		path = ovl_tool_format("%.*s%s%s", (int)before, k->name, to, rest);
	}
	free(k->redirect);
	k->redirect = ovl_tool_format("%s", path);
	free(k->name);
	k->name = path;
}

/** One component: @before is the length of what stands before it in the name. */
static struct dmg_obj *single(struct look *k, struct dmg_obj *dir, size_t before, size_t len)
{
	struct dmg_obj *o = dmg_child(dir, k->name + before, len);
	_cleanup_free_ char *rest = ovl_tool_format("%s", k->name + before + len);
	bool final = *rest == '\0';

	if (!o)
		return NULL;
	if (dmg_is_whiteout(o) || is_xwhiteout(o)) {
		k->stop = true;
		return NULL;
	}
	if (final && k->metacopy && !dmg_is_reg(o)) {
		k->stop = true;
		return NULL;
	}
	if (!dmg_is_dir(o)) {
		if (k->is_dir || !final) {
			k->stop = true;
			return NULL;
		}
		k->metacopy = dmg_is_metacopy(o);
		k->stop = !k->metacopy;
		if (!k->metacopy || k->last)
			return o;
	} else {
		k->is_dir |= final;
		if (k->last)
			return o;
		if (dmg_is_opaque(o)) {
			k->stop = true;
			return o;
		}
	}
	if (dmg_has(o, DMG_REDIRECT))
		follow(k, o, before, rest);
	return o;
}

static struct dmg_obj *in_layer(struct look *k, struct dmg_obj *dir)
{
	size_t before = *k->name == '/' ? 1 : 0;

	while (dir) {
		size_t len = strcspn(k->name + before, "/"), left;

		left = strlen(k->name + before + len);
		dir = single(k, dir, before, len);
		if (!left)
			return dir;
		if (!dir || !dmg_is_dir(dir))
			return NULL;
		/* A redirect may have changed all but what was left. */
		before = strlen(k->name) - left + 1;
	}
	return NULL;
}

static void add_lower(struct dmg_node *node, struct dmg_obj *o)
{
	node->lower = ovl_tool_realloc(node->lower, node->count + 1, sizeof(o));
	node->lower[node->count++] = o;
}

/** The directory to start from in a layer: that of the parent, or the root for a path. */
static void look_lower(struct look *k, const struct dmg_node *dir, bool from_roots)
{
	const struct dmg *d = k->d;
	bool check = d->follow || d->data;
	size_t count = from_roots ? d->lower_count : dir->count;

	for (size_t i = 0; !k->stop && i < count; i++) {
		struct dmg_obj *base = from_roots ? d->lower[i].objs[0] : dir->lower[i];
		size_t number = base->layer->number;
		struct dmg_obj *o;

		if (!check)
			k->last = i == count - 1;
		else if (k->is_dir || !d->data)
			k->last = number == d->lower_count;
		o = in_layer(k, base);
		if (!o)
			continue;
		if (!k->metacopy || k->ret->count == 0)
			add_lower(k->ret, o);
		if (k->stop)
			break;
		if (k->absolute && !from_roots) {
			from_roots = true;
			count = d->lower_count;
			i = number - 1;
		}
	}
}

/** Looks a name up in a directory of the overlay; NULL: nothing there. */
static struct dmg_node *look_up(const struct dmg *d, struct dmg_node *dir, const char *name)
{
	struct dmg_node *node = ovl_tool_realloc(NULL, 1, sizeof(*node));
	_cleanup_(look_done) struct look k = { .d = d, .ret = node };
	bool from_roots = *name == '/', uppermeta = false;

	*node = (struct dmg_node){ .dir = dir };
	k.name = ovl_tool_format("%s", name);
	if (!(d->follow || d->data))
		k.last = dir->count == 0;
	if (dir->upper) {
		node->upper = in_layer(&k, dir->upper);
		uppermeta = node->upper && k.metacopy;
		from_roots |= k.absolute;
	}
	if (!k.stop)
		look_lower(&k, dir, from_roots);
	if (k.metacopy && node->count && d->data && k.absolute)
		k.metacopy = false; /* the data is looked for at the first open */
	if (k.metacopy || (uppermeta && !node->count))
		node->bad = true;
	if (!node->upper && !node->count) {
		dmg_node_free(node);
		return NULL;
	}
	return node;
}

void dmg_node_free(struct dmg_node *node)
{
	if (!node)
		return;
	free(node->path);
	free(node->lower);
	free(node);
}

struct dmg_node *dmg_beneath(struct dmg *d, const struct dmg_obj *o)
{
	struct dmg_node dir;

	if (!o->dir || !o->dir->node || o->dir->node->bad)
		return NULL;
	dir = *o->dir->node;
	dir.upper = NULL;
	return look_up(d, &dir, o->name);
}

struct dmg_node *dmg_lookup_lower(struct dmg *d, const char *path)
{
	struct dmg_node dir = *d->nodes[0];

	dir.upper = NULL;
	return look_up(d, &dir, path);
}

static void note_shown(struct dmg_node *node)
{
	if (node->upper && !node->upper->node)
		node->upper->node = node;
	for (size_t i = 0; i < node->count; i++)
		if (!node->lower[i]->node)
			node->lower[i]->node = node;
}

static void add_node(struct dmg *d, struct dmg_node *node, const char *name)
{
	node->path = node->dir ? ovl_tool_format("%s/%s", node->dir->path, name) :
				 ovl_tool_format("%s", name);
	if (!node->bad)
		note_shown(node);
	d->nodes = ovl_tool_realloc(d->nodes, d->node_count + 1, sizeof(node));
	d->nodes[d->node_count++] = node;
}

struct name_list {
	const char **names;
	size_t count;
};

static void add_names(struct name_list *list, const struct dmg_obj *dir)
{
	const struct dmg_layer *layer = dir->layer;

	for (size_t i = 1; i < layer->count; i++) {
		if (layer->objs[i]->dir != dir)
			continue;
		list->names = ovl_tool_realloc(list->names, list->count + 1, sizeof(char *));
		list->names[list->count++] = layer->objs[i]->name;
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void look_into(struct dmg *d, struct dmg_node *dir)
{
	struct name_list list = { 0 };

	if (dir->upper)
		add_names(&list, dir->upper);
	for (size_t i = 0; i < dir->count; i++)
		add_names(&list, dir->lower[i]);
	if (list.count)
		qsort(list.names, list.count, sizeof(char *), by_name);
	for (size_t i = 0; i < list.count; i++) {
		struct dmg_node *node;

		if (i && !strcmp(list.names[i], list.names[i - 1]))
			continue;
		node = look_up(d, dir, list.names[i]);
		if (node)
			add_node(d, node, list.names[i]);
	}
	free(list.names);
}

static bool is_dir_node(const struct dmg_node *node)
{
	return !node->bad && dmg_is_dir(node->upper ? node->upper : node->lower[0]);
}

void dmg_view(struct dmg *d)
{
	struct dmg_node *root = ovl_tool_realloc(NULL, 1, sizeof(*root));

	*root = (struct dmg_node){ .upper = d->upper ? d->upper->objs[0] : NULL };
	for (size_t i = 0; i < d->lower_count; i++)
		add_lower(root, d->lower[i].objs[0]);
	add_node(d, root, "");
	for (size_t i = 0; i < d->node_count; i++)
		if (is_dir_node(d->nodes[i]))
			look_into(d, d->nodes[i]);
}
