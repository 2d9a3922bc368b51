/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much is looked at when the machine boots.
 */
#ifndef FSCK_BOOT_CHOICE_H
#define FSCK_BOOT_CHOICE_H

#include <stdbool.h>

#include "overlayfs/boot.h"
#include "overlayfs/stamp.h"

/** Days after which everything is looked at again, if nobody says otherwise. */
enum { OVL_BOOT_CHOICE_DAYS = 30 };

enum ovl_extent {
	OVL_EXTENT_NONE,
	OVL_EXTENT_QUICK, /* what can be seen without walking the trees */
	OVL_EXTENT_WHOLE,
};

/** Why so much. */
enum ovl_boot_why {
	OVL_BOOT_WHY_USUAL,   /* nothing is known to be wrong: quick */
	OVL_BOOT_WHY_FORCED,  /* by the kernel command line */
	OVL_BOOT_WHY_FIRST,   /* there is no stamp of a whole check */
	OVL_BOOT_WHY_OVERDUE, /* the last one is too old */
	OVL_BOOT_WHY_UNCLEAN, /* the last mount did not end as it should */
	OVL_BOOT_WHY_CLEAN,   /* it was clean, and not mounted since */
	OVL_BOOT_WHY_SKIPPED, /* by the kernel command line */
	OVL_BOOT_WHY_FOUND,   /* the quick check has found something */
};

/** All that decides. */
struct ovl_boot_case {
	enum ovl_boot_mode mode;
	bool writes; /* a whole check that ends well can leave a stamp */
	enum ovl_stamp_state stamp;
	uint64_t checked, now; /* seconds since 1970; the first as the stamp has it */
	unsigned days;         /* after which a whole check is due; 0: never */
};

struct ovl_boot_choice {
	enum ovl_extent extent;
	enum ovl_boot_why why;
};

/** ovl_boot_choice - how much, and why; pure */
struct ovl_boot_choice ovl_boot_choice(const struct ovl_boot_case *c);

/** ovl_boot_choice_word - the reason in one word, for programs */
const char *ovl_boot_choice_word(enum ovl_boot_why why);

/** ovl_boot_choice_text - the reason of a check in a few words, for people */
const char *ovl_boot_choice_text(enum ovl_boot_why why);

#endif
