/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options that were not given: those that make the traces on disk valid.
 *
 * Nothing on disk says how an overlay was mounted. An administrator who names only the directories
 * wants to hear what is wrong with them, not that a feature is off by default.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "overlayfs/xattr.h"
#include "stack/stack.h"

#include "base/banned.h"

/* Which prefixes have the overlay xattrs on the root of the upper, or of the topmost lower? */
static int find_prefixes(struct ovl_stack *s, bool *ret_user, bool *ret_trusted)
{
	const struct ovl_root *root = &s->layer[s->has_upper ? 0 : 1].root;
	_cleanup_(ovl_buf_done) struct ovl_buf names = { 0 };
	bool user = false, trusted = false;
	int r = s->reader->ops->list_xattrs(s->reader, root->fd, "", &names);

	*ret_user = *ret_trusted = false;
	if (r == -EOPNOTSUPP)
		return 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < names.len; i += strlen(names.data + i) + 1) {
		if (ovl_xattr_classify(names.data + i, true, NULL) == OVL_XC_KNOWN)
			user = true;
		if (ovl_xattr_classify(names.data + i, false, NULL) == OVL_XC_KNOWN)
			trusted = true;
	}
	*ret_user = user;
	*ret_trusted = trusted;
	return 0;
}

/* Options that the kernel refuses beside userxattr tell that it was not given. */
static bool may_be_userxattr(const struct ovl_config *given)
{
	return given->metacopy != OVL_ON && given->redirect_dir != OVL_REDIRECT_ON &&
	       given->redirect_dir != OVL_REDIRECT_FOLLOW;
}

static int resolve_userxattr(struct ovl_stack *s)
{
	const struct ovl_config *given = s->given;
	bool user = false, trusted = false;
	int r = 0;

	if (given->userxattr ? given->leaves_userxattr : may_be_userxattr(given)) {
		r = find_prefixes(s, &user, &trusted);
		if (r == 0)
			s->config.userxattr = given->userxattr ? user || !trusted :
								 user && !trusted;
	}
	/* Half way in a conversion both are there. */
	if (r == 0 && s->was_userxattr && user)
		s->config.userxattr = true;
	s->was_userxattr |= s->config.userxattr;
	return r;
}

/* Entries that only nfs_export=on makes: directories and whiteouts that are not temporary. */
static int index_has_nfs_entries(struct ovl_stack *s, bool *ret)
{
	struct ovl_reader *r = s->reader;
	_cleanup_free_ unsigned char *buf = malloc(OVL_DIRBUF_SIZE);
	struct ovl_dirstream stream = { .buf = buf,
					.room = s->given->brief ? (size_t)OVL_QUICK_ROOM :
								  (size_t)OVL_DIRBUF_SIZE };
	size_t max = s->given->brief ? (size_t)OVL_QUICK_ENTRIES : SIZE_MAX;
	struct ovl_dirent d;
	int dir, err;

	*ret = false;
	if (!buf)
		return -ENOMEM;
	err = r->ops->open_dir(r, s->index.root.fd, "", &dir);
	if (err < 0)
		return err;
	while (!*ret && max-- > 0 && (err = r->ops->read_dir(r, dir, &stream, &d)) > 0)
		*ret = d.name[0] != '#' &&
		       (d.type == OVL_DT_DIR || ovl_reader_is_whiteout(r, dir, &d));
	r->ops->close(r, dir);
	return err < 0 ? err : 0;
}

static int resolve_index(struct ovl_stack *s, struct ovl_error *e)
{
	struct ovl_config *c = &s->config;
	bool nfs = false;
	int r;

	if (!s->has_upper) {
		if (c->index == OVL_SWITCH_UNSET)
			c->index = c->nfs_export == OVL_ON ? OVL_ON : OVL_OFF;
		if (c->nfs_export == OVL_SWITCH_UNSET)
			c->nfs_export = OVL_OFF;
		return 0;
	}
	if (c->index == OVL_SWITCH_UNSET)
		c->index = c->nfs_export == OVL_ON || s->index_errno != -ENOENT ? OVL_ON : OVL_OFF;
	if (c->nfs_export == OVL_SWITCH_UNSET) {
		if (c->index == OVL_ON && s->index_errno == 0 && s->given->metacopy != OVL_ON) {
			r = index_has_nfs_entries(s, &nfs);
			if (r < 0)
				return ovl_fail(e, r, "cannot read index directory '%s'",
						s->index_dir);
		}
		c->nfs_export = nfs ? OVL_ON : OVL_OFF;
	}
	return 0;
}

/*
 * Beside a redirect_dir that was given and is not on, the kernel turns metacopy off, or refuses it.
 * verity does not matter: from Linux 6.16 it turns nothing on. Kernel: fs/overlayfs/params.c,
 * ovl_fs_params_verify().
 */
static bool is_metacopy_possible(const struct ovl_stack *s)
{
	const struct ovl_config *given = s->given;

	if (given->nfs_export == OVL_ON || given->redirect_dir == OVL_REDIRECT_NOFOLLOW)
		return false;
	return !s->has_upper || given->redirect_dir == OVL_REDIRECT_UNSET ||
	       given->redirect_dir == OVL_REDIRECT_ON;
}

static void resolve_redirect(struct ovl_stack *s)
{
	struct ovl_config *c = &s->config;

	if (c->userxattr) {
		c->redirect_dir = OVL_REDIRECT_NOFOLLOW;
		c->metacopy = OVL_OFF;
		return;
	}
	/* "off" means: make none. Kernels follow what is there unless told "nofollow". */
	if (c->redirect_dir == OVL_REDIRECT_OFF)
		c->redirect_dir = OVL_REDIRECT_FOLLOW;
	if (c->redirect_dir == OVL_REDIRECT_UNSET)
		c->redirect_dir = OVL_REDIRECT_ON;
	if (c->metacopy == OVL_SWITCH_UNSET)
		c->metacopy = is_metacopy_possible(s) ? OVL_ON : OVL_OFF;
}

int ovl_resolve_options(struct ovl_stack *s, struct ovl_error *e)
{
	int r;

	s->config = *s->given;
	r = resolve_userxattr(s);
	if (r < 0)
		return ovl_fail(e, r, "cannot list the xattrs of '%s'",
				s->layer[s->has_upper ? 0 : 1].dir);
	r = resolve_index(s, e);
	if (r < 0)
		return r;
	resolve_redirect(s);
	if (s->config.xino == OVL_XINO_UNSET)
		s->config.xino = OVL_XINO_OFF;
	if (s->config.uuid == OVL_UUID_UNSET)
		s->config.uuid = OVL_UUID_AUTO;
	/* With several file systems the kernel falls back to that. */
	if (s->config.uuid == OVL_UUID_OFF && !s->one_fs)
		s->config.uuid = OVL_UUID_NULL;
	if (s->config.verity == OVL_VERITY_UNSET)
		s->config.verity = OVL_VERITY_OFF;
	return 0;
}
