/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the feature table.
 */
#ifndef OVL_FORMAT_FEATURE_H
#define OVL_FORMAT_FEATURE_H

#include "overlayfs/feature.h"

enum ovl_feature_kind {
	OVL_FEATURE_OPTIONAL, /* in force if a mount option asks for it */
	OVL_FEATURE_LAYOUT,   /* in force if the layers given need it */
	OVL_FEATURE_ALWAYS,   /* in force wherever it is known */
};

/** A row of features.def. */
struct ovl_feature_row {
	const char *word;
	struct ovl_kernel since;
	ovl_features needs;
	enum ovl_feature_kind kind;
	const char *effect;
};

const struct ovl_feature_row *ovl_feature_row(enum ovl_feature feature);

/** ovl_kernel_before - is it older than a version? Never of major 0. */
bool ovl_kernel_before(struct ovl_kernel kernel, unsigned major, unsigned minor);

/** ovl_features_in_force - those of a set that lack nothing of what they need */
ovl_features ovl_features_in_force(ovl_features features);

#endif
