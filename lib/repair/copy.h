/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy of one object of a layer: made where nothing is, then dressed in all that the other one has.
 */
#ifndef OVL_REPAIR_COPY_H
#define OVL_REPAIR_COPY_H

#include "repair/trees.h"

/** What is copied. OVL_COPY_INIT, then ovl_copy_hold(); ovl_copy_done() it. */
struct ovl_copy {
	struct ovl_stack *stack;
	bool twin;        /* xattrs of overlayfs come along: it takes the place of the other */
	bool plain;       /* where it is made, no ACLs are inherited */
	int dir;          /* that holds it; borrowed */
	const char *name; /* borrowed */
	int object;       /* held; -1 */
	int fd;           /* its content, if it is a file; open, if it is a directory; -1 */
	struct ovl_stat st;
	struct ovl_times times;
	uint64_t size; /* of the content */
};

#define OVL_COPY_INIT(STACK)                             \
	{                                                \
		.stack = (STACK), .object = -1, .fd = -1 \
	}

/** ovl_copy_hold - what is at a name; both are borrowed; @ino: -ESTALE if it is another; 0: any */
int ovl_copy_hold(struct ovl_copy *c, int dir, const char *name, uint64_t ino);

/**
 * ovl_copy_open - open what has to be read of it
 * -EOPNOTSUPP for a metacopy file: ovl_copy_open_data() says where its content is.
 */
int ovl_copy_open(struct ovl_copy *c);
int ovl_copy_open_data(struct ovl_copy *c, int dir, const char *name, uint64_t ino);

void ovl_copy_done(struct ovl_copy *c);

/**
 * ovl_copy_make - make it, of the same type and with the same content, as yet nobody's
 * @ret_fd: of a file or a directory: open; -1 for others
 * -EEXIST; -ESTALE if the other one changed meanwhile.
 */
int ovl_copy_make(const struct ovl_copy *c, int dir, const char *name, int *ret_fd);

/**
 * ovl_copy_dress - owner, mode, xattrs, flags, times
 * @object: what was made; held, or open
 * @fd: open, of a file or a directory; -1 for others
 * -ESTALE if the other one has changed since it was held.
 */
int ovl_copy_dress(const struct ovl_copy *c, int object, int fd);

/** ovl_copy_remove_acls - those that a folder above has left it */
int ovl_copy_remove_acls(int object);

#endif
