/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stack: the layers of one overlay, opened and understood.
 */
#ifndef OVERLAYFS_STACK_H
#define OVERLAYFS_STACK_H

#include "overlayfs/error.h"
#include "overlayfs/option.h"
#include "overlayfs/types.h"

struct ovl_reader;

/**
 * ovl_stack_open - open every layer of a configuration, read-only
 * @config: borrowed for the life of the stack
 * @reader: NULL for the real world
 * @ret: written on success only; ovl_stack_close() it
 * @e: names the layer that could not be opened, or the contradiction between options
 *
 * Opens upper, work base, index, lower and data-only layers; finds out what their file systems can
 * do; resolves the options not given to those that make the traces on disk valid. Violations of the
 * layout that a mount would refuse are no failure here: they are findings of ovl_check().
 *
 * Returns 0; -EINVAL for contradicting options; -EPERM if trusted.* xattrs cannot be seen and the
 * layers are not userxattr ones; -ENOENT, -ENOTDIR ... for a layer; -ENOMEM.
 */
int ovl_stack_open(const struct ovl_config *config, struct ovl_reader *reader,
		   struct ovl_stack **ret, struct ovl_error *e);

/** ovl_stack_close - close everything; NULL is fine; always returns NULL */
struct ovl_stack *ovl_stack_close(struct ovl_stack *stack);

/** ovl_stack_config - the options in force: as given, else as resolved from the traces */
const struct ovl_config *ovl_stack_config(const struct ovl_stack *stack);

/** ovl_stack_n_layers - upper (if any), lower and data-only layers together */
size_t ovl_stack_n_layers(const struct ovl_stack *stack);

/**
 * ovl_stack_place - a place as messages name it: "upper:/etc/motd", "lower2:/a", "index:/00fb..."
 *
 * Control bytes are escaped. Free() it; NULL when out of memory.
 */
char *ovl_stack_place(const struct ovl_stack *stack, struct ovl_loc loc);

/** ovl_stack_layer_name - "upper", "lower1", "data2", "work", "index" or "overlay"; free() it */
char *ovl_stack_layer_name(const struct ovl_stack *stack, int layer);

/** ovl_stack_layer_dir - the directory of a layer as it was given; borrowed; NULL for OVL_LAYER_NONE */
const char *ovl_stack_layer_dir(const struct ovl_stack *stack, int layer);

/** ovl_stack_path - the raw path bytes of a place, "/" for a root; free() it */
char *ovl_stack_path(struct ovl_loc loc);

/**
 * ovl_stack_users - who uses upper, work or a lower of this overlay right now, for messages
 * @ret_text: one line a user, escaped, without newline at the end ("upper and work are in use by the
 *            overlay at /m (process 12)"); free() it; NULL if nobody does; written if not negative
 *
 * That a lower is a lower of others as well is no use that is told: none of them writes to it.
 * Returns 1 in use, 0 not, -ENOENT without /proc, -ENOMEM or another errno.
 */
int ovl_stack_users(const struct ovl_stack *stack, char **ret_text);

#endif
