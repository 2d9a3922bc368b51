/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claims of upper objects to lower inodes, see struct ovl_fact_origin: is the inode in a layer at all,
 * and does the kernel take the object for it?
 */
#ifndef OVL_CHECK_CLAIM_H
#define OVL_CHECK_CLAIM_H

#include "check/view.h"

/** ovl_claim_loc - where the upper object is, of several names the first in order; borrowed */
struct ovl_loc ovl_claim_loc(const struct ovl_fact_origin *claim);

/**
 * ovl_claim_is_outside - the inode of its origin has no name in any lower layer
 *
 * Names were collected while the lowers were walked. False where that is not to be trusted: a part of
 * a lower could not be read, or its file system gives other inode numbers in listings than in stat.
 */
bool ovl_claim_is_outside(const struct ovl_view *v, const struct ovl_fact_origin *claim);

/**
 * ovl_claim_is_used - does the kernel take the upper file for the lower inode that it claims?
 * @ret_ino: if it does, the upper inode; may be NULL
 *
 * Not if a lookup of the file fails. And a metacopy file is taken for the lower file that it stands on,
 * whatever its origin says. Returns 1, 0 or -ENOMEM. Kernel: fs/overlayfs/inode.c, ovl_get_inode().
 */
int ovl_claim_is_used(const struct ovl_view *v, const struct ovl_fact_origin *claim,
		      uint64_t *ret_ino);

/**
 * ovl_claim_is_uncovered - is the lower file shown under its own name, with nothing of the upper there?
 * @ret_name: if it is, that name; in the facts
 * Returns 1, 0 or -ENOMEM.
 */
int ovl_claim_is_uncovered(const struct ovl_view *v, const struct ovl_fact_origin *claim,
			   const struct ovl_fact_name **ret_name);

/** ovl_claim_is_inode - is this what a lookup found? */
static inline bool ovl_claim_is_inode(const struct ovl_fact_origin *claim,
				      const struct ovl_found *found)
{
	return claim->key.a == found->stat.dev && claim->key.b == found->stat.ino;
}

#endif
