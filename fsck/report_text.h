/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parts of the report for people that a question is made of as well.
 */
#ifndef FSCK_REPORT_TEXT_H
#define FSCK_REPORT_TEXT_H

#include "reporter.h"

/** ovl_report_text_head - "upper:/etc/motd: metacopy has no lower data (meta-no-lowerdata)"; 0 or -ENOMEM */
int ovl_report_text_head(const struct ovl_reporting *r, FILE *out, const struct ovl_finding *f,
			 enum ovl_severity severity);

/** ovl_report_text_evidence - "    found: ...; expected: ...; other: ..." as a line; 0 or -ENOMEM */
int ovl_report_text_evidence(const struct ovl_reporting *r, const struct ovl_finding *f);

#endif
