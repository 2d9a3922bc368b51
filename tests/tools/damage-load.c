/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading an overlay that ovl-random made: its options, every object of every layer, all xattrs.
 */
#include "damage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "walk.h"

static const char *const xattr_names[DMG_XATTRS] = {
	[DMG_OPAQUE] = "opaque",     [DMG_REDIRECT] = "redirect",   [DMG_ORIGIN] = "origin",
	[DMG_IMPURE] = "impure",     [DMG_NLINK] = "nlink",         [DMG_UPPER] = "upper",
	[DMG_UUID] = "uuid",         [DMG_METACOPY] = "metacopy",   [DMG_PROTATTR] = "protattr",
	[DMG_WHITEOUT] = "whiteout", [DMG_WHITEOUTS] = "whiteouts",
};

static const char prefixes[2][32] = { "trusted.overlay.", "user.overlay." };

/** The path of an object must leave room for what is planted beside it. */
enum { PATH_ROOM = PATH_MAX - 1000 };

char *dmg_xattr_name(const struct dmg *d, enum dmg_xattr x)
{
	return ovl_tool_format("%s%s", prefixes[d->userxattr], xattr_names[x]);
}

char *dmg_path(const struct dmg_obj *o)
{
	return ovl_tool_format("%s%s", o->layer->dir, o->path);
}

char *dmg_path_in(const struct dmg_obj *dir, const char *name)
{
	return ovl_tool_format("%s%s/%s", dir->layer->dir, dir->path, name);
}

/** Reads a whole small file; the caller frees it. */
static char *read_all(const char *dir, const char *name, size_t *ret_len)
{
	_cleanup_free_ char *path = ovl_tool_format("%s/%s", dir, name);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text;

	if (fd < 0 || fstat(fd, &st) < 0)
		ovl_tool_die("%s", path);
	text = ovl_tool_realloc(NULL, (size_t)st.st_size + 1, 1);
	if (read(fd, text, (size_t)st.st_size) != st.st_size)
		ovl_tool_die("%s", path);
	text[st.st_size] = '\0';
	*ret_len = (size_t)st.st_size;
	return text;
}

static bool parameter_is_on(const char *name)
{
	_cleanup_free_ char *path = ovl_tool_format("/sys/module/overlay/parameters/%s", name);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char answer = 'N';

	return fd >= 0 && read(fd, &answer, 1) == 1 && answer == 'Y';
}

static bool is_given(const char *options, const char *option)
{
	const char *at = strstr(options, option);
	char end = at ? at[strlen(option)] : 'x';

	return end == ',' || end == '\0';
}

/** No directory of ovl-random has a name that could be taken for one of these options. */
static void parse_options(struct dmg *d, const char *options)
{
	d->userxattr = is_given(options, ",userxattr");
	d->index = is_given(options, ",index=on");
	d->nfs_export = is_given(options, ",nfs_export=on");
	d->metacopy = is_given(options, ",metacopy=on");
	d->metacopy_off = is_given(options, ",metacopy=off");
	d->uuid_given = strstr(options, ",uuid=") != NULL;
	d->null_uuid = is_given(options, ",uuid=off");
	d->use_uuid = !d->null_uuid && !is_given(options, ",uuid=null");
	if (is_given(options, ",redirect_dir=nofollow") || d->userxattr)
		d->follow = false;
	else if (is_given(options, ",redirect_dir=on") || is_given(options, ",redirect_dir=follow"))
		d->follow = true;
	else
		d->follow = d->metacopy || parameter_is_on("redirect_dir") ||
			    parameter_is_on("redirect_always_follow");
}

static struct dmg_layer *add_layer(struct dmg *d, enum dmg_role role, char *dir, const char *label,
				   size_t number)
{
	struct dmg_layer *layer = &d->layers[d->layer_count++];

	*layer = (struct dmg_layer){ .role = role, .dir = dir, .number = number };
	if (number)
		snprintf(layer->label, sizeof(layer->label), "%s%zu", label, number);
	else
		snprintf(layer->label, sizeof(layer->label), "%s", label);
	return layer;
}

/** The file "layers": the lowers, then perhaps the data-only one, then perhaps upper and work. */
static void find_layers(struct dmg *d, const char *options)
{
	bool has_upper = strstr(options, ",upperdir=") != NULL;
	bool has_data = strstr(options, ",datadir+=") || strstr(options, "::");
	_cleanup_free_ char *text = NULL;
	size_t len, count = 0, i = 0;
	const char *at;

	text = read_all(d->dir, "layers", &len);
	for (size_t k = 0; k < len; k++)
		count += text[k] == '\0';
	d->layers = ovl_tool_realloc(NULL, count + 2, sizeof(*d->layers));
	d->lower_count = count - has_data - (has_upper ? 2 : 0);
	d->lower = d->layers;
	for (at = text; i < count; at += strlen(at) + 1, i++) {
		char *dir = ovl_tool_format("%s", at);

		if (i < d->lower_count)
			add_layer(d, DMG_IN_LOWER, dir, "lower", i + 1);
		else if (i == d->lower_count && has_data)
			d->data = add_layer(d, DMG_IN_DATA, dir, "data", 1);
		else if (!d->upper)
			d->upper = add_layer(d, DMG_IN_UPPER, dir, "upper", 0);
		else
			d->work = dir;
	}
	if (d->work) {
		char *dir = ovl_tool_format("%s/index", d->work);
		struct stat st;

		if (lstat(dir, &st) == 0 && S_ISDIR(st.st_mode))
			d->index_layer = add_layer(d, DMG_IN_INDEX, dir, "index", 0);
		else
			free(dir);
	}
}

/** Which xattr of the active prefix it is; DMG_XATTRS: an unknown one. */
static enum dmg_xattr classify(const char *name)
{
	enum dmg_xattr x = 0;

	while (x < DMG_XATTRS && strcmp(name, xattr_names[x]))
		x++;
	return x;
}

static void read_xattr(const struct dmg *d, struct dmg_obj *o, const char *at, const char *name)
{
	const char *active = prefixes[d->userxattr], *other = prefixes[!d->userxattr];
	unsigned char value[65536];
	enum dmg_xattr x;
	ssize_t len;

	o->has_inactive |= !strncmp(name, other, strlen(other));
	o->has_foreign |= !strncmp(name, "user.fuseoverlayfs.", 19);
	if (strncmp(name, active, strlen(active)))
		return;
	x = classify(name + strlen(active));
	if (x == DMG_XATTRS) {
		/* One more "overlay." makes it data of a nested overlay. */
		o->has_unknown |= strncmp(name + strlen(active), "overlay.", 8) != 0;
		return;
	}
	len = lgetxattr(at, name, value, sizeof(value));
	if (len < 0)
		ovl_tool_die("%s of %s", name, o->path);
	o->x[x] = dmg_value_new(value, (size_t)len);
}

static void read_xattrs(const struct dmg *d, struct dmg_obj *o, const char *at)
{
	char list[65536];
	ssize_t len = llistxattr(at, list, sizeof(list));

	if (len < 0)
		ovl_tool_die("xattrs of %s", o->path);
	for (const char *name = list; name < list + len; name += strlen(name) + 1)
		read_xattr(d, o, at, name);
}

struct loading {
	struct dmg *d;
	struct dmg_layer *layer;
	size_t room;
};

static struct dmg_obj *find_dir(const struct dmg_layer *layer, const char *path)
{
	size_t len = (size_t)(strrchr(path, '/') - path);

	for (size_t i = layer->count; i-- > 0;)
		if (!strncmp(layer->objs[i]->path, path, len) && !layer->objs[i]->path[len])
			return layer->objs[i];
	errno = 0;
	ovl_tool_die("no directory for %s", path);
}

static void add_object(struct loading *l, const char *at, const char *path, const struct stat *st)
{
	struct dmg_obj *o = ovl_tool_realloc(NULL, 1, sizeof(*o));
	_cleanup_free_ char *real = NULL;

	*o = (struct dmg_obj){ .layer = l->layer, .st = *st, .path = ovl_tool_format("%s", path) };
	o->name = strrchr(o->path, '/') ? strrchr(o->path, '/') + 1 : o->path;
	if (*path)
		o->dir = find_dir(l->layer, path);
	read_xattrs(l->d, o, at);
	real = dmg_path(o);
	o->fh = dmg_handle(l->d, real);
	if (l->layer->count == l->room) {
		l->room = l->room * 2 + 64;
		l->layer->objs = ovl_tool_realloc(l->layer->objs, l->room, sizeof(o));
	}
	l->layer->objs[l->layer->count++] = o;
}

static int load_visit(void *arg, const struct ovl_walk_at *at)
{
	struct loading *l = arg;

	if (strlen(l->layer->dir) + at->path_len > PATH_ROOM)
		return 0;
	add_object(l, at->name, at->path, at->st);
	return 1;
}

static int load_failed(void *arg, const struct ovl_walk_at *at, int err)
{
	(void)arg;
	errno = err;
	ovl_tool_die("%s", at->path);
}

static void load_layer(struct dmg *d, struct dmg_layer *layer)
{
	static const struct ovl_walk_ops ops = { .visit = load_visit, .failed = load_failed };
	_cleanup_close_ int fd = open(layer->dir, O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC);
	struct loading l = { .d = d, .layer = layer };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		ovl_tool_die("%s", layer->dir);
	add_object(&l, layer->dir, "", &st);
	if (ovl_walk(fd, &ops, &l) < 0)
		ovl_tool_die("%s", layer->dir);
}

struct dmg_obj *dmg_child(const struct dmg_obj *dir, const char *name, size_t len)
{
	const struct dmg_layer *layer = dir->layer;

	for (size_t i = 1; i < layer->count; i++)
		if (layer->objs[i]->dir == dir && strlen(layer->objs[i]->name) == len &&
		    !memcmp(layer->objs[i]->name, name, len))
			return layer->objs[i];
	return NULL;
}

/** Without nfs_export only files are indexed, and only those with several lower names. */
static void find_nfs_traces(struct dmg *d)
{
	for (size_t i = 1; d->index_layer && i < d->index_layer->count; i++) {
		const struct dmg_obj *o = d->index_layer->objs[i];

		if (o->name[0] == '#')
			continue;
		if (dmg_is_dir(o) || dmg_is_whiteout(o) ||
		    dmg_lower_nlink(d, &o->x[DMG_ORIGIN]) == 1)
			d->nfs_traces = true;
	}
}

void dmg_load(struct dmg *d, const char *dir)
{
	_cleanup_free_ char *options = NULL;
	size_t len;

	d->dir = realpath(dir, NULL);
	if (!d->dir)
		ovl_tool_die("%s", dir);
	options = read_all(d->dir, "options", &len);
	parse_options(d, options);
	find_layers(d, options);
	for (size_t i = 0; i < d->layer_count; i++)
		load_layer(d, &d->layers[i]);
	find_nfs_traces(d);
}

static void free_object(struct dmg_obj *o)
{
	for (size_t x = 0; x < DMG_XATTRS; x++)
		dmg_value_done(&o->x[x]);
	dmg_value_done(&o->fh);
	free(o->path);
	free(o);
}

void dmg_free(struct dmg *d)
{
	for (size_t i = 0; i < d->node_count; i++)
		dmg_node_free(d->nodes[i]);
	free(d->nodes);
	for (size_t i = 0; i < d->layer_count; i++) {
		for (size_t k = 0; k < d->layers[i].count; k++)
			free_object(d->layers[i].objs[k]);
		free(d->layers[i].objs);
		free(d->layers[i].dir);
	}
	free(d->layers);
	free(d->work);
	free(d->dir);
}
