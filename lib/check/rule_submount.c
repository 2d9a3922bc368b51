/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts inside of layers: overlayfs does not see them, everybody else does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/view.h"
#include "io/submounts.h"

#include "base/banned.h"

/*
 * What is mounted below every "/": nobody who takes that for a lower wants these in the overlay.
 * Overlays are among them, since containers (and the very overlay that is checked) are mounted there.
 */
static const char *const host_types[] = {
	"autofs",    "binfmt_misc", "bpf",      "cgroup",  "cgroup2",   "configfs",   "debugfs",
	"devpts",    "devtmpfs",    "efivarfs", "fusectl", "hugetlbfs", "mqueue",     "nfsd",
	"nsfs",      "overlay",     "proc",     "pstore",  "ramfs",     "rpc_pipefs", "securityfs",
	"selinuxfs", "smackfs",     "sysfs",    "tmpfs",   "tracefs",
};

/* The roots that are searched, and whose they are. */
struct search {
	struct ovl_sink *sink;
	const struct ovl_root **root;
	int *layer; /* number of each */
	size_t n;
};

static void search_done(struct search *s)
{
	free(s->root);
	free(s->layer);
}

static bool is_host_type(const char *fs_type)
{
	for (size_t i = 0; i < ARRAY_LEN(host_types); i++)
		if (strcmp(fs_type, host_types[i]) == 0)
			return true;
	return false;
}

static int tell(void *ctx, const struct ovl_submount *m)
{
	static const struct ovl_loc nowhere = { OVL_LAYER_NONE, NULL };
	struct search *s = ctx;
	bool harmless = m->below_slash && is_host_type(m->fs_type);
	struct ovl_path *path;
	int r = ovl_path_parse(m->path, &path);

	if (r < 0)
		return r;
	r = ovl_sink_add_about(
		s->sink, OVL_P_LAYOUT_SUBMOUNT_IN_LAYER,
		harmless ? OVL_SEV_INFO : ovl_problem_get(OVL_P_LAYOUT_SUBMOUNT_IN_LAYER)->severity,
		(struct ovl_loc){ s->layer[m->which], path }, nowhere,
		ovl_sink_text(s->sink, "a file system of type %s is mounted there",
			      ovl_sink_quote(s->sink,
					     (struct ovl_bytes){ (const unsigned char *)m->fs_type,
								 strlen(m->fs_type) })),
		"");
	ovl_path_unref(path);
	return r;
}

static int list_roots(struct search *s, const struct ovl_stack *stack)
{
	s->root = calloc(stack->n_layer, sizeof(const struct ovl_root *));
	s->layer = calloc(stack->n_layer, sizeof(*s->layer));
	if (!s->root || !s->layer)
		return -ENOMEM;
	for (size_t i = 0; i < stack->n_layer; i++) {
		if (stack->layer[i].root.fd < 0)
			continue;
		s->root[s->n] = &stack->layer[i].root;
		s->layer[s->n++] = (int)i;
	}
	return 0;
}

int ovl_check_layout_submount_in_layer(const struct ovl_view *v, struct ovl_sink *sink)
{
	_cleanup_(ovl_mounttable_done) struct ovl_mounttable mounts = { 0 };
	_cleanup_(search_done) struct search s = { .sink = sink };
	int r = ovl_mounttable_read(&mounts);

	if (r == -ENOENT)
		return 0; /* no /proc, as early in a boot: layers are read through clones anyway */
	if (r == 0)
		r = list_roots(&s, v->stack);
	if (r == 0)
		r = ovl_submounts_each(&mounts, s.root, s.n, tell, &s);
	if (r < 0)
		return ovl_sink_unreadable(sink, v->loc, "read the mount table", r);
	return r;
}
