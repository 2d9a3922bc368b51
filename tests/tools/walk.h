/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A walk over a directory tree for the test tools: sorted, without recursion, with three file
 * descriptors at any depth, and without ever building a path for the kernel.
 */
#ifndef TESTS_TOOLS_WALK_H
#define TESTS_TOOLS_WALK_H

#include <stddef.h>
#include <sys/stat.h>

/** One object. All pointers are good during the call only. */
struct ovl_walk_at {
	const char *name; /* in the current working directory, which is the object's directory */
	const char *path; /* from the root of the walk, begins with '/' */
	size_t path_len;
	const struct stat *st; /* of the object itself, not of what a symlink names */
};

struct ovl_walk_ops {
	/** Every object below the root, in bytewise order of names, a directory before what it
	 *  holds. Returns 1 to go into a directory, 0 to leave it alone, -errno to end the walk.
	 */
	int (*visit)(void *arg, const struct ovl_walk_at *at);
	/** A directory that was gone into, after all it holds; NULL if not wanted. */
	int (*leave)(void *arg, const struct ovl_walk_at *at);
	/** What could not be read, with a positive errno; @at->st is NULL if it was the object's
	 *  own status. Returns 0 to go on.
	 */
	int (*failed)(void *arg, const struct ovl_walk_at *at, int err);
};

/**
 * ovl_walk_names - the names in an open directory, sorted bytewise, without "." and ".."
 * @fd: rewound first; stays open
 * @ret_names: array of strings, freed with ovl_walk_names_free()
 *
 * Returns 0 or -errno.
 */
int ovl_walk_names(int fd, char ***ret_names, size_t *ret_count);

/** ovl_walk_names_free - free what ovl_walk_names() gave */
void ovl_walk_names_free(char **names, size_t count);

/**
 * ovl_walk - visit everything below an open directory, but not the directory itself
 * @root: an open directory; stays open
 *
 * Changes the working directory on the way and goes back at the end. Reads no atime into the
 * tree as far as O_NOATIME can help.
 *
 * Returns 0, or what a function of @ops returned to end the walk, or -errno if the walk lost its
 * way (the tree was changed under it).
 */
int ovl_walk(int root, const struct ovl_walk_ops *ops, void *arg);

#endif
