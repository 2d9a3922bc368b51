/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is kept of a check at boot: a report in /run, and an entry in the journal.
 */
#ifndef FSCK_BOOT_RECORD_H
#define FSCK_BOOT_RECORD_H

#include "reporter.h"

/** The report that is written beside the one for people. Zeroed is none. */
struct ovl_boot_record {
	struct ovl_reporting reporting; /* to be the copy of another one */
	int dir;                        /* valid if there is an out */
	char *name, *temporary;
};

/**
 * ovl_boot_record_open - begin the report /run/fsck.overlay/NAME.json
 * @target: the mount point; NAME is what systemd calls it
 *
 * For root only, since it has names from directories that are closed to others. Where it cannot be
 * written, that is told, and there is none.
 */
void ovl_boot_record_open(struct ovl_boot_record *record, const struct ovl_options *o,
			  const char *target);

/** ovl_boot_record_close - it is complete: put it in the place of the last one; and free */
void ovl_boot_record_close(struct ovl_boot_record *record);

/**
 * ovl_boot_record_log - one entry in the journal, or, without one, a line on stderr
 * @r: with label, extent, why, and the numbers of the report that has ended
 *
 * MESSAGE, PRIORITY, MESSAGE_ID, SYSLOG_IDENTIFIER, FSCK_OVERLAY_MOUNT, _CODE, _CHECK, _REASON,
 * _PROBLEMS, _CORRECTED.
 */
void ovl_boot_record_log(const struct ovl_reporting *r, int code);

#endif
