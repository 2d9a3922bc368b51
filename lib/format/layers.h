/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of layer paths, and the value of lowerdir= as two of them.
 */
#ifndef OVL_FORMAT_LAYERS_H
#define OVL_FORMAT_LAYERS_H

#include "overlayfs/types.h"

/** A list of strings that it owns; the same shape as the lists of struct ovl_config. */
struct ovl_layers {
	char **path;
	size_t n;
};

/** ovl_layers_done - free and empty; NULL is fine */
void ovl_layers_done(struct ovl_layers *l);

/**
 * ovl_layers_push - append a string
 * @path: taken, also on failure; NULL is what strdup() returned when out of memory
 *
 * Returns 0 or -ENOMEM.
 */
int ovl_layers_push(struct ovl_layers *l, char *path);

/** ovl_layers_copy - append copies of @n strings; 0 or -ENOMEM */
int ovl_layers_copy(struct ovl_layers *l, char *const *path, size_t n);

/**
 * ovl_layers_split - read the value of lowerdir=
 * @lower, @data: ordinary and data-only layers are appended, unescaped; on failure as well
 * @ret_why: what is wrong, static storage; written on -EINVAL only
 *
 * An empty value is an empty list. Returns 0, -EINVAL or -ENOMEM.
 * Kernel: fs/overlayfs/params.c, ovl_parse_param_lowerdir() and its helpers.
 */
int ovl_layers_split(const char *value, struct ovl_layers *lower, struct ovl_layers *data,
		     const char **ret_why);

/**
 * ovl_layers_unescape - a backslash stands for the byte behind it, one at the end for nothing
 * @value: @len bytes without NUL
 *
 * Returns a new string, NULL when out of memory. Kernel: ovl_unescape().
 */
char *ovl_layers_unescape(const char *value, size_t len);

#endif
