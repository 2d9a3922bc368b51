# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What the lints share: TAP from lists of complaints. Sourced in the top source folder.

tap_count=0

# Our own files, and none that a tool made: what a lint hands to find(1) or grep -r.
# shellcheck disable=SC2034 # used by the lints
all_files='README.md HACKING.md NEWS Makefile.am configure.ac autogen.sh
	.clang-format .editorconfig .gitignore .ci completions demo fsck boot include lib man tests'

# tap_result NAME COMPLAINTS [HINT]: ok if there are no complaints
tap_result() {
	tap_count=$((tap_count + 1))
	if [ -z "$2" ]; then
		echo "ok $tap_count - $1"
		return
	fi
	echo "not ok $tap_count - $1"
	printf '%s\n' "$2" | sed -e 's/^/# /' -e '21{s/.*/# and so on/;q}'
	if [ -n "${3:-}" ]; then echo "# hint: $3"; fi
}

# tap_skip NAME REASON
tap_skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

tap_end() {
	echo "1..$tap_count"
}
