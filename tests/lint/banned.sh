#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Functions that nobody calls, and more of them that lib/ does not. base/banned.h stops most of
# them at compile time; this also sees headers, the program, and an include that was forgotten.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
. tests/lint/tap.sh

unsafe='strcpy strncpy stpcpy strcat strncat sprintf vsprintf gets strtok alloca strdupa atoi atol
	mktemp tmpnam tempnam asctime ctime gmtime localtime rand srand'
printing='printf vprintf fprintf vfprintf dprintf vdprintf puts fputs putchar perror exit _exit abort
	system popen syslog'

# called WORDS FOLDER...: calls of these functions outside of comments and strings
called() {
	words=$(printf '%s' "$1" | tr -s ' \t\n' '|')
	shift
	find "$@" -type f -name '*.[ch]' ! -path lib/base/banned.h -exec awk -v words="$words" '
	FNR == 1 { comment = 0 }
	{
		line = $0
		gsub(/\\["\\]/, "", line); gsub(/"[^"]*"/, "\"\"", line)
		if (comment && sub(/.*\*\//, "", line)) comment = 0
		if (comment) next
		gsub(/\/\*([^*]|\*[^\/])*\*\//, " ", line)
		if (sub(/\/\*.*/, "", line)) comment = 1
		if (match(line, "(^|[^A-Za-z0-9_.>])(" words ")[ \t]*\\("))
			print FILENAME ":" FNR ":" $0
	}' {} +
}

tap_result "nobody calls what writes past buffers or keeps hidden state" "$(
	called "$unsafe" include lib fsck boot man tests)"
tap_result "lib/ neither prints nor ends the process" "$(called "$printing" include lib)"
tap_end
