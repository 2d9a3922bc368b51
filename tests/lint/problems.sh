#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every row of the problem table has a case that shows it, a near miss that does not, a paragraph
# in overlay-problems(7) and an explanation by the program.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
. tests/lint/tap.sh

slugs=$(printf '#define PROBLEM(ID, NAME, SLUG, ...) @@SLUG@@\n#include "overlayfs/problems.def"\n' |
	${CC:-cc} -E -P -Iinclude -x c - | grep -oE '@@ *[a-z0-9_]+ *@@' | tr -d '@ ' | tr _ -)

tap_result "the table has rows" "$([ "$(printf '%s\n' "$slugs" | wc -l)" -gt 10 ] || echo "$slugs")"
tap_result "no slug twice" "$(printf '%s\n' "$slugs" | sort | uniq -d)"
tap_result "every problem has a case" "$(
	for slug in $slugs; do
		[ -s "tests/cases/$slug.case" ] || echo "tests/cases/$slug.case"
	done)"
tap_result "every problem has a near miss" "$(
	for slug in $slugs; do
		[ -s "tests/cases/$slug-not.case" ] || echo "tests/cases/$slug-not.case"
	done)"

tap_result "the repairs of a problem stand together" "$(
	sed -nE 's/^REPAIR[A-Z_]*\((\w+),.*/\1/p' lib/repair/repairs.def | uniq | sort | uniq -d)"
tap_result "every repair has a case that looks at what it made" "$(
	sed -nE 's/^REPAIR[A-Z_]*\((\w+), (PREEN|YES),.*/\1/p' lib/repair/repairs.def | sort -u |
		tr '[:upper:]_' '[:lower:]-' | while read -r slug; do
		grep -qE '^(repaired|preened|leaves)' "tests/cases/$slug"*.case || echo "$slug"
	done)"

tap_result "every conversion has a case that compares the views" "$(
	sed -nE 's/^CONVERT[A-Z_]*\((\w+),.*/\1/p' lib/repair/repairs.def | sort -u |
		tr '[:upper:]_' '[:lower:]-' | while read -r slug; do
		grep -qE '^converts' "tests/cases/$slug"*.case || echo "$slug"
	done)"

page=${top_builddir:-build}/man/overlay-problems.7
tap_result "every problem has a paragraph in $(basename "$page")" "$(
	for slug in $slugs; do
		sed 's/\\-/-/g' "$page" | grep -qE "(^|[^a-z-])$slug([^a-z-]|\$)" || echo "$slug"
	done)"
tap_result "every problem is explained" "$(
	for slug in $slugs; do
		"${FSCK_OVERLAY:?}" --explain="$slug" </dev/null 2>&1 | grep -qF "$slug" || echo "$slug"
	done)"
tap_end
