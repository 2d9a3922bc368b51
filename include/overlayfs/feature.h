/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Features of overlayfs, sets of them, and the profile of a kernel that a tree is converted for.
 *
 * features.def is the only list: enum, words of -O, versions and texts come from it.
 */
#ifndef OVERLAYFS_FEATURE_H
#define OVERLAYFS_FEATURE_H

#include "overlayfs/option.h"

enum ovl_feature {
#define FEATURE(NAME, ...) OVL_F_##NAME,
#include "overlayfs/features.def"
#undef FEATURE
	OVL_F__MAX
};

/** A set of features: a mask of these bits. */
typedef uint32_t ovl_features;
#define OVL_FBIT(NAME) ((ovl_features)1 << OVL_F_##NAME)

/** A version of Linux, as far as features depend on it. */
struct ovl_kernel {
	unsigned major, minor;
};

/** What a tree is to be converted for. Zeroed: for nothing, it stays as it is. */
struct ovl_profile {
	bool active;
	struct ovl_kernel kernel; /* major 0: the running one */
	ovl_features known;       /* what that kernel understands */
	ovl_features on;          /* what is in force when it mounts the tree */
	ovl_features dropped;     /* what the user has asked to be without, in so many words */
	bool all_layers;  /* each layer is to stand for itself; else lowers are left alone */
	bool accept_loss; /* go on although something has no equivalent there */
};

/** ovl_feature_word - the name of a feature, as -O has it */
const char *ovl_feature_word(enum ovl_feature feature);

/** ovl_feature_effect - what a kernel that does not know it makes of its traces */
const char *ovl_feature_effect(enum ovl_feature feature);

/** ovl_features_known - all that a kernel understands; major 0: all there are */
ovl_features ovl_features_known(struct ovl_kernel kernel);

/**
 * ovl_kernel_parse - "4.14", "5.10.0-8-amd64", "v6.1"
 * Whatever comes behind major and minor number is ignored.
 * Returns 0, or -EINVAL with the versions that brought something in @e.
 */
int ovl_kernel_parse(const char *text, struct ovl_kernel *ret, struct ovl_error *e);

/**
 * ovl_features_parse - "^metacopy,^redirect_dir"
 * @ret: the features to be dropped, and those that need one of them; written on success
 * Returns 0, or -EINVAL with the words that there are in @e.
 */
int ovl_features_parse(const char *text, ovl_features *ret, struct ovl_error *e);

/**
 * ovl_profile_for_kernel - what is in force when @kernel mounts the tree with the same options
 * @given: the options that the user gave; a feature that none of them turns on is off there, since
 *         defaults differ between distributions
 */
void ovl_profile_for_kernel(struct ovl_profile *profile, struct ovl_kernel kernel,
			    const struct ovl_config *given);

/** ovl_profile_drop - the same without some features; for the running kernel, if none was set */
void ovl_profile_drop(struct ovl_profile *profile, ovl_features dropped);

/**
 * ovl_profile_fit - drop the index where the target would refuse the one that there is
 * @given: as of ovl_profile_for_kernel()
 * With userxattr its handles are stored under names that the target does not know; with uuid=off they do
 * not fit its own; and what leads to data-only layers is nothing without them.
 */
void ovl_profile_fit(struct ovl_profile *profile, const struct ovl_config *given);

/**
 * ovl_profile_render - the mount options for the target
 * @config: of today's mount
 * The layers, what is in force spelt out, and the other options that the target knows. Free() it; NULL
 * when out of memory.
 */
char *ovl_profile_render(const struct ovl_profile *profile, const struct ovl_config *config);

/** ovl_profile_config - the same as a configuration, for lookups by the rules of the target
 *  Its strings are borrowed from @config. */
struct ovl_config ovl_profile_config(const struct ovl_profile *profile,
				     const struct ovl_config *config);

#endif
