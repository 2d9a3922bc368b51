/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of overlay xattrs. See overlayfs/xattr.h.
 */
#include "overlayfs/xattr.h"

#include <string.h>

#include "base/cleanup.h"

#include "base/banned.h"

#define TRUSTED "trusted.overlay."
#define USER "user.overlay."
#define ESCAPE "overlay."

static const struct {
	const char *brief;
	const char *full[2]; /* by userxattr */
} names[OVL_X__MAX] = {
#define XATTR(NAME, name) [OVL_X_##NAME] = { #name, { TRUSTED #name, USER #name } },
#include "overlayfs/xattrs.def"
#undef XATTR
};

/* What follows @prefix in @name, NULL if it does not start so. */
static const char *behind(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(name, prefix, len) == 0 ? name + len : NULL;
}

static bool find_id(const char *brief, enum ovl_xattr_id *ret_id)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i].brief, brief) != 0)
			continue;
		if (ret_id)
			*ret_id = (enum ovl_xattr_id)i;
		return true;
	}
	return false;
}

enum ovl_xattr_class ovl_xattr_classify(const char *name, bool userxattr, enum ovl_xattr_id *ret_id)
{
	const char *brief;

	brief = behind(name, userxattr ? USER : TRUSTED);
	if (brief) {
		if (behind(brief, ESCAPE))
			return OVL_XC_ESCAPED;
		return find_id(brief, ret_id) ? OVL_XC_KNOWN : OVL_XC_UNKNOWN;
	}
	brief = behind(name, userxattr ? TRUSTED : USER);
	if (brief && find_id(brief, ret_id))
		return OVL_XC_INACTIVE;
	return OVL_XC_FOREIGN;
}

const char *ovl_xattr_name(enum ovl_xattr_id id, bool userxattr)
{
	return names[id].full[userxattr];
}

const char *ovl_xattr_short(enum ovl_xattr_id id)
{
	return names[id].brief;
}
