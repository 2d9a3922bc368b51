/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much is looked at when the machine boots; pure.
 */
#include "boot_choice.h"

/* 2026-01-01. A clock that shows less was not set yet: it says nothing about the age of a stamp. */
static const uint64_t CLOCK_IS_SET = 1767225600;

/*
 * A stamp of the future is one of a clock that was wrong, then or now. By less than the interval it does
 * no harm; else it must not keep everybody from looking until then.
 */
static bool is_overdue(const struct ovl_boot_case *c)
{
	uint64_t bound = (uint64_t)c->days * 24 * 60 * 60;
	uint64_t apart = c->now > c->checked ? c->now - c->checked : c->checked - c->now;

	return c->days > 0 && c->now >= CLOCK_IS_SET && apart > bound;
}

struct ovl_boot_choice ovl_boot_choice(const struct ovl_boot_case *c)
{
	const struct ovl_boot_choice quick = { OVL_EXTENT_QUICK, OVL_BOOT_WHY_USUAL };
	/* Who cannot leave a stamp would look at everything each time, for ever. */
	bool counts_days = c->writes && c->days > 0;

	if (c->mode == OVL_BOOT_SKIP)
		return (struct ovl_boot_choice){ OVL_EXTENT_NONE, OVL_BOOT_WHY_SKIPPED };
	if (c->mode == OVL_BOOT_FORCE)
		return (struct ovl_boot_choice){ OVL_EXTENT_WHOLE, OVL_BOOT_WHY_FORCED };
	switch (c->stamp) {
	case OVL_STAMP_NONE:
		if (counts_days)
			return (struct ovl_boot_choice){ OVL_EXTENT_WHOLE, OVL_BOOT_WHY_FIRST };
		return quick;
	case OVL_STAMP_UNCLEAN:
		return (struct ovl_boot_choice){ OVL_EXTENT_WHOLE, OVL_BOOT_WHY_UNCLEAN };
	case OVL_STAMP_OLD:
	case OVL_STAMP_CLEAN:
		if (counts_days && is_overdue(c))
			return (struct ovl_boot_choice){ OVL_EXTENT_WHOLE, OVL_BOOT_WHY_OVERDUE };
		if (c->stamp == OVL_STAMP_CLEAN)
			return (struct ovl_boot_choice){ OVL_EXTENT_NONE, OVL_BOOT_WHY_CLEAN };
		return quick;
	case OVL_STAMP_NO_PLACE:
	default:
		return quick;
	}
}

const char *ovl_boot_choice_word(enum ovl_boot_why why)
{
	static const char *const words[] = {
		[OVL_BOOT_WHY_USUAL] = "usual",      [OVL_BOOT_WHY_FORCED] = "forced",
		[OVL_BOOT_WHY_FIRST] = "first",      [OVL_BOOT_WHY_OVERDUE] = "overdue",
		[OVL_BOOT_WHY_UNCLEAN] = "unclean",  [OVL_BOOT_WHY_CLEAN] = "clean",
		[OVL_BOOT_WHY_SKIPPED] = "unwanted", [OVL_BOOT_WHY_FOUND] = "found",
	};

	return words[why];
}

const char *ovl_boot_choice_text(enum ovl_boot_why why)
{
	switch (why) {
	case OVL_BOOT_WHY_FORCED:
		return "the kernel command line asks for it";
	case OVL_BOOT_WHY_FIRST:
		return "there is no record of one with these layers and options";
	case OVL_BOOT_WHY_OVERDUE:
		return "the last one was long ago";
	case OVL_BOOT_WHY_UNCLEAN:
		return "it was not unmounted as it should";
	case OVL_BOOT_WHY_FOUND:
		return "the quick one asks for it";
	case OVL_BOOT_WHY_USUAL:
	case OVL_BOOT_WHY_CLEAN:
	case OVL_BOOT_WHY_SKIPPED:
	default:
		return "";
	}
}
