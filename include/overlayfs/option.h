/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mount options of an overlay, as words and as meaning.
 */
#ifndef OVERLAYFS_OPTION_H
#define OVERLAYFS_OPTION_H

#include "overlayfs/error.h"
#include "overlayfs/types.h"

/** Every value 0 means "not given". */
enum ovl_switch { OVL_SWITCH_UNSET, OVL_OFF, OVL_ON };
enum ovl_redirect_dir {
	OVL_REDIRECT_UNSET,
	OVL_REDIRECT_OFF,
	OVL_REDIRECT_NOFOLLOW,
	OVL_REDIRECT_FOLLOW,
	OVL_REDIRECT_ON,
};
enum ovl_xino { OVL_XINO_UNSET, OVL_XINO_OFF, OVL_XINO_AUTO, OVL_XINO_ON };
enum ovl_uuid { OVL_UUID_UNSET, OVL_UUID_OFF, OVL_UUID_NULL, OVL_UUID_AUTO, OVL_UUID_ON };
enum ovl_verity { OVL_VERITY_UNSET, OVL_VERITY_OFF, OVL_VERITY_ON, OVL_VERITY_REQUIRE };

/** Layers and options as given; paths are unescaped. Zeroed = nothing given. */
struct ovl_config {
	char *upper; /* NULL: none */
	char *work;
	char **lower; /* top to bottom */
	size_t n_lower;
	char **data; /* data-only layers, top to bottom; none without a lower */
	size_t n_data;
	bool lower_is_list; /* lower and data came from one "lowerdir=", which nothing may extend */
	enum ovl_redirect_dir redirect_dir;
	enum ovl_switch index;
	enum ovl_switch nfs_export;
	enum ovl_switch metacopy;
	enum ovl_xino xino;
	enum ovl_uuid uuid;
	enum ovl_verity verity;
	bool userxattr;
	bool leaves_userxattr; /* a conversion takes it away: believe the layers once it has */
	bool brief; /* for a quick check: a few entries of the index tell what it is used for */
	bool is_volatile;
	bool read_only; /* "ro" */
	char **unknown; /* options that mean nothing to us, escaped as given, in order, each once */
	size_t n_unknown;
};

/** ovl_config_done - free and empty; NULL is fine */
void ovl_config_done(struct ovl_config *c);

/**
 * ovl_config_parse - add an option string to a configuration
 * @options: as the operand of mount -o, e.g. "lowerdir=/a:/b\:c::/data,upperdir=/u,workdir=/w";
 *           may be called again: later words win, lowerdir replaces all lowers (and data layers),
 *           "lowerdir+=" and "datadir+=" append one layer
 * @e: names the option and why it was refused
 *
 * Splits at commas that no backslash protects. In lowerdir, upperdir and workdir a backslash stands
 * for the byte that follows it, whichever that is; in lowerdir, colons that no backslash protects
 * separate layers. "lowerdir+=" and "datadir+=" take their path literally, backslashes included: in
 * a string they cannot name a path with a comma (ovl_config_set() can). "lowerdir=" empties the
 * list.
 *
 * Words that mount(8) keeps for itself or gives to the VFS (nodev, noauto, x-*, context="a,b" ...)
 * are skipped, words that nobody knows are collected.
 *
 * Returns 0, -EINVAL (empty layer path, "::" without ordinary lower before it, an ordinary lower
 * after a data layer, value that the option does not know, upperdir without value, "lowerdir+="
 * after "lowerdir=" ...) or -ENOMEM. On failure @c is unchanged.
 *
 * Kernel: fs/overlayfs/params.c, ovl_parse_monolithic(), ovl_parse_param(),
 * ovl_parse_param_split_lowerdirs(), ovl_parse_layer(); tried on 6.18.
 */
int ovl_config_parse(struct ovl_config *c, const char *options, struct ovl_error *e);

/**
 * ovl_config_set - add one option to a configuration, as fsconfig(2) gets it
 * @name: e.g. "upperdir"
 * @value: NULL for an option without "=". Commas need no backslash here, since nothing is split at
 *         them; the values of lowerdir, upperdir and workdir are unescaped all the same
 *
 * For sources that have split the options already, such as mountinfo. Errors as in
 * ovl_config_parse(); on failure @c is unchanged. Kernel: ovl_parse_param().
 */
int ovl_config_set(struct ovl_config *c, const char *name, const char *value, struct ovl_error *e);

/**
 * ovl_config_check - do the options contradict each other?
 *
 * Returns 0 or -EINVAL with the text of the contradiction: upper without work, no lower, more than
 * 500 layers, a single lower without upper, index=off with nfs_export=on, metacopy=on with
 * nfs_export=on, userxattr with metacopy=on or redirect_dir=on|follow, metacopy=on with
 * redirect_dir=off|nofollow|follow (without upper: nofollow only). Refused is what the kernel
 * refuses whatever the parameters of its module are: where they decide (redirect_dir=off means
 * nofollow or follow), the check is silent. Nothing is said of options that the kernel ignores,
 * such as workdir without upperdir.
 *
 * Kernel: ovl_fs_params_verify(), ovl_fill_super(); tried on 6.18.
 */
int ovl_config_check(const struct ovl_config *c, struct ovl_error *e);

/**
 * ovl_config_render - the option string that ovl_config_parse() reads back to the same
 *                     configuration
 *
 * Only what was given; layers always as one "lowerdir=". free() it; NULL when out of memory.
 */
char *ovl_config_render(const struct ovl_config *c);

#endif
