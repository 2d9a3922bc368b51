/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --boot. See boot.h.
 *
 * The quick check only looks. Whatever it finds that could be repaired, or that makes one doubt whether
 * all else is well, is left to the whole check, which knows more.
 */
#include "boot.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "all.h"
#include "boot_choice.h"
#include "boot_progress.h"
#include "boot_record.h"
#include "cleanup.h"
#include "examine.h"
#include "exitcode.h"
#include "message.h"
#include "overlayfs/boot.h"
#include "task.h"
#include "text.h"

/* One overlay and what is known of it. */
struct boot {
	struct ovl_reporting r;
	struct ovl_options o; /* of this overlay alone */
	struct ovl_mount_described m;
	struct ovl_boot said; /* by the kernel command line */
	bool looked;          /* there was a check, of whatever result */
};

static void boot_done(struct boot *b)
{
	ovl_mount_described_done(&b->m);
}

static void close_stack(struct ovl_stack **stack)
{
	ovl_stack_close(*stack);
}

/* What may be done: as with -A; if nobody says anything, what nobody could regret. */
static unsigned modes_of(const struct boot *b)
{
	static const unsigned given[] = {
		[OVL_WISH_ANY] = 0,
		[OVL_WISH_REPORT] = OVL_MODE_CHECK,
		[OVL_WISH_PREEN] = OVL_MODE_PREEN,
		[OVL_WISH_YES] = OVL_MODE_YES,
	};
	unsigned modes = ovl_all_modes(given[b->said.repair], b->m.wish);

	return modes ? modes : OVL_MODE_PREEN;
}

static unsigned days_of(const struct boot *b)
{
	if (b->m.interval >= 0)
		return (unsigned)b->m.interval;
	return b->o.has_interval ? b->o.interval : OVL_BOOT_CHOICE_DAYS;
}

static void note_extent(struct boot *b, struct ovl_boot_choice choice)
{
	b->r.extent = choice.extent == OVL_EXTENT_WHOLE ? "whole" :
		      choice.extent == OVL_EXTENT_QUICK ? "quick" :
							  "no";
	b->r.why = ovl_boot_choice_word(choice.why);
}

static int look_at_all(struct boot *b, struct ovl_boot_choice choice, const char *found)
{
	struct ovl_source source = { .config = b->m.config,
				     .kind = b->m.source,
				     .label = b->m.target };
	_cleanup_free_ char *label = ovl_text_escape(b->m.target);
	int code, fd;

	note_extent(b, choice);
	if (!b->o.json && label)
		fprintf(b->r.out, "%s: whole check, since %s%s%s\n", label,
			ovl_boot_choice_text(choice.why), found ? ": " : "", found ? found : "");
	fflush(b->r.out);
	fd = ovl_boot_progress_open(&b->o);
	source.config.brief = false;
	code = ovl_examine(&b->r, &source);
	b->m.config = source.config; /* its owner frees it */
	if (fd >= 0)
		close(fd);
	return code;
}

/* Looks quickly; @found is written if everything is to be looked at after that. */
static int look_quickly(struct boot *b, struct ovl_boot_choice choice, struct ovl_stack **stack,
			const char **found)
{
	int code;

	note_extent(b, choice);
	b->r.stack = *stack;
	code = ovl_task_quick(&b->r, *stack, found);
	b->r.stack = NULL;
	return code;
}

static int examine(struct boot *b)
{
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	_cleanup_(close_stack) struct ovl_stack *stack = NULL;
	struct ovl_stamp_seen seen = { 0 };
	struct ovl_boot_choice choice;
	const char *found = NULL;
	int r, code;

	b->m.config.brief = true;
	b->looked = true;
	r = ovl_stack_open(&b->m.config, NULL, &stack, &e);
	if (r == 0)
		r = ovl_stamp_look(stack, &seen);
	if (r < 0)
		return ovl_reporter_fail(&b->r, r, &e);
	choice = ovl_boot_choice(&(struct ovl_boot_case){
		.mode = b->said.mode,
		.writes = !(b->o.modes & OVL_MODE_CHECK),
		.stamp = seen.state,
		.checked = seen.time,
		.now = (uint64_t)time(NULL),
		.days = days_of(b),
	});
	if (choice.extent == OVL_EXTENT_NONE) {
		b->looked = false;
		return ovl_reporter_skip(&b->r, ovl_boot_choice_word(choice.why));
	}
	if (choice.extent == OVL_EXTENT_QUICK) {
		code = look_quickly(b, choice, &stack, &found);
		if (!found)
			return code;
		choice = (struct ovl_boot_choice){ OVL_EXTENT_WHOLE, OVL_BOOT_WHY_FOUND };
	}
	stack = ovl_stack_close(stack); /* it was opened for a quick look only */
	return look_at_all(b, choice, found);
}

/* Finds the overlay, and out whether it is to be checked at all. */
static int find(struct boot *b)
{
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	int r;

	if (b->said.is_off || b->said.mode == OVL_BOOT_SKIP)
		return ovl_reporter_skip(&b->r, ovl_boot_choice_word(OVL_BOOT_WHY_SKIPPED));
	r = ovl_mount_describe(b->o.operand[0], b->o.fstab, &b->m, &e);
	if (r < 0)
		return ovl_reporter_fail(&b->r, r, &e);
	b->r.label = b->m.target;
	if (b->m.is_live)
		return ovl_reporter_skip(&b->r, "mounted");
	if (b->m.declines)
		return ovl_reporter_skip(&b->r, "declined");
	b->o.modes = modes_of(b);
	b->o.task = b->o.modes & OVL_MODE_CHECK ? OVL_TASK_CHECK : OVL_TASK_REPAIR;
	return examine(b);
}

int ovl_boot(struct ovl_reporting *of_all)
{
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	_cleanup_(boot_done) struct boot b = { .r = *of_all, .o = *of_all->options };
	struct ovl_boot_record record;
	int code;

	b.r.options = &b.o;
	b.r.label = b.o.operand[0];
	b.r.extent = "no";
	b.r.why = "";
	if (ovl_boot_read(&b.said, &e) < 0) { /* then nothing is said */
		ovl_message_warning("%s", e.text ? e.text : "cannot read the kernel command line");
		b.said = (struct ovl_boot){ 0 };
	}
	ovl_boot_record_open(&record, &b.o, b.o.operand[0]);
	b.r.copy = record.reporting.out ? &record.reporting : NULL;
	code = find(&b);
	ovl_boot_record_close(&record);
	if (b.looked)
		ovl_boot_record_log(&b.r, code);
	return code;
}
