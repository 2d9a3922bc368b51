#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may include whom. In lib/: base <- format <- io <- stack <- check <- repair, a room includes itself and
# the rooms to its left. Everybody else but the tests knows include/overlayfs only. Some outside
# libraries have one door.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
. tests/lint/tap.sh

rooms='base format io stack check repair'

# Lines "file:line:name", the name with its quotes or angle brackets.
includes() {
	find "$@" -type f \( -name '*.[ch]' -o -name '*.def' \) -exec grep -nE '^[[:space:]]*#[[:space:]]*include' {} + |
		sed 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*/:/'
}

tap_result "rooms of lib/ include themselves and rooms to their left" "$(
	includes lib | awk -F: -v rooms="$rooms" '
	BEGIN { n = split(rooms, room, " "); for (i = 1; i <= n; i++) rank[room[i]] = i }
	$3 !~ /^"/ { next }
	{
		split($1, at, "/"); split($3, q, "\""); to = q[2]; sub("/.*", "", to)
		if (!(at[2] in rank))
			print $1 ": lib/" at[2] " is no room"
		else if (to == "overlayfs" || (to in rank && rank[to] <= rank[at[2]]))
			next
		else
			print $1 ":" $2 ": room " at[2] " may not include " $3
	}')"

tap_result "include/ includes only itself and the C library" "$(
	includes include | awk -F: '
	$3 ~ /^"overlayfs\// { next }
	$3 ~ /^<(assert|errno|inttypes|limits|std(arg|bool|def|int|io|lib)|string|sys\/types)\.h>/ { next }
	{ print $1 ":" $2 ": " $3 }')"

tap_result "fsck/, boot/ and man/ include include/overlayfs and their own files only" "$(
	includes fsck boot man | while IFS=: read -r file line name; do
		case $name in
		'"overlayfs/'*) continue ;;
		'<'*) continue ;;
		esac
		own=${name#?}
		own=${own%%\"*}
		[ -e "${file%/*}/$own" ] || [ -e "$own" ] && case $own in
		*/*) [ "${own%%/*}" = "${file%%/*}" ] && continue ;;
		*) continue ;;
		esac
		echo "$file:$line: $name"
	done)"

# door NAME PATTERN FILE: only FILE (or a header of the same name) may include <PATTERN>
door() {
	tap_result "$1 has one door: $3" "$(
		includes lib include fsck boot man | grep -E ":<$2" | grep -vE "^${3%.c}\.[ch]:" || :)"
}
door libmount libmount/ lib/io/fstab.c
door json-c json-c/ 'fsck/json.c'
door libfsverity libfsverity lib/io/verity.c
door xattrs 'sys/xattr\.h' 'lib/io/.*.c'
door mounting 'sys/mount\.h' 'lib/io/.*.c'

tap_result "only lib/repair includes io/write.h, and those who make it" "$(
	includes lib fsck boot | grep -F '"io/write.h"' |
		grep -vE '^lib/(repair/|io/(write|copydata)\.c)' || :)"

tap_result "every file of lib/ ends its includes with base/banned.h" "$(
	find lib -name '*.c' | while read -r file; do
		last=$(grep -E '^#[[:space:]]*include "' "$file" | grep -v '\.def"' | tail -n 1)
		[ "$last" = '#include "base/banned.h"' ] || echo "$file: last include is $last"
	done)"
tap_end
