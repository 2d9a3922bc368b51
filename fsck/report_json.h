/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What report_json.c has in files of their own.
 */
#ifndef FSCK_REPORT_JSON_H
#define FSCK_REPORT_JSON_H

#include "reporter.h"

/** ovl_report_json_inspection - reporter.inspection() */
int ovl_report_json_inspection(struct ovl_reporting *r, const char *path,
			       const struct ovl_inspection *inspection);

/** ovl_report_json_step, _steps_end, _journal, _journals_end - reporter.step() and so on */
int ovl_report_json_step(struct ovl_reporting *r, const struct ovl_undo_step *step);
int ovl_report_json_steps_end(struct ovl_reporting *r, const struct ovl_undo_summary *s);
int ovl_report_json_journal(struct ovl_reporting *r, const struct ovl_undo_entry *entry);
int ovl_report_json_journals_end(struct ovl_reporting *r);

#endif
