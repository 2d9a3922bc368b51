#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The C sources look as .clang-format says; no text ends a line with blanks. With --fix, formats.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
. tests/lint/tap.sh

# Another release breaks lines elsewhere: the one of Debian 12 decides.
release=14
formatter=
for try in clang-format-$release clang-format; do
	if [ -z "$formatter" ] && $try --version 2>/dev/null | grep -q "version $release\."; then
		formatter=$try
	fi
done

sources() {
	find include lib fsck boot man tests -type f -name '*.[ch]' | sort
}

if [ "${1:-}" = --fix ]; then
	sources | xargs "${formatter:?clang-format $release is not installed}" -i
	exit
fi

if [ -n "$formatter" ]; then
	tap_result "clang-format" "$(
		sources | xargs "$formatter" --dry-run 2>&1 |
			awk -F: '/warning: code should/ { n[$1]++; if (!line[$1]) line[$1] = $2 }
				END { for (f in n) print f ":" line[f] ": the first of " n[f] }' | sort)" \
		"tests/lint/format.sh --fix"
else
	tap_skip "clang-format" "clang-format $release is not installed"
fi

tap_result "no blanks at the end of lines, a newline at the end of files" "$(
	# shellcheck disable=SC2086 # words are meant to be split
	find $all_files m4/ovl_* -type f \( -name '*.[ch]' -o -name '*.def' -o -name '*.sh' \
		-o -name '*.a[cm]' -o -name '*.md' -o -name '*.m4' -o -name '*.[0-9]' \
		-o -name run -o -name NEWS \) |
	while read -r file; do
		grep -nE '[[:blank:]]$' "$file" | sed "s|^|$file:|"
		[ -z "$(tail -c 1 "$file")" ] || echo "$file: no newline at the end"
	done)"
tap_end
