#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every header compiles alone, so that the order of includes never matters; the public ones also
# without any setting of ours, and as C++.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
. tests/lint/tap.sh
warn='-Wall -Wextra -Werror -Wno-unused'

# alone HEADER COMPILER...
alone() {
	header=$1
	shift
	# shellcheck disable=SC2086 # words are meant to be split
	printf '#include "%s"\n' "$header" | "$@" $warn -fsyntax-only - 2>&1 | head -n 5
}

for header in include/overlayfs/*.h; do
	tap_result "$header alone" "$(alone "${header#include/}" ${CC:-cc} -std=gnu11 -x c -Iinclude)"
done

cxx=
for try in g++ clang++; do
	if [ -z "$cxx" ] && command -v $try >/dev/null; then cxx=$try; fi
done
for header in include/overlayfs/*.h; do
	if [ -n "$cxx" ]; then
		tap_result "$header as C++" "$(alone "${header#include/}" $cxx -std=c++17 -x c++ -Iinclude)"
	else
		tap_skip "$header as C++" "no C++ compiler"
	fi
done

for header in lib/*/*.h; do
	tap_result "$header alone" \
		"$(alone "${header#lib/}" ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -x c -Iinclude -Ilib)"
done
tap_end
