/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is asked of an object in one go, on top of any reader. See reader.h.
 */
#include "io/reader.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

/* fuse-overlayfs keeps its own marks in "user.fuseoverlayfs." and "security.fuseoverlayfs.". */
static bool is_foreign_mark(const char *name)
{
	static const char mark[] = "fuseoverlayfs.";
	const char *dot = strchr(name, '.');

	return dot && strncmp(dot + 1, mark, sizeof(mark) - 1) == 0;
}

/* The rest of the list behind @name; NULL at the end. The list may lack its last NUL. */
static const char *next_name(const struct ovl_buf *names, const char *name)
{
	const char *end = names->data + names->len;

	name += strlen(name) + 1; /* data[len] is NUL, so this ends at end + 1 at the latest */
	return name < end ? name : NULL;
}

static const char *first_name(const struct ovl_buf *names)
{
	return names->len > 0 ? names->data : NULL;
}

/*
 * One xattr that is in the list. Gone by now is as good as never there; what cannot be read is
 * remembered as bad, never as absent.
 */
static int read_value(struct ovl_reader *r, int dir, const char *name, const char *xattr,
		      enum ovl_xattr_id id, struct ovl_obs_scratch *scratch, struct ovl_obs *obs)
{
	struct ovl_buf *buf = &scratch->value[id];
	int err;

	err = r->ops->get_xattr(r, dir, name, xattr, buf);
	switch (err) {
	case 0:
		obs->xmask |= 1u << id;
		obs->x[id] = ovl_buf_bytes(buf);
		return 0;
	case -ENODATA:
		return 0;
	case -ENOMEM:
		return err;
	default:
		obs->xbad |= 1u << id;
		obs->xerr = err;
		return 0;
	}
}

static int read_values(struct ovl_reader *r, int dir, const char *name, uint32_t wanted,
		       bool userxattr, struct ovl_obs_scratch *scratch, struct ovl_obs *obs)
{
	enum ovl_xattr_id id;
	const char *xattr;
	int err;

	for (xattr = first_name(&scratch->names); xattr;
	     xattr = next_name(&scratch->names, xattr)) {
		switch (ovl_xattr_classify(xattr, userxattr, &id)) {
		case OVL_XC_KNOWN:
			if (!(wanted & (1u << id)))
				break;
			err = read_value(r, dir, name, xattr, id, scratch, obs);
			if (err < 0)
				return err;
			break;
		case OVL_XC_UNKNOWN:
			obs->has_unknown = true;
			break;
		case OVL_XC_INACTIVE:
			obs->has_inactive = true;
			break;
		case OVL_XC_FOREIGN:
			if (is_foreign_mark(xattr))
				obs->has_foreign_layer = true;
			break;
		case OVL_XC_ESCAPED:
			break;
		}
	}
	return 0;
}

int ovl_reader_observe(struct ovl_reader *r, int dir, const char *name, bool userxattr,
		       struct ovl_obs_scratch *scratch, struct ovl_obs *ret)
{
	struct ovl_stat st;
	int err = r->ops->stat(r, dir, name, &st);

	return err < 0 ? err :
			 ovl_reader_observe_rest(r, dir, name, &st, UINT32_MAX, userxattr, scratch,
						 ret);
}

int ovl_reader_observe_rest(struct ovl_reader *r, int dir, const char *name,
			    const struct ovl_stat *st, uint32_t wanted, bool userxattr,
			    struct ovl_obs_scratch *scratch, struct ovl_obs *ret)
{
	struct ovl_obs obs = { .stat = *st };
	int err;

	err = r->ops->list_xattrs(r, dir, name, &scratch->names);
	if (err < 0)
		return err;
	obs.names = ovl_buf_bytes(&scratch->names);
	err = read_values(r, dir, name, wanted, userxattr, scratch, &obs);
	if (err < 0)
		return err;

	obs.kind = ovl_kind_of(&obs.stat);
	/* The kernel asks whether the xattr is there, not what it holds: ovl_path_is_whiteout(). */
	if (obs.kind == OVL_KIND_REG && obs.stat.size == 0 && ovl_obs_has(&obs, OVL_X_WHITEOUT))
		obs.kind = OVL_KIND_XWHITEOUT;
	*ret = obs;
	return 0;
}

void ovl_obs_scratch_done(struct ovl_obs_scratch *scratch)
{
	unsigned i;

	if (!scratch)
		return;
	ovl_buf_done(&scratch->names);
	for (i = 0; i < OVL_X__MAX; i++)
		ovl_buf_done(&scratch->value[i]);
}

bool ovl_reader_is_whiteout(struct ovl_reader *r, int dir, const struct ovl_dirent *d)
{
	struct ovl_stat st;

	return d->type == OVL_DT_CHR && r->ops->stat(r, dir, d->name, &st) == 0 &&
	       ovl_kind_of(&st) == OVL_KIND_WHITEOUT;
}

int ovl_reader_glance(struct ovl_reader *r, int dir, const char *name, struct ovl_buf *names)
{
	static const char trusted[] = "trusted.overlay.", user[] = "user.overlay.";
	const char *xattr;
	int err;

	err = r->ops->list_xattrs(r, dir, name, names);
	if (err < 0)
		return err;
	/* Nearly every list is empty or a label of a security module; "fuseoverlayfs" has it too. */
	if (names->len == 0 || !memmem(names->data, names->len, "overlay", strlen("overlay")))
		return 0;
	for (xattr = first_name(names); xattr; xattr = next_name(names, xattr)) {
		if (strncmp(xattr, trusted, sizeof(trusted) - 1) == 0 ||
		    strncmp(xattr, user, sizeof(user) - 1) == 0 || is_foreign_mark(xattr))
			return 1;
	}
	return 0;
}

int ovl_reader_extents(struct ovl_reader *r, int fd, enum ovl_extents *ret)
{
	uint64_t at;
	int err;

	err = r->ops->seek_data(r, fd, 0, &at);
	if (err == 0)
		*ret = OVL_EXTENTS_SOME;
	else if (err == -ENXIO)
		*ret = OVL_EXTENTS_NONE;
	else if (err == -EINVAL || err == -EOPNOTSUPP || err == -ENOSYS)
		*ret = OVL_EXTENTS_UNKNOWN;
	else
		return err;
	return 0;
}
