/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of xattrs: what is known under one prefix is inactive under the other. */
#include "fuzz/fuzz.h"
#include "overlayfs/xattr.h"

static void check_name(const char *name, bool userxattr)
{
	enum ovl_xattr_id id = OVL_X__MAX, other_id = OVL_X__MAX;
	enum ovl_xattr_class class = ovl_xattr_classify(name, userxattr, &id);
	enum ovl_xattr_class other = ovl_xattr_classify(name, !userxattr, &other_id);

	FUZZ_CHECK(id == other_id);
	FUZZ_CHECK((class == OVL_XC_KNOWN) == (other == OVL_XC_INACTIVE));
	if (class == OVL_XC_KNOWN)
		FUZZ_CHECK(strcmp(ovl_xattr_name(id, userxattr), name) == 0);
	else if (class != OVL_XC_INACTIVE)
		FUZZ_CHECK(id == OVL_X__MAX);
	if (class == OVL_XC_UNKNOWN || class == OVL_XC_ESCAPED)
		FUZZ_CHECK(other == OVL_XC_FOREIGN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = fuzz_string(data, size);

	check_name(name, false);
	check_name(name, true);
	free(name);
	return 0;
}
