#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A file is about one noun: at most 500 lines. Functions of more than 60 lines are only told.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
. tests/lint/tap.sh

tap_result "no file has more than 500 lines" "$(
	find include lib fsck boot man tests -type f \( -name '*.[ch]' -o -name '*.def' -o -name '*.sh' \) \
		-exec wc -l {} + | awk '$1 > 500 && $2 != "total" { print $2 ": " $1 " lines" }')"

find lib fsck boot man tests -type f -name '*.c' -exec awk '
	FNR == 1 { name = ""; start = 0 }
	/^[A-Za-z_].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name); from = FNR }
	/^\{/ { start = from }
	/^\}/ && start { if (FNR - start + 1 > 60)
				print "# " FILENAME ":" start ": " name "() has " FNR - start + 1 " lines"
			start = 0 }' {} +
tap_end
