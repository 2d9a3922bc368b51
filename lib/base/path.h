/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths as chains of names: each node knows its name and its parent.
 *
 * Nodes are shared and counted (atomically), so a million objects of one directory share all but
 * their last name, and there is no longest path. NULL is the root. Names are bytes without NUL and
 * without slash.
 */
#ifndef OVL_BASE_PATH_H
#define OVL_BASE_PATH_H

#include "base/buf.h"
#include "overlayfs/types.h"

struct ovl_path {
	struct ovl_path *parent; /* NULL: the root */
	unsigned refs;
	uint32_t depth; /* 1 for a child of the root */
	uint16_t len;   /* of name; at most 255 on Linux, but not assumed */
	char name[];    /* NUL-terminated */
};

/**
 * ovl_path_new - a child of @parent
 * @parent: a reference is taken; may be NULL
 * @name: @len bytes, copied
 *
 * Returns NULL when out of memory, or with errno ENAMETOOLONG for a name above UINT16_MAX bytes.
 */
struct ovl_path *ovl_path_new(struct ovl_path *parent, const char *name, size_t len);

/** ovl_path_ref - one more reference; NULL stays NULL */
struct ovl_path *ovl_path_ref(const struct ovl_path *p);

/** ovl_path_unref - drop a reference, iteratively up the chain; always returns NULL */
struct ovl_path *ovl_path_unref(struct ovl_path *p);

/** ovl_path_depth - number of names; 0 for the root */
size_t ovl_path_depth(const struct ovl_path *p);

/** ovl_path_add - append "/a/b" (raw bytes; "/" for the root); 0 or -ENOMEM */
int ovl_path_add(struct ovl_buf *b, const struct ovl_path *p);

/** ovl_path_add_escaped - the same, safe for a terminal, see ovl_buf_add_escaped() */
int ovl_path_add_escaped(struct ovl_buf *b, const struct ovl_path *p);

/** ovl_path_compare - order as strcmp() would order the rendered names, component by component */
int ovl_path_compare(const struct ovl_path *a, const struct ovl_path *b);

/** ovl_path_is_below - @p is @ancestor or below it; by names, the nodes need not be shared */
bool ovl_path_is_below(const struct ovl_path *p, const struct ovl_path *ancestor);

/**
 * ovl_path_names - the names from the root to @p
 * @ret_nodes: array of @p's depth nodes, root's child first, borrowed nodes; free() it, also
 *             for the root, which has 0 names
 *
 * Returns the number of names, or -ENOMEM.
 */
long ovl_path_names(const struct ovl_path *p, const struct ovl_path ***ret_nodes);

/**
 * ovl_path_parse - "/a/b" or "a/b" to a path
 * @ret: written on 0 only; NULL then means the root; unref it
 *
 * Empty components are skipped; "." and ".." are kept as names (whoever resolves must refuse them).
 * Returns 0, -ENOMEM, or -ENAMETOOLONG for a component above UINT16_MAX bytes.
 */
int ovl_path_parse(const char *text, struct ovl_path **ret);

#endif
