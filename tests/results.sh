#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: tests/results.sh [--failed N] TEST-SUITE-LOG...
# What did not pass, why it was skipped, and the sum of all subtests on the last line; exits with 1
# if any failed. N failures that are in no log are added. A log that is not there is one.
set -eu
failed=0
if [ "${1:-}" = --failed ]; then
	failed=$2
	shift 2
fi

for log; do
	[ -e "$log" ] || { echo "no results: $log"; failed=$((failed + 1)); continue; }
	grep -E '^SKIP: [^ ]+ .' "$log" | sed '31{s/.*/and more that was skipped/;q}' || :
	# Of a test with a failure in it: its name, what failed, and the comments that follow.
	awk '/^(FAIL|ERROR): [^ ]+$/ { name = $0; next }
		/^(PASS|SKIP|XFAIL|FAIL|XPASS|ERROR): / && !/exited with status|Bail out/ { next }
		/^not ok |^ERROR: |^Bail out/ {
			if (name) print name
			name = ""
			print
			comment = 1
			next
		}
		/^(ok|[0-9]+\.\.)/ || !NF { comment = 0 }
		comment' "$log"
done

present=
for log; do
	[ ! -e "$log" ] || present="$present $log"
done
# shellcheck disable=SC2086 # names without blanks
cat /dev/null $present | awk -v failed="$failed" '
	/^# (PASS|XFAIL): /           { passed += $3 }
	/^# (FAIL|XPASS|ERROR): /     { failed += $3 }
	/^# SKIP: /                   { skipped += $3 }
	END {
		printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
		exit failed > 0 || passed == 0
	}'
