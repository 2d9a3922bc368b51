/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Do the options of a configuration contradict each other? See overlayfs/option.h.
 *
 * The kernel resolves options in an order: metacopy asks for redirects, nfs_export for the index
 * and for no metacopy, userxattr for neither redirects nor metacopy. What was not given bends, two
 * that were given and cannot both hold are an error. The functions below stand in that order.
 * (Before 6.16, verity asked for metacopy, and so did data-only layers; now they go with anything.)
 */
#include "overlayfs/option.h"

#include <errno.h>

#include "format/choice.h"

#include "base/banned.h"

enum { LAYERS_MAX = 500 }; /* OVL_MAX_STACK of the kernel; the upper does not count */

static int contradiction(const struct ovl_config *c, enum ovl_choice a, enum ovl_choice b,
			 struct ovl_error *e)
{
	return ovl_fail_plain(e, -EINVAL, "options %s=%s and %s=%s contradict each other",
			      ovl_choice_name(a), ovl_choice_word(a, ovl_choice_get(c, a)),
			      ovl_choice_name(b), ovl_choice_word(b, ovl_choice_get(c, b)));
}

static int check_layers(const struct ovl_config *c, struct ovl_error *e)
{
	if (c->n_lower == 0)
		return ovl_fail_plain(e, -EINVAL, "option lowerdir is missing");
	if (c->n_lower + c->n_data > LAYERS_MAX)
		return ovl_fail_plain(e, -EINVAL,
				      "option lowerdir: %zu layers, at most %d are possible",
				      c->n_lower + c->n_data, LAYERS_MAX);
	if (c->upper && !c->work)
		return ovl_fail_plain(e, -EINVAL, "option upperdir: needs workdir too");
	if (!c->upper && c->n_lower + c->n_data < 2)
		return ovl_fail_plain(
			e, -EINVAL,
			"option lowerdir: at least two layers, or upperdir, are needed");
	return 0;
}

/* redirect_dir was given, and means less than on. */
static bool is_redirect_restricted(const struct ovl_config *c)
{
	switch (c->redirect_dir) {
	case OVL_REDIRECT_UNSET:
	case OVL_REDIRECT_ON:
		return false;
	case OVL_REDIRECT_OFF:
		/* With an upper it is never on; without one it is nofollow, or as good as on. */
		return c->upper;
	case OVL_REDIRECT_FOLLOW:
		/* Only an upper could tell the difference to on. */
		return c->upper;
	case OVL_REDIRECT_NOFOLLOW:
		return true;
	}
	return false;
}

static int check_metacopy(const struct ovl_config *c, struct ovl_error *e)
{
	if (c->metacopy == OVL_ON && is_redirect_restricted(c))
		return contradiction(c, OVL_CHOICE_METACOPY, OVL_CHOICE_REDIRECT_DIR, e);
	return 0;
}

static int check_nfs_export(const struct ovl_config *c, struct ovl_error *e)
{
	/* Without upper, nfs_export needs no index; if redirects are followed it is turned off. */
	bool in_force = c->upper || c->redirect_dir == OVL_REDIRECT_NOFOLLOW;

	if (c->nfs_export != OVL_ON || !in_force)
		return 0;
	if (c->index == OVL_OFF)
		return contradiction(c, OVL_CHOICE_NFS_EXPORT, OVL_CHOICE_INDEX, e);
	if (c->metacopy == OVL_ON)
		return contradiction(c, OVL_CHOICE_NFS_EXPORT, OVL_CHOICE_METACOPY, e);
	return 0;
}

static int check_userxattr(const struct ovl_config *c, struct ovl_error *e)
{
	if (!c->userxattr)
		return 0;
	if (c->redirect_dir == OVL_REDIRECT_ON || c->redirect_dir == OVL_REDIRECT_FOLLOW)
		return ovl_fail_plain(
			e, -EINVAL, "options userxattr and redirect_dir=%s contradict each other",
			ovl_choice_word(OVL_CHOICE_REDIRECT_DIR, (int)c->redirect_dir));
	if (c->metacopy == OVL_ON)
		return ovl_fail_plain(e, -EINVAL,
				      "options userxattr and metacopy=on contradict each other");
	return 0;
}

int ovl_config_check(const struct ovl_config *c, struct ovl_error *e)
{
	int r;

	r = check_layers(c, e);
	if (r < 0)
		return r;
	r = check_metacopy(c, e);
	if (r < 0)
		return r;
	r = check_nfs_export(c, e);
	if (r < 0)
		return r;
	return check_userxattr(c, e);
}
