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

/** Directories that are layers or work bases by convention, and what stands beside them then. */
static const struct layout {
	const char *name, *beside;
	uint32_t beside_type;
	uint64_t beside_size; /* 0: no matter */
	const char *above;    /* name of the directory two levels up, or NULL */
} layouts[] = {
	/* docker overlay2, containers/storage: "link" holds the short name of the layer */
	{ "diff", "link", S_IFREG, 26, NULL },
	{ "work", "link", S_IFREG, 26, NULL },
	/* containerd, buildkit */
	{ "fs", "work", S_IFDIR, 0, "snapshots" },
	{ "work", "fs", S_IFDIR, 0, "snapshots" },
};

/** Names that people give to the upper of a hand-made overlay. */
static const char *const upper_names[] = { "upper", "upperdir", "rw", "overlay", "diff", "fs" };

static bool stands_beside(struct ovl_reader *r, int dir, const struct layout *l)
{
	struct ovl_stat st;

	return r->ops->stat(r, dir, l->beside, &st) == 0 && (st.mode & S_IFMT) == l->beside_type &&
	       (!l->beside_size || st.size == l->beside_size);
}

/* The name of a layer, without the number of "diff1", "diff2" ... in containers/storage. */
static bool has_name_of(const char *name, const struct layout *l)
{
	size_t len = strlen(l->name);

	if (strncmp(name, l->name, len) != 0)
		return false;
	return name[len + strspn(name + len, "0123456789")] == '\0' &&
	       (name[len] == '\0' || strcmp(l->name, "diff") == 0);
}

static bool is_known_layout(struct ovl_reader *r, const struct ovl_scan_dir *d, int dirfd,
			    const char *name)
{
	const struct ovl_path *here = d->dir->path;

	for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
		const struct layout *l = &layouts[i];

		if (!has_name_of(name, l))
			continue;
		if (l->above &&
		    (!here || !here->parent || strcmp(here->parent->name, l->above) != 0))
			continue;
		if (stands_beside(r, dirfd, l))
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

/*
 * Is it the work directory or the index that a kernel made, mode 0000, in a work base, where nothing
 * else is? It keeps the inode of the whiteouts, or entries with origins. 1, 0 or -ENOMEM.
 */
static int is_work_dir(struct ovl_reader *r, int dirfd, const char *name)
{
	static const char *const kept[] = { "work", "index", ".fsck.overlay" };
	_cleanup_free_ unsigned char *buf = NULL;
	struct ovl_dirstream stream = { .room = OVL_DIRBUF_SIZE };
	struct ovl_stat st;
	struct ovl_dirent e;
	bool alone = true;
	int fd;

	if (strcmp(name, "work") != 0 && strcmp(name, "index") != 0)
		return 0;
	if (r->ops->stat(r, dirfd, name, &st) < 0 || !S_ISDIR(st.mode) || (st.mode & 07777) != 0)
		return 0;
	stream.buf = buf = malloc(OVL_DIRBUF_SIZE);
	if (!buf)
		return -ENOMEM;
	if (r->ops->open_dir(r, dirfd, "", &fd) < 0)
		return 0;
	while (alone && r->ops->read_dir(r, fd, &stream, &e) > 0) {
		alone = false;
		for (size_t i = 0; i < ARRAY_LEN(kept); i++)
			alone |= strcmp(e.name, kept[i]) == 0;
	}
	r->ops->close(r, fd);
	return alone;
}

static bool has_upper_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(upper_names); i++)
		if (strcmp(name, upper_names[i]) == 0)
			return true;
	return false;
}

/* Only the root of an upper has a uuid. */
static bool has_uuid(const struct ovl_obs *obs)
{
	return (obs->xmask & OVL_XBIT(UUID)) && obs->x[OVL_X_UUID].len == 16;
}

/*
 * Does its own look say that it may be the root of an upper? Only a root has an origin or is impure in
 * a directory that is not impure itself.
 */
static bool is_rootlike(const struct ovl_scan_dir *d, const char *name, const struct ovl_obs *obs)
{
	bool marked = ovl_obs_has(obs, OVL_X_ORIGIN) || ovl_obs_has(obs, OVL_X_IMPURE);

	return has_uuid(obs) || has_upper_name(name) ||
	       (marked && !d->has_impure && !d->has_origin);
}

/* Is there a work base among the entries of @d? Looked for once. 1, 0, -ENOMEM. */
static int stands_by_work_base(struct ovl_reader *r, struct ovl_scan_dir *d, int dirfd)
{
	int found;

	if (!d->sought_work) {
		found = has_work_base(r, dirfd);
		if (found < 0)
			return found;
		d->has_work = found > 0;
		d->sought_work = true;
	}
	return d->has_work;
}

int ovl_storage_find(struct ovl_reader *r, struct ovl_scan_dir *d, int dirfd, const char *name,
		     const struct ovl_obs *obs, bool merged, struct ovl_loc *ret_storage)
{
	bool is_upper = d->dir->layer == OVL_LAYER_UPPER;
	const struct ovl_path *storage = d->dir->path;
	int found;

	if (is_upper && merged)
		return 0;
	if (is_known_layout(r, d, dirfd, name)) {
		storage = storage ? storage->parent : NULL; /* it holds many layers: name it once */
	} else {
		found = is_work_dir(r, dirfd, name);
		if (found > 0)
			storage = storage ? storage->parent : NULL; /* where its upper is */
		/* What was moved into an upper with a uuid may be ours: see uuid-misplaced. */
		else if (found == 0 && is_rootlike(d, name, obs))
			found = !is_upper && has_uuid(obs) ? 1 : stands_by_work_base(r, d, dirfd);
		if (found <= 0)
			return found;
	}
	*ret_storage = (struct ovl_loc){ d->dir->layer, ovl_path_ref(storage) };
	return 1;
}
