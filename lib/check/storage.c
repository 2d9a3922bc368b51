/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Storage of other overlays inside a layer.
 *
 * A lower may be the root file system of a host that keeps container images. The layers in there carry
 * whiteouts and redirects of their own, which look like orphans from here. They belong to somebody else.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "check/engine.h"

#include "base/banned.h"

/** Directories that are layers by convention, and what stands beside them then. */
static const struct layout {
	const char *layer, *beside, *above; /* above: name of the directory two levels up, or NULL */
	uint32_t beside_type;
} layouts[] = {
	{ "diff", "link", NULL, S_IFREG },       /* docker overlay2, containers/storage */
	{ "fs", "work", "snapshots", S_IFDIR },  /* containerd */
};

/** Names that people give to the upper of a hand-made overlay. */
static const char *const upper_names[] = { "upper", "upperdir", "rw", "overlay", "diff", "fs" };

static bool is_type(struct ovl_reader *r, int dir, const char *name, uint32_t type)
{
	struct ovl_stat st;

	return r->ops->stat(r, dir, name, &st) == 0 && (st.mode & S_IFMT) == type;
}

static bool is_known_layout(struct ovl_reader *r, const struct ovl_scan_dir *d, int dirfd,
			    const char *name)
{
	const struct ovl_path *here = d->dir->path;

	for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
		const struct layout *l = &layouts[i];

		if (strcmp(name, l->layer) != 0 || !here)
			continue;
		if (l->above && (!here->parent || strcmp(here->parent->name, l->above) != 0))
			continue;
		if (is_type(r, dirfd, l->beside, l->beside_type))
			return true;
	}
	return false;
}

/* A work base is a directory with "work" in it, mode 0000, as the kernel makes it. */
static bool is_work_base(struct ovl_reader *r, int dirfd, const char *name)
{
	struct ovl_stat st;
	bool found = false;
	int fd;

	if (r->ops->open_dir(r, dirfd, name, &fd) < 0)
		return false;
	if (r->ops->stat(r, fd, "work", &st) == 0)
		found = S_ISDIR(st.mode) && (st.mode & 07777) == 0;
	r->ops->close(r, fd);
	return found;
}

/* Looks through the directory for a work base; a directory that cannot be read has none. */
static int has_work_base(struct ovl_reader *r, int dirfd)
{
	_cleanup_free_ unsigned char *buf = malloc(OVL_DIRBUF_SIZE);
	struct ovl_dirstream stream = { .buf = buf, .room = OVL_DIRBUF_SIZE };
	struct ovl_dirent e;
	int fd, found = 0;

	if (!buf)
		return -ENOMEM;
	if (r->ops->open_dir(r, dirfd, "", &fd) < 0)
		return 0;
	while (!found && r->ops->read_dir(r, fd, &stream, &e) > 0)
		if (e.type == OVL_DT_DIR || e.type == OVL_DT_UNKNOWN)
			found = is_work_base(r, fd, e.name);
	r->ops->close(r, fd);
	return found;
}

static bool has_upper_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(upper_names); i++)
		if (strcmp(name, upper_names[i]) == 0)
			return true;
	return false;
}

int ovl_storage_find(struct ovl_reader *r, struct ovl_scan_dir *d, int dirfd, const char *name,
		     const struct ovl_obs *obs, bool merged, struct ovl_loc *ret_storage)
{
	bool is_upper = d->dir->layer == OVL_LAYER_UPPER;
	const struct ovl_path *storage = d->dir->path;
	bool rootlike = ovl_obs_has(obs, OVL_X_UUID) || has_upper_name(name);

	if (is_upper && merged)
		return 0;
	if (is_known_layout(r, d, dirfd, name)) {
		storage = storage->parent; /* one storage holds many layers: name it once */
	} else if (rootlike) {
		if (!d->is_storage) {
			int found = has_work_base(r, dirfd);

			if (found <= 0)
				return found;
			d->is_storage = true;
		}
	} else {
		return 0;
	}
	*ret_storage = (struct ovl_loc){ d->dir->layer, ovl_path_ref(storage) };
	return 1;
}
