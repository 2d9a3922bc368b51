/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stamp that says when an overlay was found clean, and whether it was mounted since.
 *
 * It is <workdir>/.fsck.overlay/state. The kernel makes <workdir>/work anew at every mount that may
 * write: as long as the one is there that was there at the check, the overlay was not mounted since. Who
 * unmounts it in an orderly way may note that, by the one that is there then; once that is done, a mount
 * of which it is not noted has ended by a crash, or somebody else has made it.
 */
#ifndef OVERLAYFS_STAMP_H
#define OVERLAYFS_STAMP_H

#include <stdbool.h>

#include "overlayfs/error.h"
#include "overlayfs/types.h"

enum ovl_stamp_state {
	OVL_STAMP_NO_PLACE, /* without a work directory nothing can be remembered */
	OVL_STAMP_NONE, /* no stamp, none that can be believed, or one of other layers or options */
	OVL_STAMP_OLD,  /* it was clean at @time, and mounted since, or nobody can tell */
	OVL_STAMP_UNCLEAN, /* and its last mount did not end as it should */
	OVL_STAMP_CLEAN,   /* it was clean at @time, and not mounted since */
};

/** What was found, to be kept until ovl_stamp_leave(). */
struct ovl_stamp_seen {
	enum ovl_stamp_state state;
	uint64_t time; /* seconds since 1970 */
	bool watched;  /* somebody notes how mounts end */
	uint64_t ino;  /* of work/, and its birth, before the check */
	int64_t sec;
	uint32_t nsec;
};

/**
 * ovl_stamp_look - is there a stamp? Reads only
 * Before the check begins, so that a mount in between is noticed. 0 or -ENOMEM: a stamp that cannot be
 * read is none.
 */
int ovl_stamp_look(struct ovl_stack *stack, struct ovl_stamp_seen *ret);

/**
 * ovl_stamp_leave - the whole check has found the overlay clean: leave a stamp, durable
 * @seen: of ovl_stamp_look() before that check
 * @now: seconds since 1970
 * 0, also where there is no place for one; or why not.
 */
int ovl_stamp_leave(struct ovl_stack *stack, const struct ovl_stamp_seen *seen, uint64_t now,
		    struct ovl_error *e);

/**
 * ovl_stamp_end - a mount of the overlay has ended as it should; nobody uses the layers now
 * 0, also if there is no stamp to note it in; or why not.
 */
int ovl_stamp_end(struct ovl_stack *stack, struct ovl_error *e);

#endif
