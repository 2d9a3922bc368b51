/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One small sound overlay with everything in it that overlayfs writes.
 */
#ifndef TESTS_UNIT_TREE_EVERY_H
#define TESTS_UNIT_TREE_EVERY_H

enum { TREE_EVERY_LOWERS = 3 };

/** TREE_EVERY_OPTIONS - for tree_open(), beside the layers */
#define TREE_EVERY_OPTIONS "index=on"

/**
 * tree_every - make it in the folder of the tree: upper, work, lower1 to lower3
 *
 * Files and directories copied up, whiteouts of both kinds, an opaque directory, redirects in the
 * upper and in a middle layer, metacopy files (moved ones, and a chain through a middle layer), an
 * index with a hard link, leftovers and foreign marks that are mere information. A check finds
 * nothing of warning or above. Needs tree_has_trusted() and tree_has_handles().
 */
void tree_every(void);

#endif
