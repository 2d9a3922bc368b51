/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The target of a conversion: what is in force there, and with which mount options.
 */
#include "format/feature.h"

#include "base/banned.h"

/* What the options ask for. A mount by an administrator turns on no more than these. */
static ovl_features asked_for(const struct ovl_config *c)
{
	ovl_features asked = 0;

	if (c->redirect_dir == OVL_REDIRECT_ON || c->redirect_dir == OVL_REDIRECT_FOLLOW)
		asked |= OVL_FBIT(REDIRECT_DIR);
	if (c->index == OVL_ON || c->nfs_export == OVL_ON) /* the one turns on the other */
		asked |= OVL_FBIT(INDEX);
	if (c->nfs_export == OVL_ON)
		asked |= OVL_FBIT(NFS_EXPORT);
	if (c->metacopy == OVL_ON) /* the same */
		asked |= OVL_FBIT(METACOPY) | OVL_FBIT(REDIRECT_DIR);
	return asked;
}

void ovl_profile_for_kernel(struct ovl_profile *profile, struct ovl_kernel kernel,
			    const struct ovl_config *given)
{
	ovl_features optional = 0;

	for (unsigned i = 0; i < OVL_F__MAX; i++)
		if (ovl_feature_row((enum ovl_feature)i)->kind == OVL_FEATURE_OPTIONAL)
			optional |= (ovl_features)1 << i;
	profile->active = true;
	profile->kernel = kernel;
	profile->known = ovl_features_known(kernel);
	profile->on = profile->known & (~optional | asked_for(given));
	profile->on = ovl_features_in_force(profile->on);
	/* Since 6.16 data-only layers are heeded without metacopy=on. */
	if (given->n_data > 0 && !ovl_kernel_before(kernel, 6, 16))
		profile->on |= OVL_FBIT(DATA_ONLY);
}

void ovl_profile_drop(struct ovl_profile *profile, ovl_features dropped)
{
	if (!profile->active) {
		profile->active = true;
		profile->known = ovl_features_known((struct ovl_kernel){ 0 });
		profile->on = profile->known;
	}
	profile->dropped |= dropped;
	profile->on = ovl_features_in_force(profile->on & ~dropped);
}

static bool is_on(const struct ovl_profile *p, ovl_features bit)
{
	return (p->on & bit) != 0;
}

void ovl_profile_fit(struct ovl_profile *p, const struct ovl_config *given)
{
	bool user = given->userxattr && !is_on(p, OVL_FBIT(USERXATTR));
	bool data = given->n_data > 0 && !is_on(p, OVL_FBIT(DATA_ONLY));
	bool uuid = given->uuid == OVL_UUID_OFF && ovl_kernel_before(p->kernel, 5, 11);

	if (user || data || uuid)
		p->on = ovl_features_in_force(p->on & ~OVL_FBIT(INDEX));
}

struct ovl_config ovl_profile_config(const struct ovl_profile *p, const struct ovl_config *config)
{
	struct ovl_config c = *config;

	if (!is_on(p, OVL_FBIT(REDIRECT_DIR)))
		c.redirect_dir = OVL_REDIRECT_NOFOLLOW;
	if (!is_on(p, OVL_FBIT(INDEX)))
		c.index = OVL_OFF;
	if (!is_on(p, OVL_FBIT(NFS_EXPORT)))
		c.nfs_export = OVL_OFF;
	if (!is_on(p, OVL_FBIT(METACOPY)))
		c.metacopy = OVL_OFF;
	if (!is_on(p, OVL_FBIT(DATA_ONLY)))
		c.n_data = 0;
	if (!is_on(p, OVL_FBIT(USERXATTR)))
		c.userxattr = false;
	if (!is_on(p, OVL_FBIT(VOLATILE)))
		c.is_volatile = false;
	return c;
}

/* The words that the kernel does not have; each was brought by the version named. */
static void forget_unknown(const struct ovl_profile *p, struct ovl_config *c)
{
	if (ovl_kernel_before(p->kernel, 4, 10))
		c->redirect_dir = OVL_REDIRECT_UNSET;
	else if (c->redirect_dir == OVL_REDIRECT_NOFOLLOW && ovl_kernel_before(p->kernel, 4, 15))
		c->redirect_dir = OVL_REDIRECT_OFF;
	else if (c->redirect_dir == OVL_REDIRECT_FOLLOW && ovl_kernel_before(p->kernel, 4, 15))
		c->redirect_dir = OVL_REDIRECT_OFF; /* it follows all the same */
	if (ovl_kernel_before(p->kernel, 4, 13))
		c->index = OVL_SWITCH_UNSET;
	if (ovl_kernel_before(p->kernel, 4, 16))
		c->nfs_export = OVL_SWITCH_UNSET;
	if (ovl_kernel_before(p->kernel, 4, 17))
		c->xino = OVL_XINO_UNSET;
	if (ovl_kernel_before(p->kernel, 4, 19))
		c->metacopy = OVL_SWITCH_UNSET;
	if (ovl_kernel_before(p->kernel, 5, 11) ||
	    (c->uuid != OVL_UUID_OFF && ovl_kernel_before(p->kernel, 6, 6)))
		c->uuid = OVL_UUID_UNSET;
	if (ovl_kernel_before(p->kernel, 6, 6))
		c->verity = OVL_VERITY_UNSET;
}

char *ovl_profile_render(const struct ovl_profile *p, const struct ovl_config *config)
{
	struct ovl_config c = ovl_profile_config(p, config);

	/*
	 * Until 4.19, "nofollow" refuses directories of the lowest layer that have a redirect, although it
	 * leads nowhere from there. Those of upper and middle layers are out of its way by now.
	 */
	if (c.redirect_dir == OVL_REDIRECT_NOFOLLOW && config->redirect_dir != c.redirect_dir &&
	    ovl_kernel_before(p->kernel, 4, 19))
		c.redirect_dir = OVL_REDIRECT_OFF;
	forget_unknown(p, &c);
	return ovl_config_render(&c);
}
